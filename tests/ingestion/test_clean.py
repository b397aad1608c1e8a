from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.clean import STEPS, clean, parse_step
from ingestion.step import LINE, Outcome, Step


def _step(name: str, **parameters: Any) -> Step:
    step, mistakes = parse_step({name: parameters})
    assert step is not None, mistakes
    return step


def _rows(columns: Mapping[str, list[Any]]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    return pl.DataFrame({LINE: list(range(2, height + 2))} | dict(columns), schema_overrides={LINE: pl.Int64})


def _rejected(outcome: Outcome) -> list[tuple[int, str]]:
    return list(outcome.rejected.select(LINE, "reason").iter_rows())


def test_every_step_is_documented_and_named_once() -> None:
    assert len(set(STEPS.values())) == len(STEPS)
    assert all(kind.__doc__ for kind in STEPS.values())


def test_require_rejects_empty_cells_and_says_which() -> None:
    outcome = _step("require", columns=["a", "b"]).apply(_rows({"a": ["x", None, "y"], "b": [1, 2, None]}))
    assert outcome.rows[LINE].to_list() == [2]
    assert list(outcome.rejected.iter_rows()) == [
        (3, "missing_value", "a is empty"),
        (4, "missing_value", "b is empty"),
    ]


def test_upper_writes_capitals_and_counts_what_it_changed() -> None:
    outcome = _step("upper", columns=["code"]).apply(_rows({"code": ["15056bl", "15056BL", None]}))
    assert outcome.rows["code"].to_list() == ["15056BL", "15056BL", None]
    assert outcome.changed == 1


def test_matching_steps_reject_for_the_reason_they_are_given() -> None:
    rows = _rows({"code": ["85123A", "POST", "DCGS0003", None]})
    why = {"column": "code", "reason": "not_merchandise", "because": "a service"}
    kept = _step("keep_matching", pattern=r"^(\d{5}|DCGS)", **why).apply(rows)
    assert list(kept.rejected.iter_rows()) == [(3, "not_merchandise", "code POST: a service")]
    assert _rejected(_step("reject_matching", pattern="^POST$", **why).apply(rows)) == [(3, "not_merchandise")]


def test_positive_tells_zero_from_negative_and_spares_what_it_is_told_to() -> None:
    rows = _rows({"n": [1.0, 0.0, -2.0, -3.0, None], "invoice": ["1", "2", "3", "C4", "5"]})
    assert _rejected(_step("positive", column="n").apply(rows)) == [(3, "zero_n"), (4, "negative_n"), (5, "negative_n")]
    spared = _step("positive", column="n", unless={"invoice": "^C"}).apply(rows)
    assert _rejected(spared) == [(3, "zero_n"), (4, "negative_n")]


def test_distinct_keeps_the_first_of_equal_rows_and_empty_cells_are_equal() -> None:
    rows = _rows({"a": ["x", "x", "y", "x", None, None], "b": [1, 1, 1, 2, None, None]})
    outcome = _step("distinct").apply(rows)
    assert list(outcome.rejected.iter_rows()) == [
        (3, "duplicate", "the same as line 2"),
        (7, "duplicate", "the same as line 6"),
    ]


def test_distinct_compares_lists_by_their_entries() -> None:
    outcome = _step("distinct").apply(_rows({"tags": [["a", "b"], ["a"], ["a", "b"]]}))
    assert _rejected(outcome) == [(4, "duplicate")]


def test_anonymous_sessions_are_those_without_a_user() -> None:
    outcome = _step("anonymous_session", session="s", user="u").apply(_rows({"s": ["1", "2"], "u": [7, None]}))
    assert outcome.rows["s"].to_list() == [None, "2"]
    assert outcome.changed == 1


def test_an_outlier_is_far_from_what_is_usual_for_the_same_thing() -> None:
    amounts = [4.0] * 10 + [255.0, 257.0]
    rows = _rows({"n": amounts * 2, "code": ["a"] * 12 + ["b"] * 12})
    rows = rows.with_columns(pl.when(pl.col("code") == "b").then(pl.col("n") * 1000).otherwise(pl.col("n")).alias("n"))
    # median 4, MAD 0, so the bound is 4 times two to the sixth, 256
    outcome = _step("reject_outliers", column="n", by="code").apply(rows)
    assert _rejected(outcome) == [(13, "outlying_n"), (25, "outlying_n")]
    assert outcome.rejected["explanation"][0] == "n 257.0 is far above the usual 4.0 of a; the bound is 256"


def test_few_rows_are_no_measure_of_what_is_usual() -> None:
    rows = _rows({"n": [1.0] * 8 + [80995.0], "code": ["a"] * 9})
    assert _rejected(_step("reject_outliers", column="n", by="code").apply(rows)) == []


def test_amounts_that_vary_widely_are_given_more_room() -> None:
    rows = _rows({"n": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 2048.0], "code": ["a"] * 10})
    assert _rejected(_step("reject_outliers", column="n", by="code").apply(rows)) == []


# ---- returns ---------------------------------------------------------------------------------------------------


def _invoices(*lines: tuple[str, str | None, str, float]) -> pl.DataFrame:
    """(document, customer, code, quantity), a day apart."""
    start = datetime(2011, 1, 1, tzinfo=UTC)
    document, customer, code, quantity = (list(part) for part in zip(*lines, strict=True))
    times = [start + timedelta(days=k) for k in range(len(lines))]
    return _rows({"document": document, "customer": customer, "code": code, "quantity": quantity, "time": times})


def _net(*lines: tuple[str, str | None, str, float]) -> Outcome:
    step = _step(
        "net_returns", document="document", returns="^C", same=["customer", "code"], quantity="quantity", time="time"
    )
    return step.apply(_invoices(*lines))


def _left(outcome: Outcome) -> dict[int, float]:
    return dict(outcome.rows.select(LINE, "quantity").iter_rows())


def test_a_return_is_taken_off_its_purchase() -> None:
    outcome = _net(("1", "u", "a", 10.0), ("C2", "u", "a", -4.0))
    assert _left(outcome) == {2: 6.0}
    assert outcome.changed == 1
    assert list(outcome.rejected.iter_rows()) == [(3, "return_netted", "taken off the purchase in line 2")]


def test_a_purchase_that_came_back_as_a_whole_is_none() -> None:
    outcome = _net(("1", "u", "a", 10.0), ("C2", "u", "a", -4.0), ("C3", "u", "a", -6.0))
    assert _left(outcome) == {}
    assert outcome.changed == 0
    assert sorted(outcome.rejected.iter_rows()) == [
        (2, "returned_in_full", "all of it came back, line 3, 4"),
        (3, "return_netted", "taken off the purchase in line 2"),
        (4, "return_netted", "taken off the purchase in line 2"),
    ]


@pytest.mark.parametrize(
    ("purchase", "why"),
    [
        (("1", "v", "a", 10.0), "another customer"),
        (("1", "u", "b", 10.0), "another code"),
        (("1", "u", "a", 3.0), "less than comes back"),
        (("1", None, "a", 10.0), "a customer who is not known"),
    ],
)
def test_a_return_that_belongs_to_no_purchase_is_told_apart(
    purchase: tuple[str, str | None, str, float], why: str
) -> None:
    outcome = _net(purchase, ("C2", "u" if purchase[1] else None, "a", -4.0))
    assert _left(outcome) == {2: purchase[3]}, why
    assert _rejected(outcome) == [(3, "return_unmatched")]


def test_a_return_belongs_to_no_later_purchase() -> None:
    outcome = _net(("C1", "u", "a", -4.0), ("2", "u", "a", 10.0))
    assert _left(outcome) == {3: 10.0}
    assert _rejected(outcome) == [(2, "return_unmatched")]


def test_of_several_purchases_the_one_that_fits_exactly_then_the_most_recent_is_taken() -> None:
    exact = _net(("1", "u", "a", 4.0), ("2", "u", "a", 9.0), ("C3", "u", "a", -4.0))
    assert _left(exact) == {3: 9.0}
    recent = _net(("1", "u", "a", 8.0), ("2", "u", "a", 9.0), ("C3", "u", "a", -4.0))
    assert _left(recent) == {2: 8.0, 3: 5.0}


_LINES = st.tuples(
    st.sampled_from(["1", "2", "C3", "C4"]),
    st.sampled_from(["u", "v", None]),
    st.sampled_from(["a", "b"]),
    st.integers(1, 5).map(float),
)


@given(st.lists(_LINES, min_size=1, max_size=20))
def test_netting_loses_no_row_and_no_quantity(lines: list[tuple[str, str | None, str, float]]) -> None:
    signed = [(d, u, c, -q if d.startswith("C") else q) for d, u, c, q in lines]
    outcome = _net(*signed)
    seen = outcome.rows[LINE].to_list() + outcome.rejected[LINE].to_list()
    assert sorted(seen) == list(range(2, len(lines) + 2))
    assert all(quantity > 0 for quantity in _left(outcome).values())
    netted = {line for line, reason in _rejected(outcome) if reason == "return_netted"}
    bought = sum(q for d, _, _, q in lines if not d.startswith("C"))
    back = sum(q for line, (_, _, _, q) in enumerate(lines, start=2) if line in netted)
    assert sum(_left(outcome).values()) == pytest.approx(bought - back)


_CELLS = {
    "code": st.sampled_from(["85123A", "85123a", "POST", None]),
    "invoice": st.sampled_from(["1", "2", "C3", None]),
    "customer": st.sampled_from([1, 2, None]),
    "quantity": st.sampled_from([-5.0, 0.0, 1.0, 5.0, 1e6, None]),
    "price": st.sampled_from([-1.0, 0.0, 2.5, None]),
}
_STEPS = [
    _step("upper", columns=["code"]),
    _step("distinct"),
    _step("require", columns=["invoice"]),
    _step("keep_matching", column="code", pattern=r"^\d", reason="x", because="y"),
    _step("positive", column="quantity", unless={"invoice": "^C"}),
    _step("positive", column="price"),
    _step("net_returns", document="invoice", returns="^C", same=["customer", "code"], quantity="quantity", time="time"),
    _step("reject_outliers", column="quantity", by="code", least=2),
    _step("anonymous_session", session="invoice", user="customer"),
]


@given(st.lists(st.fixed_dictionaries(_CELLS), min_size=1, max_size=30), st.permutations(_STEPS))
def test_any_steps_in_any_order_keep_or_reject_each_row_once(rows: list[dict[str, Any]], steps: list[Step]) -> None:
    schema = {
        "code": pl.String,
        "invoice": pl.String,
        "customer": pl.Int64,
        "quantity": pl.Float64,
        "price": pl.Float64,
    }
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        pl.int_range(2, pl.len() + 2).alias(LINE),
        pl.lit(datetime(2011, 1, 1, tzinfo=UTC)).dt.cast_time_unit("ms").alias("time"),
    )
    cleaned = clean(frame, steps)
    assert sorted(cleaned.rows[LINE].to_list() + cleaned.rejected[LINE].to_list()) == frame[LINE].to_list()
    assert sum(count.rejected for count in cleaned.counts) == cleaned.rejected.height
    assert cleaned.rows.columns == frame.columns


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"upper": {"columns": ["a"]}, "distinct": {}}, "a step is one name"),
        ({"positve": {}}, "Did you mean positive?"),
        ({"positive": {}}, "Field required"),
        ({"keep_matching": {"column": "a", "pattern": "(", "reason": "r", "because": "b"}}, "not a regular expression"),
    ],
)
def test_a_step_that_cannot_be_made_says_why(entry: object, message: str) -> None:
    step, mistakes = parse_step(entry)
    assert step is None
    assert message in mistakes[0][1]

"""Pages of a sorted list, worked out of arrays: the same as sorting everything, wherever a page begins."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.services.catalogue import ProductFilter, Shelf
from api.services.cursors import Cursors, Place, key_of
from api.services.directory import Directory, sorted_as
from api.services.errors import BadInputError
from api.services.listing import SortKey, sorted_page
from api.services.live import LiveState
from schema.ontology import Ontology, default_ontology, parse_ontology

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMED = parse_ontology({"nodes": {"Product": {"properties": {"listed": "datetime"}}}}, where="test")
CURSORS = Cursors(key_of(b"secret"))
titles = st.one_of(
    st.none(), st.sampled_from(["", "tea", "Tea", "Tea pot", "Tea pot of glass", "Éclair", "eclipse", "茶"])
)
rows = st.fixed_dictionaries(
    {
        "title": titles,
        "price": st.one_of(st.none(), st.sampled_from([0.0, 1.0, 1.5, 2.0])),
        "listed": st.one_of(st.none(), st.integers(0, 3).map(lambda days: START + timedelta(days=days))),
    }
)
Row = dict[str, Any]


def state_of(found: dict[str, Row], ontology: Ontology = TIMED) -> LiveState:
    """What a list looks at of a shop with some products."""
    table = pa.table(
        {
            "id": list(found),
            "title": pa.array([row["title"] for row in found.values()], pa.string()),
            "price": pa.array([row["price"] for row in found.values()], pa.float64()),
            "listed": pa.array([row["listed"] for row in found.values()], pa.timestamp("ms", tz="UTC")),
        }
    )
    ids = tuple(found)
    shelf, directory = Shelf.of(ids, table), Directory.of(ontology, ids, table)
    return cast(LiveState, SimpleNamespace(scorer=SimpleNamespace(product_ids=ids), shelf=shelf, directory=directory))


def plainly_sorted(found: dict[str, Row], key: SortKey) -> list[str]:
    """The order by its definition."""

    def place(product: str) -> tuple[Any, ...]:
        row = found[product]
        if key is SortKey.TITLE:
            return (not row["title"], sorted_as(row["title"]), product)
        value = row["listed"] and -row["listed"].timestamp() if key is SortKey.NEWEST else row["price"]
        if key is SortKey.PRICE_DESC and value is not None:
            value = -value
        return (value is None, value or 0.0, product)

    return sorted(found, key=place)


def pages(state: LiveState, key: SortKey, size: int) -> list[str]:
    """A list to its end, over cursors."""
    ids: list[str] = []
    after: Place | None = None
    while True:
        allowed = np.ones(len(state.scorer.product_ids), bool)
        page = sorted_page(state, allowed, ProductFilter(), key, size, after)
        ids += [item.product for item in page.items]
        if not page.has_next:
            return ids
        after = CURSORS.read_place(CURSORS.write_place(page.items[-1]))


@given(st.lists(rows, max_size=12), st.sampled_from(SortKey), st.integers(1, 5))
def test_pages_joined_are_the_sorted_list(some: list[Row], key: SortKey, size: int) -> None:
    found = {f"p{n * 7 % 12}": row for n, row in enumerate(some)}
    assert pages(state_of(found), key, size) == plainly_sorted(found, key)


@given(st.lists(rows, min_size=4, max_size=12), st.sampled_from(SortKey), st.data())
def test_what_follows_is_right_while_products_come_and_go(some: list[Row], key: SortKey, data: st.DataObject) -> None:
    found = {f"p{n}": row for n, row in enumerate(some)}
    everything = np.ones(len(found), bool)
    first = sorted_page(state_of(found), everything, ProductFilter(), key, 2, None)
    last = first.items[-1]
    gone = data.draw(st.sets(st.sampled_from(list(found))))
    come = {f"n{n}": row for n, row in enumerate(data.draw(st.lists(rows, max_size=4)))}
    now = {product: row for product, row in found.items() if product not in gone} | come
    expected = plainly_sorted(now | {last.product: found[last.product]}, key)
    expected = expected[expected.index(last.product) + 1 :]
    rest = sorted_page(state_of(now), np.ones(len(now), bool), ProductFilter(), key, 100, last)
    assert [item.product for item in rest.items] == expected


def test_only_what_is_allowed_is_listed_and_counted() -> None:
    state = state_of({p: {"title": p, "price": 1.0, "listed": None} for p in "cab"})
    page = sorted_page(state, np.array([True, False, True]), ProductFilter(), SortKey.TITLE, 1, None)
    assert [item.product for item in page.items] == ["b"]
    assert (page.total, page.has_next) == (2, True)


def test_a_place_of_another_list_is_refused() -> None:
    state = state_of({p: {"title": p, "price": 1.0, "listed": None} for p in "ab"})
    place = sorted_page(state, np.ones(2, bool), ProductFilter(), SortKey.TITLE, 1, None).items[0]
    for condition, key in ((ProductFilter(), SortKey.PRICE_ASC), (ProductFilter(maximum_price=9.0), SortKey.TITLE)):
        with pytest.raises(BadInputError, match="another list"):
            sorted_page(state, np.ones(2, bool), condition, key, 1, place)


def test_a_shop_whose_products_have_no_time_says_so() -> None:
    state = state_of({"a": {"title": "a", "price": 1.0, "listed": None}}, default_ontology())
    with pytest.raises(BadInputError, match="no time"):
        sorted_page(state, np.ones(1, bool), ProductFilter(), SortKey.NEWEST, 1, None)


def test_a_directory_follows_products_that_are_written_and_deleted() -> None:
    directory = Directory.of(TIMED, ["a", "b"], pa.table({"id": ["a", "b"], "title": ["Tea", "Cup"]}))
    touched = {"a": {"title": "Pot", "listed": START}, "b": None, "new": {"title": "Ärmel"}, "unknown": {"title": "x"}}
    now = directory.updated({"a": 0, "b": 1, "new": 2}, 3, touched)
    assert now.titles == ("pot", "\U0010ffff", "armel")
    assert np.array_equal(now.came_ms, [START.timestamp() * 1000, np.nan, np.nan], equal_nan=True)
    assert directory.titles == ("tea", "cup")
    assert now.prefixes[2] < now.prefixes[0] < now.prefixes[1]


@given(
    st.builds(
        Place,
        question=st.text(max_size=20),
        key=st.one_of(st.text(max_size=20), st.floats(allow_nan=False)),
        product=st.text(max_size=20),
        as_of=st.one_of(st.none(), st.integers(0, 10**12).map(lambda ms: START + timedelta(milliseconds=ms))),
    )
)
def test_a_cursor_of_a_plain_list_reads_back_exactly_and_continues_no_ranked_one(place: Place) -> None:
    cursor = CURSORS.write_place(place)
    assert CURSORS.read_place(cursor) == place
    with pytest.raises(BadInputError, match="another list"):
        CURSORS.read(cursor)

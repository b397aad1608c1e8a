import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion import MappingError, load_mapping, read
from ingestion.clock import latest_allowed
from schema import default_ontology
from schema.files import WriteError
from schema.tables import EVENTS, node_schema

Quarantined = Callable[[str], list[tuple[int, str]]]

EVENTS_CSV: dict[str, Any] = {
    "path": "events.csv",
    "columns": {
        "user": {}, "product": {}, "action": {}, "time": {"type": "datetime"}, "quantity": {"type": "float"},
        "basket": {},
    },
    "events": [
        {
            "user": "user", "product": "product", "behaviour": "action", "time": "time", "value": "quantity",
            "basket": "basket",
        }
    ],
}  # fmt: skip
HEADER = "user,product,action,time,quantity,basket\n"


def _event(**more: Any) -> dict[str, Any]:
    return EVENTS_CSV | {"events": [EVENTS_CSV["events"][0] | more]}


def _line(
    user: str = "u", product: str = "p", action: str = "purchase", time: str = "2011-06-01", basket: str = "b"
) -> str:
    return f"{user},{product},{action},{time},1,{basket}\n"


def test_tables_have_the_schemas_of_the_ontology(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line())
    source = EVENTS_CSV | {"nodes": [{"type": "User", "id": "user"}]}
    records = shop.read(source)
    assert records.events.schema == EVENTS
    assert records.nodes["User"].schema == node_schema(default_ontology(), "User")


def test_an_event_id_is_the_same_in_every_run_and_survives_a_longer_file(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line() + _line("v") + _line())
    first = shop.read(EVENTS_CSV).events["id"].to_pylist()
    assert len(set(first)) == 3
    shop.file("events.csv", HEADER + _line("w", time="2011-05-01") + _line() + _line("v") + _line() + _line())
    assert set(first) < set(shop.read(EVENTS_CSV).events["id"].to_pylist())


def test_an_event_id_does_not_depend_on_how_the_mapping_calls_its_columns(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line())
    renamed = json.loads(json.dumps(EVENTS_CSV).replace('"quantity": {"type', '"amount": {"column": "quantity", "type'))
    renamed["events"][0]["value"] = "amount"
    assert shop.read(EVENTS_CSV).events.equals(shop.read(renamed).events)


def test_an_event_id_that_comes_twice_counts_once(shop: Any, quarantined: Quarantined) -> None:
    shop.file("events.csv", HEADER + _line(basket="1") + _line(basket="1", user="v") + _line(basket="2"))
    assert shop.read(_event(id="basket")).events["id"].to_pylist() == ["1", "2"]
    assert quarantined("events") == [(3, "repeated_event_id")]


def test_rows_without_what_they_are_about_go_to_quarantine(shop: Any, quarantined: Quarantined) -> None:
    shop.file(
        "events.csv",
        HEADER
        + _line(product="")
        + _line(time="")
        + _line(action="stole")
        + _line(user="", basket="")
        + _line(user=""),
    )
    records = shop.read(EVENTS_CSV)
    assert [(e["user"], e["basket"]) for e in records.events.to_pylist()] == [(None, "b")]
    assert quarantined("events") == [
        (2, "missing_value"), (3, "missing_value"), (4, "unknown_behaviour"), (5, "nobody"),
    ]  # fmt: skip


def test_behaviours_can_be_translated(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line(action="buy") + _line(action="view"))
    source = _event(behaviour={"column": "action", "values": {"buy": "purchase"}})
    assert shop.read(source).events["behaviour"].to_pylist() == ["purchase", "view"]


def test_events_of_the_future_go_to_quarantine(shop: Any, quarantined: Quarantined) -> None:
    shop.file("events.csv", HEADER + _line() + _line(time="2026-01-02"))
    records = shop.read(EVENTS_CSV)
    assert records.events.num_rows == 1
    assert records.clock is None
    assert quarantined("events") == [(3, "future")]


def test_the_clock_of_the_data_ends_at_its_last_event(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line() + _line(time="2011-07-01T10:00") + _line(time="2011-05-01"))
    assert shop.read(EVENTS_CSV, clock="data").clock == datetime(2011, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("late", "clock", "end"),
    [
        ([], "data", "now"),
        ([3000.0], "data", "last"),
        ([3000.0, 3001.0], "data", "last"),
        ([3000.0, 3001.0, 3002.0], "data", "now"),
        ([3000.0], "wall", "now"),
        ([500.0], "data", "now"),
    ],
    ids=["none", "a straggler", "two", "too many to be mistakes", "the wall", "a gap no longer than what was before"],
)
def test_a_few_mistyped_dates_do_not_set_the_clock(late: list[float], clock: Any, end: str) -> None:
    start, now = datetime(2011, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    times = pl.Series([start + timedelta(days=d) for d in [*(k * 0.15 for k in range(2000)), *late]])
    expected = {"now": now, "last": start + timedelta(days=1999 * 0.15)}[end]
    assert abs(latest_allowed(times, clock, now) - expected) < timedelta(seconds=1)


def test_of_several_values_the_chosen_one_holds(shop: Any) -> None:
    shop.file(
        "events.csv",
        "code,title,price,at,user\n"
        "1,OLD,1.0,2011-01-03,u\n1,OLD,2.0,2011-01-01,u\n1,NEW,4.0,2011-01-02,u\n"
        "2,EARLY,1.0,2011-01-01,u\n2,LATE,,2011-01-02,u\n"
        "3,B,1.0,2011-01-01,u\n3,A,1.0,2011-01-01,u\n",
    )
    source = {
        "path": "events.csv",
        "columns": {"code": {}, "title": {}, "price": {"type": "float"}, "at": {"type": "datetime"}, "user": {}},
        "nodes": [
            {
                "type": "Product", "id": "code",
                "properties": {
                    "title": {"column": "title", "choose": "most_frequent"},
                    "price": {"column": "price", "choose": "median"},
                    "description": "title", "currency": {"constant": "GBP"},
                },
            }
        ],
        "events": [{"user": "user", "product": "code", "behaviour": {"constant": "view"}, "time": "at"}],
    }  # fmt: skip
    records = shop.read(source)
    rows = [
        tuple(r[k] for k in ("title", "price", "description", "currency")) for r in records.nodes["Product"].to_pylist()
    ]
    assert rows == [("OLD", 2.0, "NEW", "GBP"), ("LATE", 1.0, "LATE", "GBP"), ("A", 1.0, "A", "GBP")]
    assert records.quality.notes == ("events: 3 nodes had several values of Product.title; the most frequent holds",)


def test_a_later_source_adds_to_what_an_earlier_one_said(shop: Any) -> None:
    shop.file("a.csv", "id,title,price\n1,Tea,1\n2,Pot,2\n")
    shop.file("b.csv", "id,title,price\n2,Tea pot,\n3,Cup,3\n")
    source = {
        "columns": {"id": {}, "title": {}, "price": {"type": "float"}},
        "nodes": [{"type": "Product", "id": "id", "properties": {"title": "title", "price": "price"}}],
    }
    table = shop.read({"path": "a.csv"} | source, {"path": "b.csv"} | source).nodes["Product"]
    assert [tuple(row.values())[:3:2] for row in table.select(["id", "title", "price"]).to_pylist()] == [
        ("1", 1.0), ("2", 2.0), ("3", 3.0),
    ]  # fmt: skip
    assert table["title"].to_pylist() == ["Tea", "Tea pot", "Cup"]


def test_relations_have_weights_lists_and_no_empty_ends(shop: Any) -> None:
    shop.file("r.csv", "a,b,w\n1,2|3,0.5\n1,,1\n1,2,2\n")
    source = {
        "path": "r.csv",
        "columns": {"a": {}, "b": {"split": "|"}, "w": {"type": "float"}},
        "nodes": [{"type": "Product", "id": "a"}, {"type": "Product", "id": "b"}],
        "relations": [{"name": "COMPLEMENTS", "source": "a", "target": "b", "weight": "w"}],
    }
    records = shop.read(source)
    assert [(r["source"], r["target"], r["weight"]) for r in records.relations["COMPLEMENTS"].to_pylist()] == [
        ("1", "2", 2.0), ("1", "3", 0.5),
    ]  # fmt: skip
    assert records.nodes["Product"]["id"].to_pylist() == ["1", "2", "3"]
    assert records.quality.rows_quarantined == 0


def test_events_with_products_that_nobody_describes_are_noted(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line() + _line(product="q"))
    shop.file("p.csv", "id\np\n")
    product = {"path": "p.csv", "columns": {"id": {}}, "nodes": [{"type": "Product", "id": "id"}]}
    assert shop.read(product, EVENTS_CSV).quality.notes == ("1 events are with 1 products that no source describes",)


def test_a_file_of_which_no_row_is_usable_is_noted(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line(time="1/6/11 8:26") + _line(time="2/6/11 8:26"))
    assert shop.read(EVENTS_CSV).quality.notes == ("events: no row was usable; does the mapping fit the file?",)


def test_pictures_that_are_not_there_are_noted_and_so_is_a_missing_folder(shop: Any) -> None:
    shop.file("p.csv", "id,image\n1,a.png\n2,b.png\n3,http://example.org/c.png\n4,\n")
    product = {
        "path": "p.csv",
        "columns": {"id": {}, "image": {}},
        "nodes": [{"type": "Product", "id": "id", "properties": {"image": "image"}}],
    }
    with pytest.raises(MappingError, match="images: no folder"):
        shop.read(product, images="pictures")
    (shop.folder / "pictures").mkdir()
    shop.file("pictures/a.png", b"")
    (note,) = shop.read(product, images="pictures").quality.notes
    assert note.startswith("1 products name a picture that is not in")


def test_a_folder_that_cannot_hold_the_quarantine_is_named(shop: Any) -> None:
    shop.file("events.csv", HEADER + _line())
    shop.file("work", "a file where the folder should be")
    with pytest.raises(WriteError, match="cannot be written"):
        shop.read(EVENTS_CSV)


_DIRTY = st.lists(
    st.one_of(
        st.tuples(
            *(st.sampled_from(["", "1", "x", '"', "purchase", "2011-01-01", "2099-01-01", "NaN", "-1"]),) * 6
        ).map(",".join),
        st.text(st.sampled_from('a,"1\t é'), max_size=12),
    ),
    max_size=25,
)


@given(_DIRTY)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_each_row_is_kept_or_quarantined_and_twice_is_the_same(
    tmp_path: Path, lines: list[str]
) -> None:
    (tmp_path / "events.csv").write_text(HEADER + "\n".join(lines), encoding="utf-8")
    document = {
        "format": 1,
        "name": "dirty",
        "sources": [EVENTS_CSV | {"clean": ["distinct", {"positive": {"column": "quantity"}}]}],
    }
    (tmp_path / "m.yaml").write_text(json.dumps(document), encoding="utf-8")
    mapping = load_mapping(tmp_path / "m.yaml", ontology=default_ontology())
    first, second = (read(mapping, workdir=tmp_path / w, now=datetime(2026, 1, 1, tzinfo=UTC)) for w in ("1", "2"))
    assert first.quality.rows_in == first.quality.rows_kept + first.quality.rows_quarantined
    assert first.quality.rows_kept == first.events.num_rows
    assert first.events.equals(second.events)
    assert first.quality == second.quality
    files = [(tmp_path / w / "quarantine" / "events.jsonl").read_bytes() for w in ("1", "2")]
    assert files[0] == files[1]
    assert len(files[0].splitlines()) == first.quality.rows_quarantined

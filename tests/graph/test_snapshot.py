import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from graph import Query, Store, StoreError, event_table
from graph.times import from_ms
from schema.files import WriteError
from schema.snapshot import SnapshotManifest, open_snapshot
from tests.graph.shop_tables import SHOP_EVENTS, EventRow, events, fill, moment, products, relations

_first: dict[str, dict[str, str]] = {}


def export(store: Store, path: Path) -> SnapshotManifest:
    return store.export(path / "snapshot")


def test_events_are_exported_by_position_in_the_order_of_time(store: Store, tmp_path: Path) -> None:
    fill(store)
    export(store, tmp_path)
    opened = open_snapshot(tmp_path / "snapshot")
    users, ids = opened.nodes("User")["id"].to_pylist(), opened.nodes("Product")["id"].to_pylist()
    assert (users, ids) == (["ann", "bob", "cid"], ["hat", "mug", "pot", "tea"])
    names = {"user": [*users], "product": [*ids]}
    rows = [
        tuple(names[name][value] if name in names and value is not None else value for name, value in row.items())
        for row in opened.events().to_pylist()
    ]
    assert rows == [(*row[:4], moment(row[4]), *row[5:]) for row in SHOP_EVENTS]


def test_edges_and_features_are_exported_by_position(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.load_features("Product", "text", ["tea", "mug"], np.asarray([[1, 2], [0.1, 4]], np.float32), ["a", "b"])
    manifest = export(store, tmp_path)
    opened = open_snapshot(tmp_path / "snapshot")
    assert [list(row.values())[:3] for row in opened.edges("COMPLEMENTS").to_pylist()] == [[1, 3, 2.0], [3, 2, 0.5]]
    assert [list(row.values())[:3] for row in opened.edges("MADE_BY").to_pylist()] == [[3, 0, 1.0]]
    features = opened.features("Product", "text")
    assert features is not None
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, np.asarray([[0, 0], [0.1, 4], [0, 0], [1, 2]], np.float32))
    assert opened.features("Product", "image") is None
    assert manifest.change_number == store.change_number()
    assert manifest.ontology_hash == store.ontology.hash


def test_an_empty_store_exports_an_empty_snapshot(store: Store, tmp_path: Path) -> None:
    assert export(store, tmp_path).events == 0
    assert open_snapshot(tmp_path / "snapshot").nodes("Product").num_rows == 0


def test_every_engine_writes_the_same_bytes(store: Store, tmp_path: Path) -> None:
    rng = random.Random(3)
    ids = [f"p{n}" for n in range(60)]
    rows: list[EventRow] = []
    for n in range(400):
        who, what, when = rng.choice([None, *"abcdefgh", "ü"]), rng.choice(["view", "purchase"]), rng.randrange(50)
        rest = rng.choice([None, rng.random()]), rng.choice([None, f"b{n // 4}"]), rng.choice([None, "s"])
        rows.append((f"e{n}", who, rng.choice(ids), what, when, *rest))
    shuffled = rng.sample(ids, len(ids))
    store.load_nodes("Product", products(*shuffled))
    pairs = zip(ids, shuffled, strict=True)
    store.load_relations("SUBSTITUTES", relations(*((a, b, rng.random()) for a, b in pairs)))
    store.load_events(events(*rows))
    matrix = np.random.default_rng(1).normal(size=(60, 16)).astype(np.float32)
    store.load_features("Product", "text", ids, matrix, ids)
    files = export(store, tmp_path).files
    assert export(store, tmp_path / "again").files == files
    assert files == _first.setdefault("files", files)


def test_what_somebody_did_who_is_deleted_meanwhile_is_not_left_as_done_by_nobody(
    embedded_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(embedded_store)
    owners_of = event_table.owners_of

    def after_deletion(*arguments: Any) -> pa.Table:
        embedded_store.delete_user("cid")
        return owners_of(*arguments)

    monkeypatch.setattr(event_table, "owners_of", after_deletion)
    export(embedded_store, tmp_path)
    kept = open_snapshot(tmp_path / "snapshot").events()["id"].to_pylist()
    assert kept == [row[0] for row in SHOP_EVENTS if row[1] != "cid"]


def test_progress_ends_at_the_total(store: Store, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    store.export(tmp_path / "snapshot", lambda *news: heard.append(news))
    assert heard[-1][1] == heard[-1][2]


def test_a_place_that_is_something_else_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WriteError, match="not one of ours"):
        store.export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_value_of_the_wrong_type_is_named(store: Store, tmp_path: Path) -> None:
    fill(store)
    store._connection.rows(Query("MATCH (p:Product {id: 'tea'}) SET p.price = 'cheap'"), write=True)
    with pytest.raises(StoreError, match=r"Product\.price: the store holds something that is no double"):
        store.export(tmp_path / "snapshot")
    assert list(tmp_path.iterdir()) == []


def test_events_that_were_written_by_hand_and_are_not_whole_are_left_out(store: Store, tmp_path: Path) -> None:
    fill(store)
    by_hand = (
        "MATCH (u:User {id: 'ann'}), (p:Product {id: 'tea'}) CREATE (u)-[:PERFORMED]->(:Event {id: 'x'})-[:ON]->(p)"
    )
    store._connection.rows(Query(by_hand), write=True)
    assert export(store, tmp_path).events == len(SHOP_EVENTS)


def test_nodes_can_be_read_by_id(store: Store) -> None:
    fill(store)
    found = store.nodes("Product", ["tea", "gone", "hat"])
    assert found["id"].to_pylist() == ["hat", "tea"]
    assert found.schema.field("price").type == pa.float64()


def test_moments_survive_to_the_millisecond() -> None:
    assert from_ms(-1).isoformat() == "1969-12-31T23:59:59.999000+00:00"

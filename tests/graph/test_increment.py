from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graph import Query, Store
from schema.snapshot import open_snapshot
from schema.tables import TIME
from tests.graph.shop_tables import events, fill, moment, products, purchase, relations

BY_HAND = (
    "MATCH (u:User {id: 'bob'}), (p:Product {id: 'pot'}) "
    "CREATE (u)-[:PERFORMED]->(:Event {id: 'h1', behaviour: 'view', time: 5})-[:ON]->(p)",
    "MATCH (e:Event {id: 'e4'})-[r:ON]->(), (p:Product {id: 'pot'}) CREATE (e)-[:ON]->(p) DELETE r",
    "MATCH ()-[r:PERFORMED]->(e:Event {id: 'e3'}), (u:User {id: 'ann'}) CREATE (u)-[:PERFORMED]->(e) DELETE r",
    "MATCH (e:Event {id: 'e6'}) SET e.time = e.time + 1",
    "MATCH (:Product {id: 'tea'})-[r:COMPLEMENTS]->() SET r.weight = 3.5",
)
LONG_AGO = "MATCH (e:Event) SET e.recorded = 0"


def by_hand(store: Store, *texts: str) -> None:
    for text in texts:
        store._connection.rows(Query(text), write=True)


def change_everything(store: Store) -> None:
    """What Pathrec does and what an expert may do in Cypher, of every kind."""
    by_hand(store, *BY_HAND)
    store.load_nodes("Product", products("jam", "tea"))
    new = (
        purchase("n1", "dan", "jam", 9, basket="b9"),
        purchase("n2", "ann", "mug", 0),
        purchase("n3", "ann", "tea", 7),
    )
    store.load_events(events(*new))
    store.load_features("Product", "text", ["mug"], np.asarray([[9, 9]], np.float32), ["new"])
    store.link_session("s1", "bob")
    store.delete_events(["e2"])
    store.delete_products(["hat"])
    store.delete_user("cid")


@pytest.mark.parametrize("recent", ["everything", "what changed", "nothing"])
def test_what_changed_since_a_snapshot_and_what_did_not_are_the_whole(
    store: Store, tmp_path: Path, recent: str
) -> None:
    fill(store)
    store.load_events(events(*(purchase(f"o{n}", "ann", "tea", n) for n in range(60))))
    store.load_features("Product", "text", ["tea", "mug"], np.asarray([[1, 2], [0.1, 4]], np.float32), ["a", "b"])
    if recent != "everything":
        by_hand(store, LONG_AGO)
    store.export(tmp_path / "before")
    change_everything(store)
    if recent == "nothing":  # so that only counting can tell
        by_hand(store, LONG_AGO)
    store.export(tmp_path / "whole")
    store.export(tmp_path / "increment", since=open_snapshot(tmp_path / "before"))
    whole, increment = open_snapshot(tmp_path / "whole"), open_snapshot(tmp_path / "increment")
    assert increment.events().to_pylist() == whole.events().to_pylist()
    assert increment.manifest.files == whole.manifest.files


def test_an_event_that_comes_again_under_another_id_takes_the_place_of_the_first(
    embedded_store: Store, tmp_path: Path
) -> None:
    fill(embedded_store)
    by_hand(embedded_store, LONG_AGO)
    embedded_store.load_nodes("Product", products("jam"))
    embedded_store.load_events(events(purchase("once", "ann", "jam", 5)))
    embedded_store.export(tmp_path / "before")
    embedded_store.delete_events(["once"])
    embedded_store.load_events(events(purchase("again", "ann", "jam", 5)))
    embedded_store.export(tmp_path / "after", since=open_snapshot(tmp_path / "before"))
    ids = set(open_snapshot(tmp_path / "after").events()["id"].to_pylist())
    assert "again" in ids
    assert "once" not in ids


def test_what_did_not_change_is_the_same_file_on_disk(embedded_store: Store, tmp_path: Path) -> None:
    fill(embedded_store)
    before = embedded_store.export(tmp_path / "before")
    embedded_store.load_nodes("Product", products("jam"))
    embedded_store.export(tmp_path / "after", since=open_snapshot(tmp_path / "before"))
    shared = {name for name in before.files if (tmp_path / "before" / name).samefile(tmp_path / "after" / name)}
    assert "nodes/User.parquet" in shared
    # A new product moves the positions of those behind it.
    assert not shared & {"nodes/Product.parquet", "edges/Product.COMPLEMENTS.Product.parquet", "events.parquet"}


def test_a_snapshot_takes_the_place_of_the_one_that_it_follows(embedded_store: Store, tmp_path: Path) -> None:
    fill(embedded_store)
    embedded_store.export(tmp_path / "snapshot")
    embedded_store.load_events(events(purchase("n1", "ann", "tea", 30)))
    embedded_store.export(tmp_path / "snapshot", since=open_snapshot(tmp_path / "snapshot"))
    snapshot = open_snapshot(tmp_path / "snapshot")
    assert snapshot.events()["id"].to_pylist()[-1] == "n1"
    assert snapshot.manifest.since is not None


def test_a_point_in_time_has_what_was_until_then(embedded_store: Store, tmp_path: Path) -> None:
    fill(embedded_store)
    dated = relations(("pot", "mug", None), ("mug", "hat", None))
    dated = dated.set_column(3, "time", pa.array([moment(2), moment(30)], TIME))
    embedded_store.load_relations("SUBSTITUTES", dated)
    manifest = embedded_store.export(tmp_path / "then", until=moment(3))
    snapshot = open_snapshot(tmp_path / "then")
    assert snapshot.events()["id"].to_pylist() == ["e1", "e2", "e3", "e4"]
    assert snapshot.edges("SUBSTITUTES").num_rows == 1
    assert snapshot.edges("COMPLEMENTS").num_rows == 2  # nobody knows since when
    assert manifest.as_of == manifest.until == moment(3)

"""Predicted labels on every engine: written, kept out of the way of what people say, accepted, rejected."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph import ACCEPTED, Label, LabelCounts, Link, Named, ProductRecord, Query, Store
from schema.errors import OntologyError, RecordError
from schema.ontology import parse_ontology
from schema.snapshot import edge_file, open_snapshot
from tests.graph.shop_tables import fill, relations

RED, BLUE = "colour-red", "colour-blue"
EVERYTHING = ["tea", "pot", "mug", "hat"]


@pytest.fixture
def coloured(store: Store) -> Store:
    """Four products and two colours; the shop itself says that the hat is blue."""
    fill(store)
    store.load_nodes("Feature", pa.table({"id": [RED, BLUE], "name": ["colour"] * 2, "value": ["red", "blue"]}))
    store.load_relations("HAS_FEATURE", relations(("hat", BLUE, None)))
    return store


def write(store: Store, *labels: Label) -> LabelCounts:
    return store.write_labels("HAS_FEATURE", [RED, BLUE], EVERYTHING, labels)


def stored(store: Store) -> set[tuple[str, str, str | None, float | None, float | None]]:
    rows = store.read(
        Query(
            "MATCH (p:Product)-[r:HAS_FEATURE]->(n:Feature) "
            "RETURN p.id AS product, n.id AS node, r.source AS source, r.confidence AS confidence, r.weight AS weight"
        )
    )
    return {(row["product"], row["node"], row["source"], row["confidence"], row["weight"]) for row in rows}


SHOPS_OWN = ("hat", BLUE, None, None, None)


def test_a_label_carries_its_source_and_its_confidence_which_is_its_weight(coloured: Store) -> None:
    number = coloured.change_number()
    counts = write(coloured, Label("tea", RED, 0.75), Label("pot", BLUE, 0.5))
    assert counts == LabelCounts(written=2)
    assert stored(coloured) == {
        SHOPS_OWN,
        ("tea", RED, "predicted", 0.75, 0.75),
        ("pot", BLUE, "predicted", 0.5, 0.5),
    }
    assert coloured.product_links(["tea"])["tea"].out["HAS_FEATURE"] == [(RED, 0.75)]
    assert [(c.kind, c.keys) for c in coloured.changes(number)] == [("PRODUCTS_WRITTEN", ("pot", "tea"))]


def test_the_same_labels_again_change_nothing(coloured: Store) -> None:
    labels = [Label("tea", RED, 0.75), Label("pot", BLUE, 0.5)]
    write(coloured, *labels)
    number, before = coloured.change_number(), stored(coloured)
    assert write(coloured, *labels) == LabelCounts(unchanged=2)
    assert (coloured.change_number(), stored(coloured)) == (number, before)


def test_a_new_prediction_takes_the_place_of_the_old_one(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75), Label("pot", BLUE, 0.5), Label("mug", RED, 0.9))
    counts = write(coloured, Label("tea", BLUE, 0.6), Label("pot", BLUE, 0.7))
    assert counts == LabelCounts(written=2, withdrawn=2)
    assert stored(coloured) == {
        SHOPS_OWN,
        ("tea", BLUE, "predicted", 0.6, 0.6),
        ("pot", BLUE, "predicted", 0.7, 0.7),
    }


def test_what_the_shop_says_is_never_overwritten(coloured: Store) -> None:
    assert write(coloured, Label("hat", RED, 0.99)) == LabelCounts(known=1)
    assert write(coloured, Label("hat", BLUE, 0.99)) == LabelCounts(known=1)
    assert stored(coloured) == {SHOPS_OWN}


def test_what_the_shop_says_later_takes_the_place_of_a_prediction(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75), Label("pot", RED, 0.75))
    loaded = coloured.load_relations("HAS_FEATURE", relations(("tea", RED, None), ("pot", RED, 2.0)))
    assert loaded.written == 2
    assert stored(coloured) == {SHOPS_OWN, ("tea", RED, None, None, None), ("pot", RED, None, None, 2.0)}
    assert coloured.load_relations("HAS_FEATURE", relations(("tea", RED, None))).existing == 1


def test_an_accepted_label_counts_in_full_and_stays(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75))
    number = coloured.change_number()
    assert coloured.accept_labels("HAS_FEATURE", [("tea", RED), ("tea", BLUE), ("hat", BLUE)]) == [("tea", RED)]
    assert [(c.kind, c.keys) for c in coloured.changes(number)] == [("PRODUCTS_WRITTEN", ("tea",))]
    assert write(coloured, Label("tea", BLUE, 0.99)) == LabelCounts(known=1)
    assert write(coloured) == LabelCounts()
    assert stored(coloured) == {SHOPS_OWN, ("tea", RED, "accepted", 0.75, 1.0)}


def test_a_rejected_label_counts_nowhere_and_stays_away(coloured: Store, tmp_path: Path) -> None:
    write(coloured, Label("tea", RED, 0.75))
    number = coloured.change_number()
    assert coloured.reject_labels("HAS_FEATURE", [("tea", RED), ("hat", BLUE)]) == [("tea", RED)]
    assert [(c.kind, c.keys) for c in coloured.changes(number)] == [("PRODUCTS_WRITTEN", ("tea",))]
    assert write(coloured, Label("tea", RED, 0.99)) == LabelCounts(rejected=1)
    assert stored(coloured) == {SHOPS_OWN}
    assert coloured.product_links(["tea"])["tea"].out.get("HAS_FEATURE") is None
    assert coloured.counts()["HAS_FEATURE"] == 1
    coloured.export(tmp_path / "snapshot")
    assert open_snapshot(tmp_path / "snapshot").edges("HAS_FEATURE").num_rows == 1
    names = [file.name for file in (tmp_path / "snapshot" / "edges").iterdir()]
    assert not [name for name in names if "REJECTED" in name]
    edges = pq.read_table(tmp_path / "snapshot" / edge_file(coloured.ontology, "HAS_FEATURE"))
    assert edges.column_names == ["source", "target", "weight", "time"]


def test_another_label_can_be_predicted_where_one_was_rejected(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75))
    coloured.reject_labels("HAS_FEATURE", [("tea", RED)])
    assert write(coloured, Label("tea", BLUE, 0.8)) == LabelCounts(written=1)
    assert ("tea", BLUE, "predicted", 0.8, 0.8) in stored(coloured)


def test_a_rejection_can_be_taken_back(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75))
    coloured.reject_labels("HAS_FEATURE", [("tea", RED)])
    assert coloured.accept_labels("HAS_FEATURE", [("tea", RED)]) == [("tea", RED)]
    assert stored(coloured) == {SHOPS_OWN, ("tea", RED, "accepted", 0.75, 1.0)}
    assert coloured.accept_labels("HAS_FEATURE", [("tea", RED)]) == []


def test_a_rejected_category_is_not_shown(coloured: Store) -> None:
    coloured.load_nodes("Category", pa.table({"id": ["cups"], "name": ["Cups"]}))
    coloured.write_labels("IN_CATEGORY", ["cups"], EVERYTHING, [Label("mug", "cups", 0.9)])
    assert Named("cups", "Cups") in coloured.product_cards(["mug"])["mug"].categories
    assert coloured.category_products(["cups"]) == {"cups": ["mug"]}
    coloured.reject_labels("IN_CATEGORY", [("mug", "cups")])
    assert Named("cups", "Cups") not in coloured.product_cards(["mug"])["mug"].categories
    assert coloured.category_products(["cups"]) == {"cups": []}


def test_a_rejection_says_of_which_relation_it_is(store: Store) -> None:
    fill(store)
    store.load_nodes("Feature", pa.table({"id": [RED]}))
    store.write_labels("HAS_FEATURE", [RED], ["tea"], [Label("tea", RED, 0.9)])
    store.reject_labels("HAS_FEATURE", [("tea", RED)])
    rows = store.read(Query("MATCH (:Product {id: 'tea'})-[x:REJECTED_LABEL]->(n) RETURN x.relation AS r, n.id AS n"))
    assert rows == [{"r": "HAS_FEATURE", "n": RED}]


def test_an_example_is_written_as_an_experts_word(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75))
    assert write(coloured, Label("tea", RED, 1.0, ACCEPTED)) == LabelCounts(written=1)
    assert stored(coloured) == {SHOPS_OWN, ("tea", RED, "accepted", 1.0, 1.0)}


def test_many_products_are_labelled_in_batches(store: Store) -> None:
    ids = [f"p{number:04d}" for number in range(2500)]
    store.load_nodes("Product", pa.table({"id": ids}))
    store.load_nodes("Feature", pa.table({"id": [RED]}))
    labels = [Label(key, RED, 0.9) for key in ids]
    assert store.write_labels("HAS_FEATURE", [RED], ids, labels) == LabelCounts(written=2500)
    assert store.counts()["HAS_FEATURE"] == 2500
    assert store.write_labels("HAS_FEATURE", [RED], ids, labels) == LabelCounts(unchanged=2500)


@pytest.mark.parametrize("relation", ["COMPLEMENTS", "KNOWS", "HAS_FEATUR"])
def test_a_relation_that_holds_no_labels_is_refused(coloured: Store, relation: str) -> None:
    with pytest.raises(RecordError, match=f"{relation} can hold no labels.*HAS_FEATURE"):
        coloured.write_labels(relation, [RED], EVERYTHING, [])


def test_a_product_of_the_shops_own_form_keeps_its_labels(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75))
    coloured.upsert_products([ProductRecord("tea", links=[Link("HAS_FEATURE", BLUE)])])
    assert ("tea", RED, "predicted", 0.75, 0.75) in stored(coloured)
    assert write(coloured, Label("tea", RED, 0.8)) == LabelCounts(known=1, withdrawn=1)


def test_no_ontology_can_take_the_name_of_rejected_labels() -> None:
    with pytest.raises(OntologyError, match="this name is reserved"):
        parse_ontology({"relations": {"REJECTED_LABEL": {"from": "Product", "to": "Feature"}}}, where="own")


def test_vectors_are_read_in_the_order_of_the_ids(coloured: Store) -> None:
    assert coloured.features("Product", "text", ["tea"]).shape == (1, 0)
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    coloured.load_features("Product", "text", ["tea", "mug"], matrix, ["a", "b"])
    found = coloured.features("Product", "text", ["mug", "pot", "tea", "nobody"])
    assert found.tolist() == [[3.0, 4.0], [0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]


def cypher_of_the_page(heading: str) -> Query:
    """The query under a heading of docs/labels.md."""
    page = (Path(__file__).parents[2] / "docs" / "labels.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (found,) = re.findall(r"```cypher\n(.*?)```", section, re.DOTALL)
    return Query(found.replace("'P1'", "'tea'"))


def test_labels_are_found_by_the_cypher_of_the_page(coloured: Store) -> None:
    write(coloured, Label("tea", RED, 0.75), Label("pot", BLUE, 0.5))
    rows = coloured.read(cypher_of_the_page("Query"))
    assert [(row["p.id"], row["f.id"], row["r.confidence"]) for row in rows] == [("pot", BLUE, 0.5), ("tea", RED, 0.75)]


@pytest.mark.parametrize("heading", ["Accept", "Reject"])
def test_the_cypher_of_the_page_does_what_the_store_does(coloured: Store, heading: str) -> None:
    write(coloured, Label("tea", RED, 0.75))
    coloured._connection.rows(cypher_of_the_page(heading), write=True)
    by_cypher = stored(coloured), write(coloured, Label("tea", RED, 0.9))
    coloured._connection.rows(Query("MATCH (:Product {id: 'tea'})-[r]->(:Feature) DELETE r"), write=True)
    write(coloured, Label("tea", RED, 0.75))
    judge = coloured.accept_labels if heading == "Accept" else coloured.reject_labels
    assert judge("HAS_FEATURE", [("tea", RED)]) == [("tea", RED)]
    assert by_cypher == (stored(coloured), write(coloured, Label("tea", RED, 0.9)))


def test_the_cypher_of_the_page_tells_running_servers(coloured: Store) -> None:
    number = coloured.change_number()
    coloured._connection.rows(cypher_of_the_page("Tell running servers"), write=True)
    assert [(c.number, c.kind, c.keys) for c in coloured.changes(number)] == [
        (number + 1, "PRODUCTS_WRITTEN", ("tea",))
    ]

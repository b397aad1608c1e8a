"""Rules of knowledge on every engine: written down, applied, undone, and nothing else changed by it."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from graph import Label, Named, ProductRecord, Query, Rule, Store, connect
from graph.errors import KnowledgeError
from graph.knowledge import Effect, Knowledge, KnowledgeKind, Status
from graph.knowledge_checks import mistakes
from graph.moves import Move
from schema.ontology import default_ontology, parse_ontology
from tests.graph.shop_tables import fill, moment, relations

NOW = moment(60)


def accessory(**changes: Any) -> Knowledge:
    """The mug goes into the pot, the tea even more so."""
    given: dict[str, Any] = {
        "id": "accessories",
        "kind": KnowledgeKind.RELATE,
        "created": moment(50),
        "changed": moment(50),
        "author": "ann",
        "note": "asked for at the counter",
        "relation": "ACCESSORY_OF",
        "says": "is an accessory of",
        "pairs": {("mug", "pot"): 1.0, ("tea", "pot"): 2.5},
    }
    return Knowledge(**given | changes)


def derived(cypher: str, **changes: Any) -> Knowledge:
    return accessory(id="derived", kind=KnowledgeKind.DERIVE, pairs={}, cypher=cypher, **changes)


def moved(**changes: Any) -> Knowledge:
    plain = {"relation": None, "says": None, "pairs": {}}
    return accessory(id="move", kind=KnowledgeKind.MOVE, move=Move(**changes), **plain)


def apply(store: Store, rule: Knowledge) -> Effect:
    store.save_knowledge(rule)
    return store.apply_knowledge(rule.id, NOW)


def everything(store: Store) -> list[tuple[Any, ...]]:
    """All relationships of the graph with all that they hold, but for rules and the log."""
    rows = store.read(
        Query(
            "MATCH (a)-[r]->(b) WHERE NOT a:Rule RETURN coalesce(a.id, '') AS a, type(r) AS type, b.id AS b, "
            "properties(r) AS held"
        )
    )
    held = [(row["a"], row["type"], row["b"], sorted(row["held"].items())) for row in rows]
    return sorted((a, kind, b, str([item for item in items if item[1] is not None])) for a, kind, b, items in held)


def links(store: Store, product: str, relation: str) -> list[tuple[str, float]]:
    return store.product_links([product])[product].out.get(relation, [])


def test_a_rule_is_read_as_it_was_written_and_changes_no_link(store: Store) -> None:
    fill(store)
    before = everything(store)
    assert store.save_knowledge(accessory()) == accessory()
    again = accessory(created=moment(55), changed=moment(55), note=None, pairs={("hat", "mug"): 1.0})
    assert store.save_knowledge(again) == replace(again, created=moment(50))
    assert store.knowledge() == [replace(again, created=moment(50))]
    assert everything(store) == before
    assert store.rules()[0].kind == "RELATE"  # one store for all rules


def test_an_applied_relation_is_one_of_the_shops_with_the_id_of_its_rule(store: Store) -> None:
    fill(store)
    number = store.change_number()
    assert apply(store, accessory()) == Effect(put=2)
    assert store.ontology.relations["ACCESSORY_OF"].says == "is an accessory of"
    assert links(store, "tea", "ACCESSORY_OF") == [("pot", 2.5)]
    assert store.product_links(["pot"])["pot"].into["ACCESSORY_OF"] == [("mug", 1.0), ("tea", 2.5)]
    (row,) = store.read(Query("MATCH (:Product {id: 'mug'})-[r:ACCESSORY_OF]->() RETURN r.rule AS rule"))
    assert row == {"rule": "accessories"}
    said = store.found_knowledge("accessories")
    assert (said.status, said.applied, said.links) == (Status.APPLIED, NOW, 2)
    logged = [(change.kind, change.keys) for change in store.changes(number)]
    assert logged == [
        ("KNOWLEDGE_WRITTEN", ("accessories",)),
        ("KNOWLEDGE_WRITTEN", ("accessories",)),
        ("ONTOLOGY_GROWN", ("ACCESSORY_OF",)),
        ("PRODUCTS_WRITTEN", ("mug", "pot", "tea")),
    ]


def test_undoing_takes_back_exactly_what_was_put(store: Store) -> None:
    fill(store)
    before = everything(store)
    apply(store, accessory())
    assert store.undo_knowledge("accessories", NOW) == Effect(taken=2)
    assert everything(store) == before
    said = store.found_knowledge("accessories")
    assert (said.status, said.links) == (Status.UNDONE, 0)
    with pytest.raises(KnowledgeError, match="not applied"):
        store.undo_knowledge("accessories", NOW)
    assert store.apply_knowledge("accessories", NOW) == Effect(put=2)


def test_what_the_shop_said_before_comes_back_with_its_weight(store: Store) -> None:
    fill(store)
    before = everything(store)
    rule = accessory(relation="COMPLEMENTS", says=None, pairs={("tea", "pot"): 3.0, ("hat", "mug"): 1.0})
    apply(store, rule)
    assert links(store, "tea", "COMPLEMENTS") == [("pot", 3.0)]
    store.undo_knowledge(rule.id, NOW)
    assert everything(store) == before


@pytest.mark.parametrize("first", ["one", "other"])
def test_two_rules_that_say_the_same_are_undone_in_any_order(store: Store, first: str) -> None:
    fill(store)
    before = everything(store)
    for name, weight in (("one", 2.0), ("other", 4.0)):
        apply(store, accessory(id=name, relation="COMPLEMENTS", says=None, pairs={("tea", "pot"): weight}))
    assert links(store, "tea", "COMPLEMENTS") == [("pot", 4.0)]  # what was applied last counts
    store.undo_knowledge(first, NOW)
    assert links(store, "tea", "COMPLEMENTS") == [("pot", 4.0 if first == "one" else 2.0)]
    store.undo_knowledge("other" if first == "one" else "one", NOW)
    assert everything(store) == before


def test_what_the_shop_says_meanwhile_stands_when_the_rule_is_undone(store: Store) -> None:
    fill(store)
    pairs = {("tea", "pot"): 3.0, ("hat", "mug"): 1.0}
    apply(store, accessory(relation="COMPLEMENTS", says=None, pairs=pairs))
    loaded = relations(("tea", "pot", 0.75), ("hat", "mug", None), ("mug", "tea", 2.0))
    assert store.load_relations("COMPLEMENTS", loaded).written == 2
    assert store.load_relations("COMPLEMENTS", loaded).existing == 3
    assert links(store, "tea", "COMPLEMENTS") == [("pot", 3.0)]
    store.undo_knowledge("accessories", NOW)
    assert links(store, "tea", "COMPLEMENTS") == [("pot", 0.75)]
    assert links(store, "hat", "COMPLEMENTS") == [("mug", 1.0)]
    # Nobody knows since when the shop says it.
    assert store.read(Query("MATCH ()-[r:COMPLEMENTS]->() WHERE r.time IS NOT NULL RETURN r.time")) == []


def test_a_product_that_is_not_there_is_told_and_nothing_is_written(store: Store) -> None:
    fill(store)
    store.save_knowledge(accessory(pairs={("mug", "pot"): 1.0, ("mug", "kettle"): 1.0}))
    number, before = store.change_number(), everything(store)
    with pytest.raises(KnowledgeError, match="no product kettle"):
        store.apply_knowledge("accessories", NOW)
    assert (store.change_number(), everything(store)) == (number, before)
    assert store.stored_ontology() == default_ontology()


def test_an_applied_rule_cannot_be_rewritten_deleted_or_taken_for_a_business_rule(store: Store) -> None:
    fill(store)
    apply(store, accessory())
    with pytest.raises(KnowledgeError, match="undo it first"):
        store.save_knowledge(accessory())
    with pytest.raises(KnowledgeError, match="undo it first"):
        store.delete_rule("accessories")
    block = Rule("accessories", "BLOCK", NOW, NOW, products=("mug",))
    with pytest.raises(KnowledgeError, match="is one of knowledge"):
        store.upsert_rule(block)
    store.upsert_rule(replace(block, id="block"))
    with pytest.raises(KnowledgeError, match="is a business rule"):
        store.save_knowledge(accessory(id="block"))
    store.undo_knowledge("accessories", NOW)
    assert store.delete_rule("accessories") is True
    assert store.knowledge() == []


def test_a_deleted_product_takes_its_links_and_the_rule_goes_on_without_it(store: Store) -> None:
    fill(store)
    apply(store, accessory())
    store.delete_products(["mug"])
    number = store.change_number()
    assert store.apply_knowledge("accessories", NOW) == Effect()
    assert store.change_number() == number
    store.upsert_products([ProductRecord("mug")])
    assert store.apply_knowledge("accessories", NOW) == Effect(put=1)


IN_ONE_CATEGORY = (
    "MATCH (a:Product)-[:IN_CATEGORY]->(c)<-[:IN_CATEGORY]-(b:Product) WHERE a.id > b.id "
    "RETURN a.id AS source, b.id AS target, a.price AS weight"
)


def test_a_derived_relation_follows_the_graph_when_it_is_refreshed(store: Store) -> None:
    fill(store)
    assert apply(store, derived(IN_ONE_CATEGORY)) == Effect(put=1)
    assert links(store, "tea", "ACCESSORY_OF") == [("pot", 3.0)]
    store.load_relations("IN_CATEGORY", relations(("mug", "kitchen", None)))
    assert links(store, "mug", "ACCESSORY_OF") == []
    assert store.apply_knowledge("derived", NOW) == Effect(put=2)
    assert store.found_knowledge("derived").links == 3
    store.upsert_products([ProductRecord("mug", {"price": 4.0}, categories=[Named("all")])])
    store.load_nodes("Product", pa.table({"id": ["tea"], "price": [5.0]}))
    assert store.apply_knowledge("derived", NOW) == Effect(put=1, changed=1, taken=2)
    assert links(store, "tea", "ACCESSORY_OF") == [("pot", 5.0)]


ANYTHING_BUT_LINKS = {
    "a.id AS a, b.id AS b": "columns a, b; let it end with",
    "a.id AS source, b.id AS target, 1.0 AS weight, 2 AS more": "columns source, target, weight, more",
    "a AS source, b.id AS target": "row 1: source is a node and no product's id; return its id",
    "a.id AS source, null AS target": "row 1: target is null",
    "a.id AS source, a.id AS target": "related to itself",
    "a.id AS source, b.id AS target, 'much' AS weight": "weight is a text and no number",
    "a.id AS source, b.id AS target, null AS weight": "weight is null",
    "a.id AS source, b.id AS target, true AS weight": "weight is a truth value",
    "a.id AS source, b.id AS target, -1 AS weight": "weight -1 is not above 0",
    "a.id AS source, b.id AS target, toFloat('NaN') AS weight": "weight is a text",
    "a.id AS source, 'kettle' AS target": "no product kettle",
    "a.id AS source, 'acme' AS target": "no product acme",
}


def refused(store: Store, cypher: str, message: str) -> None:
    store.save_knowledge(derived(cypher))
    number = store.change_number()
    with pytest.raises(KnowledgeError, match=message):
        store.apply_knowledge("derived", NOW)
    assert store.change_number() == number, cypher
    assert store.found_knowledge("derived").status == Status.DRAFT, cypher


def test_a_query_that_returns_anything_but_links_of_products_is_refused(store: Store) -> None:
    fill(store)
    before = everything(store)
    for returned, message in ANYTHING_BUT_LINKS.items():
        ends = "MATCH (a:Product {id: 'tea'}), (b:Product {id: 'pot'})"
        refused(store, f"{ends} RETURN {returned}", message)
    refused(store, "UNWIND range(1, 60000) AS n RETURN 'tea' AS source, 'pot' AS target", "more than 50,000 rows")
    assert everything(store) == before
    assert store.stored_ontology() == default_ontology()


def test_a_pair_with_two_weights_is_refused_and_one_that_comes_twice_is_one(store: Store) -> None:
    fill(store)
    pairs = "UNWIND [%s] AS weight RETURN 'tea' AS source, 'pot' AS target, weight"
    store.save_knowledge(derived(pairs % "1.0, 2.0"))
    with pytest.raises(KnowledgeError, match="twice with different weights"):
        store.apply_knowledge("derived", NOW)
    assert apply(store, derived(pairs % "2.0, 2.0")) == Effect(put=1)


LINKS = "RETURN a.id AS source, b.id AS target"
ENDS = "MATCH (a:Product {id: 'tea'}), (b:Product {id: 'pot'})"
WRITES = [
    "CREATE (n:Product {id: 'made up'}) RETURN n.id AS source, n.id AS target",
    f"{ENDS} SET a.price = 0 {LINKS}",
    f"{ENDS} MERGE (a)-[:SUBSTITUTES]->(b) {LINKS}",
    f"{ENDS} CREATE (a)-[:ACCESSORY_OF]->(b) {LINKS}",
    f"{ENDS}, (x:Product {{id: 'mug'}}) DETACH DELETE x {LINKS}",
    f"{ENDS} CALL {{ CREATE (n:Product {{id: 'made up'}}) }} {LINKS}",
    "no Cypher at all",
]


def test_a_query_that_writes_anything_is_refused(store: Store) -> None:
    fill(store)
    before = everything(store)
    for cypher in WRITES:
        refused(store, cypher, "rule derived: its query is refused")
    assert everything(store) == before
    assert store.nodes("Product").column("price").to_pylist() == [3.0] * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"relation": None}, "relation: RELATE needs"),
        ({"relation": "HAS_FEATURE", "says": None}, "no relation between products"),
        ({"relation": "NEW", "says": None}, "says: NEW is new .* say how it reads"),
        ({"relation": "no name", "says": "x"}, "a name is letters"),
        ({"relation": "REJECTED_LABEL", "says": "x"}, "reserved"),
        ({"relation": "CO_BUYER", "says": "x"}, "the model has a term of this name|there is a relation"),
        ({"relation": "COMPLEMENTS_REVERSE", "says": "x"}, "the model has a term of this name"),
        ({"relation": "COMPLEMENTS", "says": "fits"}, 'COMPLEMENTS says "goes with"'),
        ({"pairs": {}}, "pairs: RELATE needs pairs"),
        ({"pairs": {("tea", "tea"): 1.0}}, "related to itself"),
        ({"pairs": {("tea", "pot"): 0.0}}, "weight 0 is not above 0"),
        ({"weight": float("nan")}, "weight nan"),
        ({"cypher": "RETURN 1"}, "RELATE has no query"),
        ({"kind": KnowledgeKind.DERIVE, "pairs": {}}, "DERIVE needs a query"),
        ({"kind": KnowledgeKind.DERIVE, "cypher": "RETURN 1"}, "finds its pairs by its query"),
        ({"move": Move("all")}, "moves nothing"),
        ({"id": " "}, "has an id"),
        ({"note": "x" * 3000}, "note: has 3,000 characters"),
        ({"kind": KnowledgeKind.MOVE}, "MOVE has none"),
    ],
)
def test_a_rule_says_what_it_cannot(changes: dict[str, Any], message: str) -> None:
    found = mistakes(default_ontology(), accessory(**changes))
    assert re.search(message, "; ".join(f"{field}: {said}" for field, said in found))


def test_a_rule_with_mistakes_is_not_kept(embedded_store: Store) -> None:
    with pytest.raises(KnowledgeError, match=r"rule accessories: relation: RELATE needs .*; pairs: RELATE needs pairs"):
        embedded_store.save_knowledge(accessory(relation=None, pairs={}))
    assert embedded_store.knowledge() == []


def test_products_move_to_another_category_and_back_with_all_that_was_known_of_it(store: Store) -> None:
    fill(store)
    store.load_nodes("Category", pa.table({"id": ["drinks"], "name": ["Drinks"]}))
    store.write_labels("IN_CATEGORY", ["kitchen"], ["mug"], [Label("mug", "kitchen", 0.75)])
    before = everything(store)
    assert apply(store, moved(to="drinks", source="kitchen", products=("tea", "mug"))) == Effect(put=2)
    assert store.category_products(["kitchen", "drinks"]) == {"kitchen": ["pot"], "drinks": ["mug", "tea"]}
    assert links(store, "tea", "IN_CATEGORY") == [("drinks", 1.0)]
    store.undo_knowledge("move", NOW)
    assert everything(store) == before


def test_what_the_shop_says_again_undoes_no_move(store: Store) -> None:
    fill(store)
    store.load_nodes("Category", pa.table({"id": ["drinks"], "name": ["Drinks"]}))
    before = everything(store)
    apply(store, moved(to="drinks", source="kitchen", products=("tea",)))
    assert store.load_relations("IN_CATEGORY", relations(("tea", "kitchen", None))).existing == 1
    store.upsert_products([ProductRecord("tea", categories=[Named("kitchen")])])
    assert links(store, "tea", "IN_CATEGORY") == [("drinks", 1.0)]
    store.undo_knowledge("move", NOW)
    assert everything(store) == before


def test_a_product_that_the_shop_puts_elsewhere_does_not_come_back(store: Store) -> None:
    fill(store)
    store.load_nodes("Category", pa.table({"id": ["drinks"], "name": ["Drinks"]}))
    apply(store, moved(to="drinks", source="kitchen", products=("tea",)))
    store.upsert_products([ProductRecord("tea", categories=[Named("all")])])
    assert links(store, "tea", "IN_CATEGORY") == [("all", 1.0), ("drinks", 1.0)]
    store.undo_knowledge("move", NOW)
    assert links(store, "tea", "IN_CATEGORY") == [("all", 1.0)]


def test_a_move_of_a_whole_category_takes_what_comes_later_when_it_is_refreshed(store: Store) -> None:
    fill(store)
    before = everything(store)
    assert apply(store, moved(to="all", source="kitchen")) == Effect(put=2)
    assert store.category_products(["kitchen", "all"]) == {"kitchen": [], "all": ["hat", "pot", "tea"]}
    store.load_relations("IN_CATEGORY", relations(("mug", "kitchen", None)))
    assert store.apply_knowledge("move", NOW) == Effect(put=1)
    assert store.apply_knowledge("move", NOW) == Effect()
    store.undo_knowledge("move", NOW)
    assert everything(store) == sorted([*before, ("mug", "IN_CATEGORY", "kitchen", "[]")])


def test_a_category_moves_below_another_and_back(store: Store) -> None:
    fill(store)
    store.load_nodes("Category", pa.table({"id": ["garden"], "name": ["Garden"]}))
    before, number = everything(store), store.change_number()
    apply(store, moved(to="garden", category="kitchen"))
    assert store.category_products(["garden", "all"]) == {"garden": ["pot", "tea"], "all": ["hat"]}
    assert {change.kind for change in store.changes(number)} == {"KNOWLEDGE_WRITTEN"}
    store.undo_knowledge("move", NOW)
    assert everything(store) == before
    with pytest.raises(KnowledgeError, match="category kitchen is all or below it"):
        apply(store, moved(to="kitchen", category="all"))
    assert everything(store) == before


def test_a_move_that_was_moved_on_is_undone_after_that(store: Store) -> None:
    fill(store)
    store.load_nodes("Category", pa.table({"id": ["drinks"], "name": ["Drinks"]}))
    before = everything(store)
    apply(store, moved(to="drinks", source="kitchen", products=("tea",)))
    later = replace(moved(to="all", source="drinks"), id="later")
    apply(store, later)
    assert links(store, "tea", "IN_CATEGORY") == [("all", 1.0)]
    with pytest.raises(KnowledgeError, match="was moved on by later; undo that first"):
        store.undo_knowledge("move", NOW)
    store.undo_knowledge("later", NOW)
    assert links(store, "tea", "IN_CATEGORY") == [("drinks", 1.0)]
    store.undo_knowledge("move", NOW)
    assert everything(store) == before


def test_a_move_that_cannot_be_made_is_refused(embedded_store: Store) -> None:
    fill(embedded_store)
    before = everything(embedded_store)
    for move, message in (
        ({"to": "attic", "source": "kitchen"}, "no category attic"),
        ({"to": "all", "source": "attic"}, "no category attic"),
        ({"to": "all", "category": "attic"}, "no category attic"),
        ({"to": "all", "source": "kitchen", "products": ("hat", "mug")}, "no product hat, mug in the category kitchen"),
        ({"to": "all", "source": "all"}, "to itself"),
        ({"to": "all"}, "a category to move, or one from which"),
        ({"to": "all", "category": "kitchen", "source": "kitchen"}, "give one of them"),
        ({"to": "all", "category": "kitchen", "products": ("tea",)}, "name no products"),
        ({"to": "", "category": "kitchen"}, "needs the category to which"),
    ):
        with pytest.raises(KnowledgeError, match=message):
            apply(embedded_store, moved(**move))
    assert everything(embedded_store) == before


def test_the_shops_own_file_need_not_have_what_experts_added(store_url: str, store: Store) -> None:
    fill(store)
    apply(store, accessory())
    own = parse_ontology({"behaviours": {"wish": {}}}, where="own")
    number = store.change_number()
    with connect(store_url, ontology=own) as later:
        later.prepare()
        assert later.ontology.relations["ACCESSORY_OF"].says == "is an accessory of"
        assert "wish" in later.ontology.behaviours
        assert later.counts()["ACCESSORY_OF"] == 2
        assert later.change_number() == number
        assert store.renew_ontology() == later.ontology


def test_a_snapshot_has_what_is_applied_and_the_relation_without_what_is_undone(store: Store, tmp_path: Path) -> None:
    fill(store)
    apply(store, accessory())
    assert store.export(tmp_path / "with").edges["ACCESSORY_OF"] == 2
    assert store.export(tmp_path / "then", until=NOW).edges["ACCESSORY_OF"] == 2
    assert store.export(tmp_path / "earlier", until=NOW - timedelta(seconds=1)).edges["ACCESSORY_OF"] == 0
    store.undo_knowledge("accessories", NOW)
    assert store.export(tmp_path / "without").edges["ACCESSORY_OF"] == 0

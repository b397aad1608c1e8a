from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from graph import Rule, Store
from graph.moves import Move
from tests.graph.shop_tables import fill, moment, relations

PUSH = Rule(
    id="push",
    kind="BOOST",
    created=moment(1),
    changed=moment(1),
    author="ann",
    note="summer's end",
    weight=1.5,
    start=moment(2),
    end=moment(9),
    products=("mug",),
    categories=("kitchen",),
)
PIN = Rule(id="pin", kind="PIN", created=moment(3), changed=moment(3), position=2, brands=("acme",))


def test_a_rule_is_read_as_it_was_written_with_what_it_reaches(store: Store) -> None:
    fill(store)
    assert store.upsert_rule(PIN) == []
    assert store.upsert_rule(PUSH) == []
    assert store.rules() == [replace(PUSH, reaches=("mug", "pot", "tea")), replace(PIN, reaches=("tea",))]


def test_a_category_reaches_what_is_below_it(store: Store) -> None:
    fill(store)
    store.upsert_rule(replace(PUSH, products=(), categories=("all",)))
    assert store.rules()[0].reaches == ("hat", "pot", "tea")


def test_a_rule_that_is_written_again_keeps_nothing_but_its_creation(store: Store) -> None:
    fill(store)
    store.upsert_rule(PUSH)
    later = Rule(id="push", kind="BLOCK", created=moment(5), changed=moment(5), brands=("acme",))
    assert store.upsert_rule(later) == []
    assert store.rules() == [replace(later, created=PUSH.created, reaches=("tea",))]


def test_what_is_not_there_is_told_and_nothing_is_written(store: Store) -> None:
    fill(store)
    number = store.change_number()
    wrong = replace(PUSH, products=("mug", "no mug"), categories=("kitchen", "attic"))
    assert store.upsert_rule(wrong) == [("Product", "no mug"), ("Category", "attic")]
    assert store.rules() == []
    assert store.change_number() == number


def test_a_deleted_rule_is_gone(store: Store) -> None:
    fill(store)
    store.upsert_rule(PUSH)
    assert store.delete_rule("push") is True
    assert store.rules() == []
    number = store.change_number()
    assert store.delete_rule("push") is False
    assert store.change_number() == number


def test_the_change_log_names_the_rules(store: Store) -> None:
    fill(store)
    before = store.change_number()
    store.upsert_rule(PUSH)
    store.delete_rule("push")
    assert [(change.kind, change.keys) for change in store.changes(before)] == [("RULES_WRITTEN", ("push",))] * 2


def test_a_deleted_product_leaves_no_trace_in_a_rule(store: Store) -> None:
    fill(store)
    store.upsert_rule(replace(PUSH, products=("mug", "hat"), categories=()))
    store.delete_products(["mug"])
    assert store.rules() == [replace(PUSH, products=("hat",), categories=(), reaches=("hat",))]


def test_rules_reach_what_is_in_a_category_now(store: Store) -> None:
    fill(store)
    store.upsert_rule(PUSH)
    store.load_relations("IN_CATEGORY", relations(("hat", "kitchen", None)))
    assert store.rules()[0].reaches == ("hat", "mug", "pot", "tea")


def test_what_rules_would_reach_and_categories_have_after_a_move_is_told_and_not_kept(store: Store) -> None:
    fill(store)
    store.load_nodes("Category", pa.table({"id": ["attic"]}))
    store.load_relations("IN_CATEGORY", relations(("hat", "attic", None)))
    store.upsert_rule(PUSH)
    known, number = store.rules(), store.change_number()
    for move in (Move(to="kitchen", source="all", products=("hat",)), Move(to="kitchen", category="attic")):
        rules, members = store.after_move("move", move, ["attic", "kitchen", "none"])
        assert rules[0].reaches == ("hat", "mug", "pot", "tea")
        assert members == {"attic": ["hat"], "kitchen": ["hat", "pot", "tea"], "none": []}
    rules, members = store.after_move("move", Move(to="attic", source="kitchen"), ["attic", "kitchen"])
    assert rules[0].reaches == ("mug",)
    assert members == {"attic": ["hat", "pot", "tea"], "kitchen": []}
    assert (store.rules(), store.change_number()) == (known, number)


def test_a_snapshot_is_the_same_with_and_without_rules(store: Store, tmp_path: Path) -> None:
    fill(store)
    before = store.export(tmp_path / "before")
    store.upsert_rule(PUSH)
    after = store.export(tmp_path / "after")
    assert (after.nodes, after.edges, after.ontology_hash) == (before.nodes, before.edges, before.ontology_hash)


def test_a_store_without_rules_has_none(store: Store) -> None:
    assert store.rules() == []


def test_products_are_found_by_what_they_are_linked_to(store: Store) -> None:
    fill(store)
    store.load_nodes("Brand", pa.table({"id": ["idle"], "name": ["Idle"]}))
    found = store.linked_products("MADE_BY", ["acme", "idle", "no brand", "acme"])
    assert found == {"acme": ["tea"], "idle": []}
    assert store.linked_products("IN_CATEGORY", ["kitchen"]) == {"kitchen": ["pot", "tea"]}

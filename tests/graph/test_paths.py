from collections.abc import Iterator

import pytest

from graph import Query, Store, as_text
from schema.ontology import Ontology, default_ontology
from tests.graph.shop_tables import SHOP_EVENTS, fill

ONTOLOGY = default_ontology()
TERMS = {term.name: term for term in ONTOLOGY.terms}
PRODUCTS = ("tea", "pot", "mug", "hat")


def middles(store: Store, name: str, source: str, target: str, viewer: str | None = None) -> list[object]:
    """The middle nodes of the paths; the pasted text must give the same rows."""
    query = store.path_query(TERMS[name], source, target, viewer=viewer)
    rows = store.read(query)
    assert store.read(Query(as_text(query))) == rows
    return [row["middle"] for row in rows]


def naive(ontology: Ontology, name: str, source: str, target: str, viewer: str | None) -> list[str]:
    """Groups that hold both products, by plain loops over the table."""
    meeting = ontology.meetings[name]
    key = {"user": 1, "basket": 6, "session": 7}[meeting.by]
    own = {row[key] for row in SHOP_EVENTS if viewer is not None and row[1] == viewer}
    held = {(row[key], row[2]) for row in SHOP_EVENTS if row[key] is not None and row[3] in meeting.behaviours}
    groups = {group for group, _ in held} - own
    return sorted(str(group) for group in groups if {(group, source), (group, target)} <= held)


def pairs() -> Iterator[tuple[str, str]]:
    yield from ((source, target) for source in PRODUCTS for target in PRODUCTS)


@pytest.mark.parametrize("viewer", [None, "ann", "cid", "nobody", "o'hara \"`$x\n"])
@pytest.mark.parametrize("name", list(ONTOLOGY.meetings))
def test_meetings_are_exactly_the_groups_that_hold_both_products(store: Store, name: str, viewer: str | None) -> None:
    fill(store)
    for source, target in pairs():
        assert middles(store, name, source, target, viewer) == naive(ONTOLOGY, name, source, target, viewer)


def test_a_path_names_the_events_on_both_sides(store: Store) -> None:
    fill(store)
    rows = store.read(store.path_query(TERMS["CO_BUYER"], "tea", "pot", viewer="ann"))
    assert rows == [{"middle": "cid", "source_events": ["e5"], "target_events": ["e6", "e7"]}]


def test_a_shared_node_is_the_middle(store: Store) -> None:
    fill(store)
    assert middles(store, "IN_CATEGORY", "tea", "pot") == ["kitchen"]
    assert middles(store, "IN_CATEGORY", "tea", "tea") == ["kitchen"]
    assert middles(store, "IN_CATEGORY", "tea", "hat") == []


def test_a_direct_relation_has_a_direction(store: Store) -> None:
    fill(store)
    assert middles(store, "COMPLEMENTS", "tea", "pot") == [None]
    assert middles(store, "COMPLEMENTS", "pot", "tea") == []
    assert middles(store, "COMPLEMENTS_REVERSE", "pot", "tea") == [None]
    assert store.read(store.path_query(TERMS["COMPLEMENTS"], "tea", "pot")) == [{"middle": None, "weight": 0.5}]


def test_a_product_is_on_its_own_path(store: Store) -> None:
    fill(store)
    assert middles(store, "SAME_PRODUCT", "tea", "tea") == [None]
    assert middles(store, "SAME_PRODUCT", "tea", "pot") == []


def test_no_more_rows_come_than_asked_for(store: Store) -> None:
    fill(store)
    query = store.path_query(TERMS["CO_BUYER"], "tea", "pot", limit=1)
    assert [row["middle"] for row in store.read(query)] == ["ann"]

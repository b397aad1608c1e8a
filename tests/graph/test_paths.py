from collections.abc import Iterator
from itertools import pairwise

import pytest

from graph import Query, Store, as_text
from schema.ontology import Ontology, default_ontology
from tests.graph.shop_tables import SHOP_EVENTS, EventRow, events, fill, purchase, relations

ONTOLOGY = default_ontology()
TERMS = {term.name: term for term in ONTOLOGY.terms}
PRODUCTS = ("tea", "pot", "mug", "hat")


def middles(store: Store, name: str, source: str, target: str, viewer: str | None = None) -> list[object]:
    """The middle nodes of the paths; from one product, the pasted text must give the same rows."""
    query = store.path_query(TERMS[name], source, target, viewer=viewer)
    rows = store.read(query)
    if source == PRODUCTS[0]:  # Neo4j plans each text anew, which is most of what these tests take
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


# Steps that the small shop has none of: back and forth, to the same product, from many to many, past a view.
STEPS: tuple[EventRow, ...] = (
    purchase("s1", "dot", "tea", 1),
    purchase("s2", "dot", "pot", 2),
    purchase("s3", "dot", "tea", 3),
    ("s4", "dot", "tea", "view", 3, None, None, None),
    purchase("s5", "dot", "pot", 4),
    purchase("s6", "dot", "pot", 4),
    purchase("s7", "dot", "mug", 4),
    purchase("s8", "dot", "mug", 5),
    ("s9", "eve", "tea", "view", 1, None, None, None),
    ("s10", "eve", "hat", "view", 2, None, None, None),
    purchase("s11", "eve", "pot", 3),
    purchase("s12", None, "tea", 1),
    purchase("s13", None, "pot", 2),
)


def steps(source: str, target: str, viewer: str | None) -> list[str]:
    """Who came to one product right after another, once for each time, by plain loops over the table."""
    rows = [row for row in (*SHOP_EVENTS, *STEPS) if row[1] is not None and row[1] != viewer]
    found = []
    for person in sorted({str(row[1]) for row in rows}):
        own = [row for row in rows if row[1] == person]
        moments = sorted({row[4] for row in own})
        for before, after in pairwise(moments):
            if (source, before) in {(r[2], r[4]) for r in own} and (target, after) in {(r[2], r[4]) for r in own}:
                found.append(person)
    return found


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


@pytest.mark.parametrize("viewer", [None, "ann", "dot", "nobody"])
def test_each_step_of_a_person_from_one_product_to_the_next_is_a_path(store: Store, viewer: str | None) -> None:
    fill(store)
    store.load_events(events(*STEPS))
    for source, target in pairs():
        assert middles(store, "NEXT_PRODUCT", source, target, viewer) == steps(source, target, viewer)


def test_a_step_names_the_events_of_both_moments_in_the_order_of_time(store: Store) -> None:
    fill(store)
    store.load_events(events(*STEPS))
    rows = store.read(store.path_query(TERMS["NEXT_PRODUCT"], "tea", "pot", viewer="cid"))
    assert [(row["middle"], row["source_events"], row["target_events"]) for row in rows] == [
        ("dot", ["s1"], ["s2"]),
        ("dot", ["s3", "s4"], ["s5", "s6"]),
    ]


def test_a_product_that_both_point_to_or_that_points_to_both_is_the_middle(store: Store) -> None:
    fill(store)
    pairs_of = (
        ("tea", "mug", 2.0),
        ("pot", "mug", None),
        ("hat", "mug", 1.0),
        ("hat", "tea", 0.5),
        ("hat", "hat", 1.0),
    )
    store.load_relations("SUBSTITUTES", relations(*pairs_of))
    assert middles(store, "SUBSTITUTES_SHARED", "tea", "pot") == ["mug"]
    assert middles(store, "SUBSTITUTES_SHARED", "tea", "hat") == ["mug"]
    assert middles(store, "SUBSTITUTES_SHARED", "hat", "hat") == ["hat", "mug", "tea"]
    assert middles(store, "SUBSTITUTES_SHARED", "mug", "tea") == []
    assert middles(store, "SUBSTITUTES_COMMON", "mug", "tea") == ["hat"]
    assert middles(store, "SUBSTITUTES_COMMON", "tea", "hat") == ["hat"]
    assert middles(store, "SUBSTITUTES_COMMON", "mug", "mug") == ["hat", "pot", "tea"]
    assert middles(store, "SUBSTITUTES_COMMON", "tea", "pot") == []
    rows = store.read(store.path_query(TERMS["SUBSTITUTES_SHARED"], "tea", "pot"))
    assert rows == [{"middle": "mug", "source_weight": 2.0, "target_weight": 1.0}]
    rows = store.read(store.path_query(TERMS["SUBSTITUTES_COMMON"], "mug", "tea"))
    assert rows == [{"middle": "hat", "source_weight": 1.0, "target_weight": 0.5}]


def test_a_shared_node_is_the_middle(store: Store) -> None:
    fill(store)
    assert middles(store, "IN_CATEGORY", "tea", "pot") == ["kitchen"]
    assert middles(store, "IN_CATEGORY", "tea", "tea") == ["kitchen"]
    assert middles(store, "IN_CATEGORY", "tea", "hat") == []


def test_what_is_liked_leads_to_what_is_linked_to_it_or_below_it(store: Store) -> None:
    fill(store)
    found = {}
    for relation, node in (("IN_CATEGORY", "all"), ("IN_CATEGORY", "kitchen"), ("MADE_BY", "acme")):
        for product in PRODUCTS:
            query = store.liked_query(relation, node, product)
            rows = store.read(query)
            assert store.read(Query(as_text(query))) == rows
            found[node, product] = [row["middle"] for row in rows]
    assert found["kitchen", "tea"] == found["all", "tea"] == found["all", "pot"] == ["kitchen"]
    assert found["acme", "tea"] == ["acme"]
    assert found["acme", "hat"] == found["kitchen", "hat"] == []


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

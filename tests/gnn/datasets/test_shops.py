import numpy as np
import pytest

from gnn.data import Events
from gnn.datasets.interactions import Interactions, ask_users
from gnn.datasets.links import Graph, Link, unique_edges
from gnn.datasets.names import node_name, relation_name
from gnn.datasets.shops import build_shop
from schema import default_ontology


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


SEEN = Interactions(ints(1, 0, 0), ints(2, 1, 0), np.array([5, 5, 9], np.int64))


def test_events_are_purchases_in_order_of_time_and_user():
    shop = build_shop("s", ("a", "b"), ("x", "y", "z"), SEEN)
    assert list(zip(shop.events.time_ms, shop.events.user, shop.events.product, strict=True)) == [
        (5, 0, 1),
        (5, 1, 2),
        (9, 0, 0),
    ]
    assert set(shop.events.behaviour) == {shop.target}
    assert set(shop.events.basket) == set(shop.events.session) == {-1}
    assert shop.as_of_ms == 9


def test_arrays_have_the_types_that_a_shop_promises():
    shop = build_shop("s", ("a", "b"), ("x", "y", "z"), SEEN)
    kinds = {name: getattr(shop.events, name).dtype for name in Events.__annotations__}
    assert kinds.pop("time_ms") == np.int64
    assert set(kinds.values()) == {np.dtype(np.int32)}
    asked = ask_users(SEEN, SEEN)
    assert (asked.user.dtype, asked.as_of_ms.dtype, asked.answers.products.dtype) == (np.int32, np.int64, np.int32)


def test_every_relation_and_node_type_is_there_even_if_empty():
    shop = build_shop("s", ("a", "b"), ("x", "y", "z"), SEEN)
    assert set(shop.edges) == set(default_ontology().relations)
    assert set(shop.ids) == set(default_ontology().nodes)


def test_a_single_edge_is_a_relation():
    edges = unique_edges(ints(0, 0, 1), ints(0, 0, -1), loops=True)
    graph = Graph([Link("TELLS_OF", "tells of", "Topic", "is about the same as", edges)], {"Topic": ("t",)})
    shop = build_shop("s", ("a", "b"), ("x", "y", "z"), SEEN, graph)
    assert len(shop.edges["TELLS_OF"].source) == 1
    assert shop.ontology.relations["TELLS_OF"].says == "is about the same as"


def test_a_question_is_asked_no_earlier_than_what_is_seen_of_its_user():
    held = Interactions(ints(0, 0, 2), ints(5, 6, 7), np.array([7, 8, 3], np.int64))
    asked = ask_users(held, SEEN)
    assert asked.user.tolist() == [0, 2]
    assert asked.as_of_ms.tolist() == [9, 3]


@pytest.mark.parametrize(
    ("raw", "target", "name"),
    [
        ("also bought", "Product", "ALSO_BOUGHT"),
        ("SUBSTITUTES", "Product", "SUBSTITUTES"),
        ("SUBSTITUTES", "Thing", "KG_SUBSTITUTES"),
        ("CHILD_OF", "Product", "KG_CHILD_OF"),
        ("co_buyer", "Product", "KG_CO_BUYER"),
        ("on", "Product", "KG_ON"),
        ("about", "Topic", "KG_ABOUT"),
        ("7", "Thing", "KG_7"),
        ("关系", "Thing", "KG_"),
        ("x" * 200, "Thing", "X" * 50),
    ],
)
def test_any_name_becomes_one_that_fits_the_ontology(raw, target, name):
    found = relation_name(raw, target)
    assert found == name
    edges = unique_edges(ints(0), ints(1), loops=True)
    nodes = {} if target == "Product" else {target: ("0", "1")}
    build_shop("s", ("a", "b"), ("x", "y", "z"), SEEN, Graph([Link(found, raw, target, "says", edges)], nodes))


def test_names_that_would_be_the_same_are_numbered():
    assert relation_name("a-b", "Thing", {"A_B"}) == "KG_A_B"
    assert relation_name("a-b", "Thing", {"A_B", "KG_A_B"}) == "KG_A_B_2"
    assert node_name("a b", {"AB"}) == "AB2"


@pytest.mark.parametrize(
    ("raw", "name"), [("category", "Category"), ("user", "KgUser"), ("9 lives", "Kg9Lives"), ("", "Kg")]
)
def test_any_type_becomes_one_that_fits_the_ontology(raw, name):
    assert node_name(raw) == name

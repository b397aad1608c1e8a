from pathlib import Path

import networkx as nx
import pytest

from graph.views import product_graph, whole_graph
from schema.errors import SnapshotError
from schema.snapshot import Snapshot
from tests.support.small_shop import SmallShop


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Three products; two people bought two of them each, and somebody unknown looked at one."""
    shop = SmallShop(
        products=4,
        users=3,
        events=[
            (0, 0, "purchase", 1, "b1"),
            (0, 1, "purchase", 1, "b1"),
            (1, 0, "purchase", 2, "b2"),
            (1, 1, "purchase", 3, "b3"),
            (1, 2, "purchase", 3, "b3"),
            (1, 2, "view", 3, None),
            (None, 3, "view", 4, None),
        ],
        edges={"COMPLEMENTS": [(0, 1, 0.5), (1, 0, 0.25)], "MADE_BY": [(0, 0, 1), (2, 0, 1), (3, 1, 1)]},
        nodes={"Brand": ["acme", "best"]},
        titles=["Tea", None, None, None],
    )
    return shop.write(tmp_path / "snapshot")


def test_the_whole_graph_has_every_node_relation_and_event(snapshot: Snapshot) -> None:
    graph = whole_graph(snapshot)
    counts = snapshot.manifest
    anonymous = 1
    assert graph.number_of_nodes() == sum(counts.nodes.values()) + anonymous
    assert graph.number_of_edges() == sum(counts.edges.values()) + counts.events
    assert graph.nodes["Product:p0"] == {"type": "Product", "id": "p0", "title": "Tea"}
    assert graph.edges["Product:p0", "Product:p1", "COMPLEMENTS"] == {"type": "COMPLEMENTS", "weight": 0.5}


def test_an_event_is_an_edge_of_who_did_it_with_all_that_is_known(snapshot: Snapshot) -> None:
    graph = whole_graph(snapshot)
    (bought,) = graph["User:u0"]["Product:p1"].values()
    assert bought.pop("id")
    assert bought == {"type": "purchase", "time": "2026-01-02T00:00:00+00:00", "basket": "b1"}


def test_an_event_of_nobody_known_is_a_node(snapshot: Snapshot) -> None:
    graph = whole_graph(snapshot)
    ((key, event),) = [(key, node) for key, node in graph.nodes(data=True) if node["type"] == "Event"]
    assert event["behaviour"] == "view"
    assert list(graph[key]) == ["Product:p3"]


def test_products_are_joined_by_their_buyers_each_counting_less_the_more_they_bought(snapshot: Snapshot) -> None:
    graph = product_graph(snapshot, "CO_BUYER")
    assert set(graph) == {"p0", "p1", "p2", "p3"}
    # The first buyer of two products counts 1, the second of three 1/2.
    assert graph.edges["p0", "p1"] == {"weight": 1.5, "shared": 2}
    assert graph.edges["p0", "p2"] == graph.edges["p1", "p2"] == {"weight": 0.5, "shared": 1}
    assert not graph["p3"]


def test_products_are_joined_by_what_they_are_related_to(snapshot: Snapshot) -> None:
    assert list(product_graph(snapshot, "MADE_BY").edges(data="shared")) == [("p0", "p2", 1)]
    assert list(product_graph(snapshot, "SAME_BASKET").edges(data="weight")) == [("p0", "p1", 1.0), ("p1", "p2", 1.0)]


def test_a_relation_between_products_joins_them_with_its_own_weight(snapshot: Snapshot) -> None:
    assert list(product_graph(snapshot, "COMPLEMENTS").edges(data="weight")) == [("p0", "p1", 0.75)]


def test_of_many_neighbours_the_strongest_are_kept(snapshot: Snapshot) -> None:
    graph = product_graph(snapshot, "CO_BUYER", strongest=1)
    # p2 keeps one of its two neighbours, and nobody else keeps p2.
    assert sorted(map(sorted, graph.edges)) == [["p0", "p1"], ["p0", "p2"]]
    assert nx.is_weighted(graph)


def test_what_products_cannot_share_is_refused_by_name(snapshot: Snapshot) -> None:
    with pytest.raises(SnapshotError, match=r"products share no CO_BUYERS; .* Did you mean CO_BUYER\?"):
        product_graph(snapshot, "CO_BUYERS")
    with pytest.raises(SnapshotError, match="CHILD_OF"):
        product_graph(snapshot, "CHILD_OF")

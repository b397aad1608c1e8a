"""What is said of products that hang together in ways known beforehand."""

import random

import networkx as nx
import numpy as np
import pytest

from graph import Query, Store, StoreError
from graph.analytics import analyse, similar, spread
from graph.standing import Analysis, Standing
from schema.ontology import NodeType, Property, default_ontology
from tests.graph.shop_tables import products

# Two triangles and a product between them.
PAIRS = [("a", "b"), ("a", "c"), ("b", "c"), ("d", "e"), ("d", "f"), ("e", "f"), ("a", "x"), ("x", "d")]

ALL = Query("MATCH (p:Product) RETURN p.id AS id, properties(p) AS of")
SHOP = Query("MATCH (s:Shop) RETURN properties(s) AS of")


def two_triangles(*, seed: int = 0) -> "nx.Graph[str]":
    """The same graph, put together in another order with each seed."""
    pairs = random.Random(seed).sample(PAIRS, len(PAIRS))
    graph: nx.Graph[str] = nx.Graph()
    graph.add_node("alone")
    graph.add_weighted_edges_from((a, b, 1.0) for a, b in pairs)
    return graph


def said_of(graph: "nx.Graph[str]") -> dict[str, Standing]:
    return {standing.product: standing for standing in analyse(graph, "CO_BUYER").standings}


def test_what_is_bound_together_is_a_community_and_the_largest_is_the_first() -> None:
    said = said_of(two_triangles())
    groups = {name: {key for key, s in said.items() if s.community == name} for name in (1, 2)}
    assert {"a", "b", "c"} <= groups[1] or {"d", "e", "f"} <= groups[1]
    assert groups[1] | groups[2] == set("abcdefx")
    assert len(groups[1]) == 4  # with the one between them


def test_the_product_between_two_triangles_lies_on_the_ways_of_all_pairs_across() -> None:
    said = said_of(two_triangles())
    assert said["x"].betweenness == pytest.approx(9 / 15)  # 3 × 3 pairs of the 15 of six others
    assert said["a"].betweenness == pytest.approx(8 / 15)  # b and c to x, d, e and f
    assert said["b"].betweenness == 0


def test_centrality_sums_to_one_and_is_the_same_where_the_places_are() -> None:
    said = said_of(two_triangles())
    assert sum(standing.pagerank for standing in said.values()) == pytest.approx(1)
    assert said["a"].pagerank == pytest.approx(said["d"].pagerank, abs=1e-5)
    assert said["a"].pagerank > said["x"].pagerank > 0


def test_links_into_two_communities_alike_are_half_spread() -> None:
    links = nx.to_scipy_sparse_array(nx.path_graph(3), format="csr").astype(float)
    assert spread(links, np.array([1, 1, 2])).tolist() == [0.0, 0.5, 0.0]


def test_likeness_is_the_share_of_neighbours_that_both_have() -> None:
    said = said_of(two_triangles())
    near = dict(zip(said["b"].similar, said["b"].likeness, strict=True))
    # b has a and c; c has a and b; a has b, c and x; x has a and d.
    assert near == pytest.approx({"c": 1 / 3, "x": 1 / 3, "a": 1 / 4})
    assert said["b"].similar == ("c", "x", "a")


def test_no_more_are_similar_than_asked_for_and_none_to_itself() -> None:
    links = nx.to_scipy_sparse_array(nx.complete_graph(6), format="csr")
    found = list(similar(links, most=2))
    assert [[other for other, _ in near] for near in found] == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]


def test_the_same_graph_gives_the_same_run_in_whatever_order_it_was_made() -> None:
    first, second = (analyse(two_triangles(seed=seed), "CO_BUYER") for seed in (0, 1))
    assert first == second
    assert first.run != analyse(two_triangles(), "SAME_BASKET").run


def test_of_products_without_neighbours_nothing_is_said() -> None:
    assert "alone" not in said_of(two_triangles())
    empty: nx.Graph[str] = nx.Graph()
    empty.add_node("alone")
    assert analyse(empty, "CO_BUYER").standings == ()


def standing(product: str, community: int = 1) -> Standing:
    return Standing(product, community, 0.5, 0.25, 0.125, ("pot",), (0.75,))


def kept(store: Store) -> dict[str, dict[str, object]]:
    """What of an analysis is at the products."""
    rows = store.read(ALL)
    found = {row["id"]: {k: v for k, v in row["of"].items() if k.startswith("analysis_")} for row in rows}
    return {key: values for key, values in found.items() if values}


def test_results_are_kept_at_the_products_and_the_next_run_replaces_them(store: Store) -> None:
    store.load_nodes("Product", products("tea", "pot"))
    first = store.write_analysis(
        Analysis("r1", "CO_BUYER", 3, "by hand", (standing("tea"), standing("pot", 2), standing("gone")))
    )
    assert (first.run, first.way, first.seed, first.tool) == ("r1", "CO_BUYER", 3, "by hand")
    assert (first.products, first.communities) == (2, 2)
    assert store.analysis_run() == first
    assert kept(store)["tea"] == {
        "analysis_run": "r1",
        "analysis_community": 1,
        "analysis_pagerank": 0.5,
        "analysis_betweenness": 0.25,
        "analysis_spread": 0.125,
        "analysis_similar": ["pot"],
        "analysis_likeness": [0.75],
    }
    store.write_analysis(Analysis("r2", "SAME_BASKET", 0, "by hand", (standing("pot"),)))
    assert kept(store).keys() == {"pot"}
    assert kept(store)["pot"]["analysis_run"] == "r2"


def test_an_analysis_is_taken_away_without_a_trace(store: Store) -> None:
    store.load_nodes("Product", products("tea", "pot"))
    before = store.read(SHOP)
    written = store.write_analysis(Analysis("r1", "CO_BUYER", 0, "by hand", (standing("tea"),)))
    assert store.delete_analysis() == written
    assert store.delete_analysis() is None
    assert kept(store) == {}
    assert store.read(SHOP) == before


def test_a_shop_that_has_such_properties_itself_is_told(embedded_store: Store) -> None:
    ontology = default_ontology()
    own = {**ontology.nodes["Product"].properties, "analysis_community": Property(type="string")}
    product = NodeType(properties=own, features=ontology.nodes["Product"].features)
    embedded_store._ontology = ontology.model_copy(update={"nodes": {**ontology.nodes, "Product": product}})
    with pytest.raises(StoreError, match="Product has properties analysis_community in the shop's ontology"):
        embedded_store.write_analysis(Analysis("r1", "CO_BUYER", 0, "by hand", (standing("tea"),)))

"""The analysis by Neo4j's own library says what networkx says, and experts cannot reach it."""

from collections.abc import Iterator

import networkx as nx
import pytest

from graph import ExplorationError, Query, Store, connect
from graph.analytics import NETWORKX, Tool, analyse
from graph.standing import Standing
from tools.neo4j_server import running_server
from tools.neo4j_server.releases import Installed

PROJECT = "MATCH (a)-->(b) RETURN gds.graph.project('mine', a, b)"


@pytest.fixture(scope="module")
def with_gds(neo4j_installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    data = tmp_path_factory.mktemp("gds")
    with running_server(neo4j_installed, data, gds=True) as server, connect(server.url) as store:
        store.prepare()
        yield store


@pytest.fixture(scope="module")
def gds(with_gds: Store) -> Tool:
    found = with_gds.gds()
    assert found is not None
    return found


def clubs() -> "nx.Graph[str]":
    """Three dense clubs of different sizes, whose members know one member of the next club, with weights."""
    graph: nx.Graph[str] = nx.Graph()
    for club, size in (("a", 6), ("b", 5), ("c", 4)):
        members = [f"{club}{n}" for n in range(size)]
        graph.add_weighted_edges_from((x, y, 2.0 + int(y[1])) for x in members for y in members if x < y)
    graph.add_weighted_edges_from([("a0", "b0", 1.0), ("b1", "c0", 1.5)])
    return graph


def said(graph: "nx.Graph[str]", tool: Tool) -> dict[str, Standing]:
    return {standing.product: standing for standing in analyse(graph, "CO_BUYER", tool=tool).standings}


def test_both_tools_say_the_same_where_nothing_is_drawn(gds: Tool) -> None:
    ours, theirs = said(clubs(), NETWORKX), said(clubs(), gds)
    assert ours.keys() == theirs.keys()
    for product, standing in ours.items():
        other = theirs[product]
        assert other.community == standing.community, product
        assert other.pagerank == pytest.approx(standing.pagerank, abs=1e-4), product
        assert other.betweenness == pytest.approx(standing.betweenness), product
        assert other.spread == pytest.approx(standing.spread), product
        assert other.likeness == pytest.approx(standing.likeness), product


def test_the_ranks_sum_to_one(gds: Tool) -> None:
    assert sum(standing.pagerank for standing in said(clubs(), gds).values()) == pytest.approx(1)


def test_the_same_graph_gives_the_same_run_and_says_by_what(gds: Tool) -> None:
    first, second = (analyse(clubs(), "CO_BUYER", tool=gds) for _ in range(2))
    assert first == second
    assert first.tool == gds.name
    assert gds.name.startswith("gds 2.")


def test_nothing_stays_on_the_server(with_gds: Store, gds: Tool) -> None:
    analyse(clubs(), "CO_BUYER", tool=gds)
    assert with_gds.read(Query("CALL gds.graph.list() YIELD graphName RETURN graphName")) == []


def test_a_server_without_the_library_has_no_such_tool(embedded_store: Store) -> None:
    assert embedded_store.gds() is None


@pytest.mark.parametrize(
    "text",
    [
        PROJECT,
        "MATCH (a)-->(b) RETURN `gds`.`graph`.`project`('mine', a, b)",
        "MATCH (a)-->(b) WITH gds.graph.project('mine', a, b) AS g WHERE g.nodeCount > 0 RETURN 1",
        "MATCH (a)-->(b) CALL () { MATCH (a)-->(b) RETURN gds.graph.project('mine', a, b) AS g } RETURN g.nodeCount",
        "MATCH (a)-->(b) RETURN `gds.graph.project`('mine', a, b)",
        "MATCH (a) WHERE gds.util.NaN() = a.price RETURN a",
        "RETURN '`' AS x, gds.util.NaN() AS y, '`' AS z",
        "RETURN [x IN [1] WHERE EXISTS { MATCH (a) WHERE gds.util.NaN() = a.price + x } | x]",
        "MATCH (a) RETURN CASE WHEN COUNT { MATCH (b) WHERE b.price = gds.util.NaN() } > 0 THEN 1 END",
        "MATCH (a) RETURN [(a)-->(b) WHERE b.price = gds.util.NaN() | b.id]",
        "MATCH (a) RETURN a.id AS id ORDER BY gds.util.NaN()",
        "UNWIND [gds.util.NaN()] AS x RETURN x",
        "MATCH (a) RETURN a.id AS id LIMIT toInteger(gds.util.NaN())",
        "CALL db.index.fulltext.queryNodes('x', toString(gds.util.NaN())) YIELD node RETURN node",
        "CALL gds.graph.drop('mine', false)",
        "CALL gds.louvain.write('mine', {writeProperty: 'x'})",
    ],
)
def test_an_expert_cannot_reach_it(with_gds: Store, text: str) -> None:
    with pytest.raises(ExplorationError) as refused:
        with_gds.explore(Query(text))
    # Or no such name is known to the server.
    assert refused.value.reason == "NOT_READING" or "Unknown function" in str(refused.value)


def test_the_servers_own_functions_are_asked_as_ever(with_gds: Store) -> None:
    text = (
        "MATCH (s:Shop) WITH s, date.truncate('day', date('2026-11-27')) AS day, 'gds.util.NaN()' AS text "
        "RETURN day.year AS `gds.year()`, text, point.distance(point({x: 1, y: 1}), point({x: 1, y: 3})) AS far"
    )
    assert with_gds.explore(Query(text)).rows == ((2026, "gds.util.NaN()", 2.0),)

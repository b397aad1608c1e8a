"""Communities and centralities for `graph.analytics` by Neo4j's Graph Data Science library, where the server has it.

The graph of products goes to the server as numbers and lives in its memory while it is worked on; nodes of the store
are neither read nor written. What it says of betweenness comes from products drawn by their number of neighbours, where
networkx draws all alike.
"""

from collections import defaultdict
from collections.abc import Mapping
from uuid import uuid4

import networkx as nx
import numpy as np
import numpy.typing as npt

from graph.analytics import SAMPLES, STEPS, Findings, Tool
from graph.connection import Connection, Transaction
from graph.cypher import Query
from schema.progress import Report

_HERE = Query("SHOW FUNCTIONS YIELD name WHERE name = 'gds.version' RETURN count(*)")
_VERSION = Query("RETURN gds.version()")
_PROJECT = (
    "UNWIND $rows AS row UNWIND range(0, size(row[1]) - 1) AS n RETURN gds.graph.project($name, row[0], row[1][n], "
    "{relationshipProperties: {weight: row[2][n]}}, {undirectedRelationshipTypes: ['*']}).nodeCount"
)
_DROP = "CALL gds.graph.drop($name, false) YIELD graphName RETURN graphName"
# With one thread the same graph gives the same result.
_LOUVAIN = (
    "CALL gds.louvain.stream($name, {relationshipWeightProperty: 'weight', concurrency: 1}) YIELD nodeId, communityId "
    "RETURN nodeId, communityId"
)
# Accurate to what networkx takes for accurate: 1e-6 a node.
_PAGERANK = (
    "CALL gds.pageRank.stream($name, {relationshipWeightProperty: 'weight', scaler: 'L1Norm', tolerance: 1e-6, "
    "maxIterations: 100, concurrency: 1}) YIELD nodeId, score RETURN nodeId, score"
)
_BETWEENNESS = (
    "CALL gds.betweenness.stream($name, {samplingSize: $samples, samplingSeed: $seed, concurrency: 1}) "
    "YIELD nodeId, score RETURN nodeId, score"
)


def tool_of(connection: Connection) -> Tool | None:
    """The library of a Neo4j server, which holds nothing of it when an analysis has ended; None without it."""
    ((there,),) = connection.rows(_HERE)
    if not there:
        return None
    ((version,),) = connection.rows(_VERSION)

    def find(graph: "nx.Graph[int]", seed: int, report: Report) -> Findings:
        name = f"pathrec-{uuid4().hex}"
        try:
            # One transaction: in a cluster each could go to another server, and only one has the graph.
            return connection.write(lambda transaction: _found(transaction, graph, name, seed, report))
        finally:
            connection.rows(Query(_DROP, {"name": name}), write=True)

    return Tool(f"gds {version}", find)


def _found(transaction: Transaction, graph: "nx.Graph[int]", name: str, seed: int, report: Report) -> Findings:
    count = len(graph)
    samples = min(SAMPLES, count)
    transaction.run(Query(_DROP, {"name": name}))  # of an attempt before
    transaction.run(Query(_PROJECT, {"name": name, "rows": _rows(graph)}))
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for node, group in transaction.rows(Query(_LOUVAIN, {"name": name})):
        groups[group].append(node)
    report("analyse", 1, STEPS)
    ranks = _numbers(transaction, count, _PAGERANK, {"name": name})
    report("analyse", 2, STEPS)
    between = _numbers(transaction, count, _BETWEENNESS, {"name": name, "samples": samples, "seed": seed})
    # The ways of a pair count once, and only those from the sample.
    pairs = (count - 1) * (count - 2) / 2
    between *= count / samples / pairs if pairs else 0.0
    report("analyse", 3, STEPS)
    return Findings(list(groups.values()), ranks, between)


def _rows(graph: "nx.Graph[int]") -> list[list[object]]:
    """Each node with its later neighbours and the weights towards them."""
    rows: list[list[object]] = []
    for node in sorted(graph):
        later = sorted((other, of["weight"]) for other, of in graph.adj[node].items() if other > node)
        if later:
            rows.append([node, [other for other, _ in later], [weight for _, weight in later]])
    return rows


def _numbers(
    transaction: Transaction, count: int, text: str, parameters: Mapping[str, object]
) -> npt.NDArray[np.float64]:
    values = np.zeros(count)
    for node, value in transaction.rows(Query(text, parameters)):
        values[node] = value
    return values

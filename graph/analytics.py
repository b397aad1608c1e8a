"""What the graph of products says of each: its community, how central it is, what it joins, and what is like it.

The graph is one of `graph.views.product_graph`: products that share buyers, baskets or categories. networkx works in
memory and in Python: for shops of some ten thousand products; `graph.gds` does the same on a server that can. The same
graph, seed and tool give the same result.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.standing import Analysis, Standing
from schema.progress import Report, silent
from schema.pseudonym import pseudonym

SAMPLES = 100
"""Products from which the shortest ways are followed for the betweenness of all."""
SIMILAR = 10
"""Similar products that are kept of each."""
_ROWS = 512
STEPS = 4
"""Of an analysis, for progress."""


class Findings(NamedTuple):
    """What a tool finds in a graph of N nodes, which are the numbers from 0 to N - 1.

    Attributes:
        groups: sets of nodes that are at home together; each node is in one.
        ranks: (N,) PageRank by the weights, which sums to 1.
        between: (N,) share of the shortest ways between others that lead over a node, without weights.
    """

    groups: Sequence[Iterable[int]]
    ranks: npt.NDArray[np.float64]
    between: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tool:
    """Something that analyses graphs: what it calls itself, and how it is asked with a seed."""

    name: str
    find: Callable[["nx.Graph[int]", int, Report], Findings]


def find_by_networkx(graph: "nx.Graph[int]", seed: int, report: Report) -> Findings:
    """See `Findings`."""
    groups = nx.community.louvain_communities(graph, weight="weight", seed=seed)
    report("analyse", 1, STEPS)
    ranks = nx.pagerank(graph, weight="weight")
    report("analyse", 2, STEPS)
    between = nx.betweenness_centrality(graph, k=min(SAMPLES, len(graph)), seed=seed)
    report("analyse", 3, STEPS)
    return Findings(groups, _in_order(ranks), _in_order(between))


NETWORKX = Tool(f"networkx {nx.__version__}", find_by_networkx)


def analyse(
    graph: "nx.Graph[str]", way: str, *, seed: int = 0, tool: Tool = NETWORKX, report: Report = silent
) -> Analysis:
    """All that is said of the products that have a neighbour; of others there is nothing to say.

    Args:
        graph: products by id with weights on the edges.
        way: how the graph was made, as of `product_graph`.
        seed: of the order in which communities are tried, and of the sampled products.
        tool: what works it out.
        report: told how far it is.
    """
    ids = sorted(key for key in graph if graph.degree(key))
    # By number: the order of texts in a set is another in each process.
    number = {key: n for n, key in enumerate(ids)}
    numbered: nx.Graph[int] = nx.Graph()
    numbered.add_nodes_from(range(len(ids)))
    pairs = sorted(
        (*sorted((number[a], number[b])), w) for a, b, w in graph.edges(data="weight", default=1.0) if a != b
    )
    numbered.add_weighted_edges_from(pairs)
    report("analyse", 0, STEPS)
    standings = tuple(_standings(ids, numbered, tool.find(numbered, seed, report))) if ids else ()
    report("analyse", STEPS, STEPS)
    run = pseudonym("analysis", repr((way, seed, standings)))
    return Analysis(run, way, seed, tool.name, standings)


def _standings(ids: Sequence[str], graph: "nx.Graph[int]", found: Findings) -> Iterator[Standing]:
    groups = by_size(found.groups)
    links = nx.to_scipy_sparse_array(graph, nodelist=range(len(ids)), format="csr")
    spreads = spread(links, groups)
    for n, near in enumerate(similar(links)):
        others, values = tuple(ids[other] for other, _ in near), tuple(value for _, value in near)
        numbers = float(found.ranks[n]), float(found.between[n]), float(spreads[n])
        yield Standing(ids[n], int(groups[n]), *numbers, others, values)


def _in_order(values: Mapping[int, float]) -> npt.NDArray[np.float64]:
    return np.array([values[n] for n in range(len(values))])


def by_size(groups: Sequence[Iterable[int]]) -> npt.NDArray[np.int64]:
    """(N,) the number of each node's group: 1 is the largest, equal ones go by their first node."""
    members = sorted((sorted(group) for group in groups), key=lambda nodes: (-len(nodes), nodes[0]))
    numbers = np.zeros(sum(map(len, members)), np.int64)
    for number, nodes in enumerate(members, start=1):
        numbers[nodes] = number
    return numbers


def spread(links: sparse.csr_array, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(N,) how evenly the weight of a node's links is spread over communities: 0 in one, towards 1 over many.

    That is 1 - Σ (weight into a community / weight of all)², the participation coefficient.
    """
    members = sparse.csr_array((np.ones(len(groups)), (np.arange(len(groups)), groups - 1)))
    into = (links @ members).toarray()
    total = into.sum(axis=1)
    shares = into / np.where(total > 0, total, 1.0)[:, None]
    return np.where(total > 0, 1.0 - (shares**2).sum(axis=1), 0.0)


def similar(links: sparse.csr_array, most: int = SIMILAR) -> Iterator[list[tuple[int, float]]]:
    """Of each node those with the most of the same neighbours: shared ones in all of both (Jaccard), the best first."""
    known = links.copy()
    known.data = np.ones(known.nnz)
    degrees = np.asarray(known.sum(axis=1)).ravel()
    for start in range(0, known.shape[0], _ROWS):
        shared = (known[start : start + _ROWS] @ known).tocsr()
        for row in range(shared.shape[0]):
            place = slice(shared.indptr[row], shared.indptr[row + 1])
            others, counts = shared.indices[place], shared.data[place]
            values = counts / (degrees[start + row] + degrees[others] - counts)
            yield _best(start + row, others, values, most)


def _best(
    own: int, others: npt.NDArray[np.int32], values: npt.NDArray[np.float64], most: int
) -> list[tuple[int, float]]:
    order = np.lexsort((others, -values))
    found = [(int(others[n]), float(values[n])) for n in order[: most + 1] if others[n] != own]
    return found[:most]

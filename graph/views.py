"""A snapshot as networkx graphs: the whole of it, and products beside products for analytics.

A node's key is its type and id, `Product:tea`. Events are edges from who did something to the product, so that a
pair of nodes has as many as there were; of what nobody is known for, the event itself is a node, as in the store.

networkx keeps about a kilobyte for each edge: the whole graph is for shops of some million edges, the graph of
products for larger ones.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from schema.errors import SnapshotError, suggestion
from schema.ontology import EVENT_NODE, ON, Meeting, Relation
from schema.snapshot import Snapshot

STRONGEST = 50
"""Neighbours that a product keeps by default in the graph of products."""
# Products whose neighbours are counted at once, and rows of a table that are Python objects at once.
_PRODUCTS, _ROWS = 2048, 10_000

Pair = tuple[int, int, float, int]
"""Two products by position, the weight between them, and how much they share."""


def node_key(node_type: str, key: str) -> str:
    """What a node is called in a graph."""
    return f"{node_type}:{key}"


def whole_graph(snapshot: Snapshot) -> "nx.MultiDiGraph[str]":
    """All nodes, relations and events with what is known of them.

    A node has `type`, `id` and its properties; an edge has `type` (the relation or the behaviour), and `weight` and
    `time` of a relation, or `id`, `time`, `value`, `basket` and `session` of an event. Its key is the relation,
    or the event's id. What is not known is left out. Times are ISO 8601 in UTC, embeddings stay in the snapshot.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for key, attributes in graph_nodes(snapshot):
        graph.add_node(key, **attributes)
    for source, target, key, attributes in graph_edges(snapshot):
        graph.add_edge(source, target, key=key, **attributes)
    return graph


def graph_nodes(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, Any]]]:
    """Nodes of `whole_graph` one after the other: key and attributes."""
    for node_type in snapshot.ontology.nodes:
        for row in _rows(snapshot.nodes(node_type)):
            yield node_key(node_type, row["id"]), {"type": node_type} | row
    for row in _rows(_anonymous(snapshot.events())):
        yield node_key(EVENT_NODE, row["id"]), {"type": EVENT_NODE, **row}


def graph_edges(snapshot: Snapshot) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Edges of `whole_graph` one after the other: source, target, key and attributes."""
    keys = {node_type: snapshot.nodes(node_type).column("id").to_pylist() for node_type in snapshot.ontology.nodes}
    for name, ends in snapshot.ontology.relations.items():
        sources, targets = keys[ends.source], keys[ends.target]
        for row in _rows(snapshot.edges(name)):
            source = node_key(ends.source, sources[row.pop("source")])
            target = node_key(ends.target, targets[row.pop("target")])
            yield source, target, name, {"type": name} | row
    for row in _rows(snapshot.events()):
        target = node_key("Product", keys["Product"][row.pop("product")])
        key, behaviour, user = row["id"], row.pop("behaviour"), row.pop("user", None)
        if user is None:
            yield node_key(EVENT_NODE, key), target, ON, {"type": ON}
        else:
            yield node_key("User", keys["User"][user]), target, key, {"type": behaviour} | row


def product_graph(snapshot: Snapshot, way: str, *, strongest: int = STRONGEST) -> "nx.Graph[str]":
    """Products that share something, without direction.

    Args:
        snapshot: of the shop.
        way: what they share: a meeting of the ontology (`CO_BUYER`, `SAME_BASKET`, …), a relation between products
            and something else (`IN_CATEGORY`, `MADE_BY`, …), or one between products, which joins them itself.
        strongest: an edge is kept if it is among so many of the strongest of one of its ends.

    Returns:
        Each product by its id, those without neighbours too. An edge has `weight` and `shared`, by how much two
        products share. Each of n products that share something adds 1 / (n - 1) to a weight, so that what holds the
        whole shop together says little of a pair; between products the weight is the relation's own.

    Raises:
        SnapshotError: the ontology has no such way.
    """
    ids = snapshot.nodes("Product").column("id").to_pylist()
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(ids)
    for left, right, weight, shared in _pairs(snapshot, way, len(ids), strongest):
        graph.add_edge(ids[left], ids[right], weight=weight, shared=shared)
    return graph


def _pairs(snapshot: Snapshot, way: str, products: int, strongest: int) -> Iterator[Pair]:
    relation = snapshot.ontology.relations.get(way)
    if relation is not None and relation.source == relation.target == "Product":
        yield from _joined(snapshot.edges(way), products, strongest)
        return
    yield from shared_pairs(_incidence(*_groups(snapshot, way, relation), products), strongest)


def shared_pairs(links: "sparse.csr_array", strongest: int) -> Iterator[Pair]:
    """Pairs of products that share groups, as of `product_graph`.

    Args:
        links: (G, N) ones where a group has a product.
        strongest: pairs that each product has of its own.
    """
    sizes = np.asarray(links.sum(axis=1)).ravel()
    links = links[sizes > 1]
    shares = (sparse.diags_array(1 / (sizes[sizes > 1] - 1)) @ links).tocsr()
    products_first = links.T.tocsr()
    for start in range(0, links.shape[1], _PRODUCTS):
        some = products_first[start : start + _PRODUCTS]
        yield from _best((some @ shares).tocsr(), (some @ links).tocsr(), start, strongest)


def _joined(edges: pa.Table, products: int, strongest: int) -> Iterator[Pair]:
    ends = edges.column("source").to_numpy(), edges.column("target").to_numpy()
    one_way = sparse.csr_array((edges.column("weight").to_numpy().astype(float), ends), shape=(products, products))
    both = (one_way + one_way.T).tocsr()
    return _best(both, (both != 0).astype(int).tocsr(), 0, strongest)


def _groups(snapshot: Snapshot, way: str, relation: Relation | None) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Who or what holds products together, and the products; a row for each time."""
    meeting = snapshot.ontology.meetings.get(way)
    if meeting is not None:
        events = _met(snapshot.events(), meeting)
        return events.column(meeting.by), events.column("product")
    if relation is None or "Product" not in (relation.source, relation.target):
        ways = [*snapshot.ontology.meetings]
        ways += [name for name, ends in snapshot.ontology.relations.items() if "Product" in (ends.source, ends.target)]
        raise SnapshotError(f"{snapshot.path}: products share no {way}; {suggestion(way, ways)}")
    product, other = ("source", "target") if relation.source == "Product" else ("target", "source")
    edges = snapshot.edges(way)
    return edges.column(other), edges.column(product)


def _met(events: pa.Table, meeting: Meeting) -> pa.Table:
    behaviours = pa.array(meeting.behaviours, pa.string())
    known = pc.is_in(events.column("behaviour").cast(pa.string()), value_set=behaviours)
    return events.filter(pc.and_(known, pc.is_valid(events.column(meeting.by))))


def _incidence(groups: pa.ChunkedArray, members: pa.ChunkedArray, products: int) -> "sparse.csr_array":
    """(G, N) ones where a group has a product."""
    codes = groups.cast(pa.string()) if pa.types.is_dictionary(groups.type) else groups
    encoded = codes.combine_chunks().dictionary_encode()
    ends = encoded.indices.to_numpy(zero_copy_only=False), members.to_numpy()
    links = sparse.csr_array((np.ones(len(members)), ends), shape=(len(encoded.dictionary), products))
    links.data[:] = 1.0  # however often
    return links


def _best(weights: "sparse.csr_array", shared: "sparse.csr_array", start: int, strongest: int) -> Iterator[Pair]:
    """Of each product the strongest pairs; the two matrices have entries at the same places.

    Args:
        weights, shared: (n, N), rows are the products from `start` on.
        start: position of the first of them.
        strongest: as of `product_graph`.
    """
    weights.sort_indices()
    shared.sort_indices()
    for row in range(weights.shape[0]):
        place = slice(weights.indptr[row], weights.indptr[row + 1])
        others, values, counts = weights.indices[place], weights.data[place], shared.data[place]
        apart = others != start + row
        others, values, counts = others[apart], values[apart], counts[apart]
        kept = np.lexsort((others, -values))[:strongest]
        for other, weight, count in zip(
            others[kept].tolist(), values[kept].tolist(), counts[kept].tolist(), strict=True
        ):
            yield start + row, other, weight, int(count)


def _anonymous(events: pa.Table) -> pa.Table:
    return events.filter(pc.is_null(events.column("user"))).drop_columns(["user", "product"])


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows as plain values without what is not known, some thousand at a time."""
    for batch in table.to_batches(_ROWS):
        for row in batch.to_pylist():
            yield {name: _plain(value) for name, value in row.items() if value is not None}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

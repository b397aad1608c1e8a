"""Triples of entities, some of which are items, as relations of products."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from gnn.data import Edges, Int32
from gnn.datasets.ids import Ids
from gnn.datasets.links import Graph, Link, counted, unique_edges
from gnn.datasets.names import relation_name

ENTITY = "Entity"
REST = "KG_OTHER"
MOST_RELATIONS = 50


def knowledge_graph(triples: pa.Table, head: Int32, tail: Int32) -> Graph:
    """KG_<relation> from an item as head to the tail, KG_<relation>_OF from an item as tail to the head.

    Every other end is an `Entity`, also where it is an item itself. The 49 largest relations stay, the
    rest is one, `KG_OTHER`. Triples without an item are left out.

    Args:
        triples: columns head, relation (string), tail.
        head, tail: (T,) positions of the products that the ends are, -1 where they are none.
    """
    ends = triples.column("head"), triples.column("tail")
    entities = Ids.of(ends[1].filter(pa.array(head >= 0)), ends[0].filter(pa.array(tail >= 0)))
    head_entity, tail_entity = (entities.find(column) for column in ends)
    links: list[Link] = []
    for relation, rows in _by_relation(triples.column("relation")):
        for suffix, product, entity in (("", head, tail_entity), ("_OF", tail, head_entity)):
            name = relation_name(relation, ENTITY, {link.name for link in links}, prefix="KG_", suffix=suffix)
            edges = unique_edges(product[rows], entity[rows], loops=True)
            if len(edges.source):
                links.append(Link(name, relation, ENTITY, f"is linked by {relation} to the same thing as", edges))
    far = int(((head < 0) & (tail < 0)).sum())
    return Graph(_largest(links), {ENTITY: entities.names}, counted({"triples without an item are left out": far}))


def _by_relation(column: pa.ChunkedArray) -> Iterator[tuple[str, np.ndarray[tuple[int], np.dtype[np.int64]]]]:
    """Each relation in order of its name, and its rows."""
    ids = Ids.of(column)
    codes = ids.find(column)
    order = np.argsort(codes, kind="stable")
    starts = np.cumsum(np.bincount(codes, minlength=len(ids)))[:-1]
    yield from zip(ids.names, np.split(order, starts), strict=True) if len(ids) else ()


def _largest(links: Sequence[Link]) -> list[Link]:
    if len(links) <= MOST_RELATIONS:
        return list(links)
    ordered = sorted(links, key=lambda link: (-len(link.edges.source), link.name))
    rest = [link.edges for link in ordered[MOST_RELATIONS - 1 :]]
    return [*ordered[: MOST_RELATIONS - 1], Link(REST, REST, ENTITY, "is linked to the same thing as", _joined(rest))]


def _joined(parts: Sequence[Edges]) -> Edges:
    ends = np.concatenate([edges.source for edges in parts]), np.concatenate([edges.target for edges in parts])
    return unique_edges(*ends, loops=True)

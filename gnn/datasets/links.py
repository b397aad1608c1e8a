"""What a data set tells about its products: relations to each other and to nodes of other types."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gnn.data import Edges, Int32
from gnn.datasets.errors import DatasetError, missing_relation


@dataclass(frozen=True)
class Link:
    """A relation of products.

    Attributes:
        name: in the ontology.
        origin: what the data set calls it.
        target: type of the nodes that it leads to.
        says: wording of an explanation, where the ontology has none.
        edges: each pair once, weight 1, ordered by source; no product is linked to itself.
    """

    name: str
    origin: str
    target: str
    says: str
    edges: Edges


@dataclass(frozen=True)
class Graph:
    """Relations, the names of the nodes that they lead to (by type and position), and what was left out."""

    links: Sequence[Link] = ()
    nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def without(self, names: Collection[str]) -> "Graph":
        """All but some relations, called as in the ontology or as in the data set.

        Raises:
            DatasetError: there is no such relation.
        """
        there = [link for link in self.links if len(link.edges.source)]
        known = {link.name for link in there} | {link.origin for link in there}
        for name in sorted(names):
            if name not in known:
                raise DatasetError(missing_relation(name, known))
        kept = [link for link in self.links if link.name not in names and link.origin not in names]
        nodes = {link.target: self.nodes[link.target] for link in kept if link.target != "Product"}
        notes = [f"without the relation {name}" for name in sorted(names)]
        return Graph(kept, nodes, [*self.notes, *notes])


def unique_edges(source: Int32, target: Int32, *, loops: bool) -> Edges:
    """Each pair once; pairs with an end of -1 are left out, and without `loops` those of a node with itself."""
    good = (source >= 0) & (target >= 0)
    if not loops:
        good &= source != target
    keys = np.unique((source[good].astype(np.int64) << 32) | target[good])
    ends = (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32)
    return Edges(*ends, np.ones(len(keys), np.float32))


def counted(what: Mapping[str, int]) -> list[str]:
    """A note for each fault that occurs."""
    return [f"{count} {fault}" for fault, count in what.items() if count]

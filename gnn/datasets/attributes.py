"""Attributes of products as relations: products with the same value share a node."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from gnn.data import Int32
from gnn.datasets.ids import Ids
from gnn.datasets.links import Graph, Link, unique_edges
from gnn.datasets.names import node_name, relation_name


def attributes(fields: Mapping[str, tuple[Int32, pa.ChunkedArray]]) -> Graph:
    """The relation HAS_<FIELD> of each attribute, IN_CATEGORY for a category; an empty value is none.

    Args:
        fields: name in the data set -> (E,) positions of products, (E,) strings.
    """
    links: list[Link] = []
    nodes: dict[str, tuple[str, ...]] = {}
    for field, (product, column) in fields.items():
        target = node_name(field, nodes)
        values = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        ids = Ids.of(values)
        edges = unique_edges(product, ids.find(values), loops=True)
        links.append(Link(_name(field, target, links), field, target, f"has the same {field} as", edges))
        nodes[target] = ids.names
    return Graph(links, nodes)


def _name(field: str, target: str, links: Sequence[Link]) -> str:
    if target == "Category":
        return "IN_CATEGORY"
    return relation_name(field, target, {link.name for link in links}, prefix="HAS_")

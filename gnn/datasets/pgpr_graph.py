"""The knowledge graph of a PGPR folder: triples of an asin, a relation and a tail of some type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gnn.data import Int32
from gnn.datasets.files import read_table
from gnn.datasets.ids import Ids
from gnn.datasets.links import Graph, Link, counted, unique_edges
from gnn.datasets.names import node_name, relation_name

RELATED = "RelatedProduct"
_OURS = {("BELONGS_TO", "category"): "IN_CATEGORY", ("PRODUCED_BY", "brand"): "MADE_BY"}
_COLUMNS = ("asin", "relation", "tail_type", "tail")


@dataclass(frozen=True)
class _Kind:
    """Triples of one relation and tail type; heads are positions, -1 where the asin is not in the catalogue."""

    relation: str
    tail_type: str
    head: Int32
    tail: pa.ChunkedArray


def read_graph(path: Path, asins: tuple[str, ...]) -> Graph:
    """A relation for each kind of triple.

    Where tails are products, those of the catalogue become a relation between products, and all of them
    one to `RelatedProduct`, named <RELATION>_LIST: two products that list the same third one are linked
    by it even if it is not sold here.

    Args:
        path: kg.tsv, with a header line.
        asins: names of the catalogue by position.

    Raises:
        DatasetError: the file is damaged.
    """
    table = read_table(path, dict.fromkeys(_COLUMNS, pa.string()), delimiter="\t")
    catalogue = Ids(pa.array(asins, pa.string()))
    head = catalogue.find(table.column("asin"))
    told = np.asarray(pc.not_equal(table.column("tail"), "").to_numpy())
    kinds = _kinds(table.filter(pa.array(told)), head[told])
    targets = _targets(kinds)
    tails = {target: _tails(kinds, targets, target) for target in dict.fromkeys(targets.values())}
    links: list[Link] = []
    for kind in kinds:
        taken = {link.name for link in links}
        links.append(_shared(kind, targets[kind.tail_type], tails[targets[kind.tail_type]], taken))
        if kind.tail_type == "product":
            links.append(_between(kind, catalogue, taken | {links[-1].name}))
    notes = _notes(kinds, links, int((~told).sum()))
    return Graph(links, {target: ids.names for target, ids in tails.items()}, notes)


def _kinds(table: pa.Table, head: Int32) -> list[_Kind]:
    both = pc.binary_join_element_wise(table.column("relation"), table.column("tail_type"), "\t")
    encoded = both.combine_chunks().dictionary_encode()
    codes, names = np.asarray(encoded.indices), encoded.dictionary.to_pylist()
    kinds = []
    for code in sorted(range(len(names)), key=names.__getitem__):
        rows = np.flatnonzero(codes == code)
        relation, _, tail_type = names[code].partition("\t")
        kinds.append(_Kind(relation, tail_type, head[rows], table.column("tail").take(pa.array(rows))))
    return kinds


def _targets(kinds: Sequence[_Kind]) -> dict[str, str]:
    """Tail type -> node type, in the order of the kinds."""
    targets = {"product": RELATED}
    for kind in kinds:
        if kind.tail_type not in targets:
            targets[kind.tail_type] = node_name(kind.tail_type, set(targets.values()))
    return {tail_type: targets[tail_type] for tail_type in dict.fromkeys(kind.tail_type for kind in kinds)}


def _tails(kinds: Sequence[_Kind], targets: Mapping[str, str], target: str) -> Ids:
    return Ids.of(*(kind.tail for kind in kinds if targets[kind.tail_type] == target))


def _shared(kind: _Kind, target: str, tails: Ids, taken: set[str]) -> Link:
    suffix = "_LIST" if target == RELATED else ""
    ours = _OURS.get((kind.relation, kind.tail_type))
    name = ours if ours and ours not in taken else relation_name(kind.relation, target, taken, suffix=suffix)
    says = f"has the same {kind.tail_type} by {kind.relation} as"
    return Link(name, kind.relation, target, says, unique_edges(kind.head, tails.find(kind.tail), loops=True))


def _between(kind: _Kind, catalogue: Ids, taken: set[str]) -> Link:
    edges = unique_edges(kind.head, catalogue.find(kind.tail), loops=False)
    name = relation_name(kind.relation, "Product", taken)
    return Link(name, kind.relation, "Product", f"is linked by {kind.relation} to", edges)


def _notes(kinds: Sequence[_Kind], links: Sequence[Link], empty: int) -> list[str]:
    unknown = sum(int((kind.head < 0).sum()) for kind in kinds)
    good = sum(int((kind.head >= 0).sum()) for kind in kinds)
    told = sum(len(link.edges.source) for link in links if link.target != "Product")
    return counted(
        {
            "triples have no tail and are left out": empty,
            "triples have a head that is not in products.tsv and are left out": unknown,
            "triples are repeated and count once": good - told,
            "products have more than one brand and keep them all": _several_brands(links),
        }
    )


def _several_brands(links: Sequence[Link]) -> int:
    counts: npt.NDArray[np.int64] = np.zeros(0, np.int64)
    for link in links:
        if link.name == "MADE_BY":
            counts = np.bincount(link.edges.source)
    return int((counts > 1).sum())

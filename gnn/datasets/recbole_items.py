"""What RecBole's files tell about items: attributes in `.item`, triples in `.kg`, whose entities `.link` names."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gnn.data import Int32
from gnn.datasets.atomic import atomic_table, sequences
from gnn.datasets.attributes import attributes
from gnn.datasets.files import find, require
from gnn.datasets.ids import Ids
from gnn.datasets.knowledge import knowledge_graph
from gnn.datasets.links import Graph


def item_ids(folder: Path, name: str) -> list[pa.ChunkedArray]:
    """Items of the attribute file, which are products whether anybody had them or not."""
    path = find(folder, f"{name}.item")
    return [] if path is None else [atomic_table(path, ("item_id",)).column("item_id")]


def read_graph(folder: Path, name: str, products: Ids) -> Graph:
    """HAS_<FIELD> for each attribute, KG_<relation> and KG_<relation>_OF for the triples.

    Raises:
        DatasetError: a file is damaged, or there are triples and no file of links.
    """
    told, triples = _attributes(folder, name, products), _triples(folder, name, products)
    return Graph([*told.links, *triples.links], {**told.nodes, **triples.nodes}, [*told.notes, *triples.notes])


def _attributes(folder: Path, name: str, products: Ids) -> Graph:
    path = find(folder, f"{name}.item")
    if path is None:
        return Graph()
    table, lists = atomic_table(path, ("item_id",)), sequences(path)
    item = products.find(table.column("item_id"))
    fields = {}
    for field in table.column_names:
        if field not in ("item_id", "timestamp"):
            values = table.column(field)
            fields[field] = _flat(item, values) if field in lists else (item, values)
    return attributes(fields)


def _flat(item: Int32, values: pa.ChunkedArray) -> tuple[Int32, pa.ChunkedArray]:
    """A row for each token of the lists."""
    words = pc.split_pattern(values.combine_chunks(), " ")
    rows = np.asarray(pc.list_parent_indices(words))
    return item[rows], pa.chunked_array([pc.list_flatten(words)])


def _triples(folder: Path, name: str, products: Ids) -> Graph:
    path = find(folder, f"{name}.kg")
    if path is None:
        return Graph()
    table = atomic_table(path, ("head_id", "relation_id", "tail_id"))
    link = atomic_table(require(folder, f"{name}.link"), ("item_id", "entity_id"))
    linked = Ids.of(link.column("entity_id"))
    product = np.full(len(linked) + 1, -1, np.int32)  # the last stands for entities that are no item
    product[linked.find(link.column("entity_id"))] = products.find(link.column("item_id"))
    triples = pa.table(
        {
            "head": table.column("head_id"),
            "relation": table.column("relation_id"),
            "tail": table.column("tail_id"),
        }
    )
    head, tail = (product[linked.find(triples.column(end))] for end in ("head", "tail"))
    return knowledge_graph(triples, head, tail)

"""item_meta.csv of a ReChorus folder: `i_*` columns are attributes, `r_*` columns lists of other items."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from gnn.data import Int64
from gnn.datasets.attributes import attributes
from gnn.datasets.files import find, header, read_table
from gnn.datasets.ids import Ids
from gnn.datasets.links import Graph, Link, counted, unique_edges
from gnn.datasets.lists import id_lists
from gnn.datasets.names import relation_name

_OURS = {"complement": "COMPLEMENTS", "substitute": "SUBSTITUTES"}


@dataclass(frozen=True)
class Items:
    """What the file tells.

    Attributes:
        item: (I,) ids, None where there is no file.
        fields: attribute -> (I,) values as strings.
        lists: relation -> rows of `item`, ids of the other ends.
    """

    item: pa.ChunkedArray | None
    fields: dict[str, pa.ChunkedArray]
    lists: dict[str, tuple[Int64, pa.ChunkedArray]]

    def id_columns(self) -> list[pa.ChunkedArray]:
        """Ids that are products, whether anybody had them or not."""
        return [] if self.item is None else [self.item]

    def graph(self, products: Ids) -> Graph:
        """The relations; an item of a list that is nowhere else is left out."""
        if self.item is None:
            return Graph()
        item = products.find(self.item)
        found = attributes({field: (item, values) for field, values in self.fields.items()})
        links = [*found.links]
        unknown = 0
        for name, (rows, others) in self.lists.items():
            target = products.find(others)
            unknown += int((target < 0).sum())
            taken = {link.name for link in links}
            edges = unique_edges(item[rows], target, loops=False)
            links.append(Link(_name(name, taken), f"r_{name}", "Product", f"is linked by {name} to", edges))
        return Graph(links, found.nodes, counted({"ends of relations are no items and are left out": unknown}))


def read_items(folder: Path) -> Items:
    """The file of a folder, if it has one. Numeric attributes (`i_*_f`) are left out.

    Raises:
        DatasetError: the file is damaged.
    """
    path = find(folder, "item_meta.csv")
    if path is None:
        return Items(None, {}, {})
    delimiter = "\t" if "\t" in header(path) else ","
    table = read_table(path, {"item_id": pa.int64()}, delimiter=delimiter, quoted=True)
    names = table.column_names
    fields = [name for name in names if name.startswith("i_") and not name.endswith("_f")]
    lists = [name for name in names if name.startswith("r_")]
    return Items(
        table.column("item_id"),
        {name[2:].removesuffix("_c"): table.column(name) for name in fields},
        {name[2:]: id_lists(path, name, table.column(name)) for name in lists},
    )


def _name(raw: str, taken: set[str]) -> str:
    ours = _OURS.get(raw)
    return ours if ours and ours not in taken else relation_name(raw, "Product", taken)

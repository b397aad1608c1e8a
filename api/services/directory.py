"""What products are sorted by beside their price: titles, and when they came.

Kept beside the model's N products like `Shelf`, so that a page of a list costs no query.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.times import to_ms
from schema.ontology import Ontology

_LAST = "\U0010ffff"
_KEPT = 64


@dataclass(frozen=True)
class Directory:
    """Keys to sort by.

    Shapes:
        titles: N titles as they are sorted, without case and accents; the last of all characters where there is none.
        prefixes: (N,) their first eight bytes as a number, which is in the same order.
        came_ms: (N,) when each came; NaN where nobody says.

    `time` is the property that says when, None if the ontology has none.
    """

    time: str | None
    titles: tuple[str, ...]
    prefixes: npt.NDArray[np.uint64]
    came_ms: npt.NDArray[np.float64]

    @classmethod
    def of(cls, ontology: Ontology, product_ids: Sequence[str], products: pa.Table) -> "Directory":
        """The directory of the model's products from the store's product nodes."""
        time = time_property(ontology)
        names = [name for name in ("id", "title", time) if name in products.column_names]
        known = {row["id"]: row for row in products.select(names).to_pylist()}
        return _directory(time, (known.get(key, {}) for key in product_ids))

    def updated(self, positions: Mapping[str, int], size: int, touched: Mapping[str, Any]) -> "Directory":
        """The directory with some products as they are now; arguments as of `Shelf.updated`."""
        more = size - len(self.titles)
        titles = [*self.titles, *[_LAST] * more]
        prefixes = np.concatenate([self.prefixes, np.full(more, prefix_of(_LAST), np.uint64)])
        came_ms = np.concatenate([self.came_ms, np.full(more, np.nan)])
        for key, properties in touched.items():
            position = positions.get(key)
            if position is not None:
                row = properties or {}
                titles[position] = sorted_as(row.get("title"))
                prefixes[position] = prefix_of(titles[position])
                came_ms[position] = _moment(row, self.time)
        return Directory(self.time, tuple(titles), prefixes, came_ms)


def time_property(ontology: Ontology) -> str | None:
    """The property that says when a product came: the first one of products that is a moment."""
    properties = ontology.nodes["Product"].properties.items()
    return next((name for name, known in properties if known.type == "datetime"), None)


def sorted_as(title: object) -> str:
    """A title as it is sorted, whatever its case and accents; a product without one comes last."""
    if not title:
        return _LAST
    text = str(title)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.casefold()[:_KEPT]


def _directory(time: str | None, rows: Iterable[Mapping[str, Any]]) -> Directory:
    found = [(sorted_as(row.get("title")), _moment(row, time)) for row in rows]
    titles = tuple(title for title, _ in found)
    return Directory(
        time,
        titles,
        np.array([prefix_of(title) for title in titles], np.uint64),
        np.array([came for _, came in found], np.float64),
    )


def prefix_of(title: str) -> int:
    """The first eight bytes as a number."""
    # UTF-8 is in the order of the characters.
    return int.from_bytes(title[:8].encode("utf-8", "surrogatepass")[:8].ljust(8, b"\0"))


def _moment(row: Mapping[str, Any], time: str | None) -> float:
    moment = row.get(time) if time is not None else None
    return float(to_ms(moment)) if isinstance(moment, datetime) else np.nan

"""Real products of a public catalogue of fashion: names, attributes, photographs.

**Shapes**: N products, in the order of their types, so that a type is a range of positions.
"""

import gzip
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from schema.errors import PathrecError

CATALOGUE = "catalogue.csv.gz"
PICTURES = "images.npz"
KINDS = ("masterCategory", "subCategory", "articleType")
"""Columns of the catalogue's tree of categories, from the top."""
TYPE, TITLE = KINDS[-1], "productDisplayName"

_COLUMNS = ("id", "gender", *KINDS, "baseColour", "season", "usage", TITLE)


class PhotographedError(PathrecError):
    """The folder of the catalogue is incomplete or holds something else."""


@dataclass(frozen=True)
class Photographed:
    """Products with a name, a type and a photograph.

    Attributes:
        rows: (N,) the catalogue's columns as texts; what is not known is an empty text.
        pictures: N files in the JPEG format.
    """

    rows: pl.DataFrame
    pictures: list[bytes]

    def __len__(self) -> int:
        return len(self.pictures)

    def column(self, name: str) -> list[str]:
        """(N,) one attribute of all products."""
        return self.rows[name].to_list()

    def coded(self, name: str) -> tuple[list[str], NDArray[np.int64]]:
        """The values that an attribute takes, in order, and (N,) positions among them."""
        values, codes = np.unique(np.array(self.column(name), dtype=str), return_inverse=True)
        return values.tolist(), codes.astype(np.int64)


def read_photographed(folder: Path, count: int | None, rng: Generator) -> Photographed:
    """A random sample of the catalogue.

    Args:
        folder: with `catalogue.csv.gz` and `images.npz`.
        count: how many products; all of them if None or if there are no more.

    Raises:
        PhotographedError: a file is missing, damaged, or has other columns.
    """
    rows = _rows(folder / CATALOGUE)
    try:
        with np.load(folder / PICTURES) as archive:
            ids, offsets, content = archive["ids"], archive["off"], archive["buf"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise PhotographedError(
            f"{folder / PICTURES}: cannot be read ({error}); it must hold ids, off and buf"
        ) from error
    place = {str(key): position for position, key in enumerate(ids.tolist())}
    rows = rows.filter(pl.col("id").is_in(list(place)) & (pl.col(TITLE) != "") & (pl.col(TYPE) != ""))
    if count is not None and count < len(rows):
        rows = rows[np.sort(rng.choice(len(rows), count, replace=False))]
    rows = rows.sort(*reversed(KINDS), "id")
    at = [place[key] for key in rows["id"]]
    return Photographed(rows, [content[offsets[k] : offsets[k + 1]].tobytes() for k in at])


def _rows(file: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(gzip.decompress(file.read_bytes()), infer_schema=False)
        return table.select(pl.col(_COLUMNS).fill_null("").str.strip_chars())
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        raise PhotographedError(
            f"{file}: cannot be read ({error}); it must be a compressed CSV with the columns {', '.join(_COLUMNS)}"
        ) from error

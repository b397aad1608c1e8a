"""Rows gathered by a key, in memory while they are few, else on disk in as many parts as keep each part small."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

PARTS = 16
"""More of them would be smaller, but each costs a file to be opened at every step."""
FEW = 1_000_000
"""Rows that are kept in memory."""


class Rows:
    """Rows with a key; all of one key are in the same part."""

    def __init__(self, folder: Path, schema: pl.Schema, key: str, few: int = FEW) -> None:
        """Args:
        folder: where parts go if there are many rows; nothing else is there.
        schema: columns of the rows.
        key: the column by which they are gathered.
        few: how many rows are kept in memory.
        """
        self.schema = schema
        self.key = key
        self.spilled = False
        self._folder = folder
        self._few = few
        self._frames: list[pl.DataFrame] = []
        self._waiting = 0
        self._flushes = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Takes rows; columns in any order."""
        if rows.is_empty():
            return
        self._frames.append(rows.select(pl.col(name).cast(kind) for name, kind in self.schema.items()))
        self._waiting += rows.height
        if self._waiting > self._few:
            self._flush()

    def parts(self) -> int:
        """How many parts there are to read: one while the rows are few."""
        return PARTS if self.spilled else 1

    def part(self, number: int, of: int) -> pl.DataFrame:
        """The rows of a part of 1 or `PARTS`, in the order in which they came."""
        if not self.spilled:
            rows = pl.concat(self._frames) if self._frames else pl.DataFrame(schema=self.schema)
            self._frames = [rows]
            return rows if of == 1 else rows.filter(_part_of(self.key) == number)
        if self._frames:
            self._flush()
        files = sorted(self._folder.glob(f"{number:02}-*.arrow"))
        frames = [pl.read_ipc(file) for file in files]
        return pl.concat(frames) if frames else pl.DataFrame(schema=self.schema)

    def _flush(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = pl.concat(self._frames).with_columns(_part_of(self.key).alias("#part"))
        for (number,), part in rows.partition_by("#part", as_dict=True, include_key=False).items():
            part.write_ipc(self._folder / f"{number:02}-{self._flushes:06}.arrow", compression="lz4")
        self.spilled = True
        self._flushes += 1
        self._frames, self._waiting = [], 0


def together(*several: Rows) -> Iterator[tuple[pl.DataFrame, ...]]:
    """Parts of the same keys of several rows."""
    of = max(rows.parts() for rows in several)
    for number in range(of):
        yield tuple(rows.part(number, of) for rows in several)


def _part_of(key: str) -> pl.Expr:
    return (pl.col(key).hash(7) % PARTS).cast(pl.Int64)

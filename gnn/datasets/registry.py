"""The formats by name, and how a folder shows which one it has."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from gnn.datasets import lightgcn, mcclk, pgpr, recbole, rechorus
from gnn.datasets.errors import DatasetError
from gnn.datasets.files import find
from gnn.tasks import Benchmark
from schema.errors import suggestion

SNAPSHOT = "snapshot"


class Reader(Protocol):
    """Reads a folder; `seed` draws what the format leaves to chance."""

    def __call__(self, folder: Path, *, seed: int, without: Collection[str]) -> Benchmark:
        """The folder as a benchmark."""


FORMATS: Mapping[str, Reader] = {
    "lightgcn": lightgcn.read,
    "pgpr": pgpr.read,
    "rechorus": rechorus.read,
    "mcclk": mcclk.read,
    "recbole": recbole.read,
    "recbole-time": recbole.read_by_time,
}

_MARKS: Mapping[str, tuple[str, ...]] = {
    "pgpr": ("train.tsv", "test.tsv", "kg.tsv", "products.tsv"),
    "mcclk": ("ratings.tsv", "kg.tsv"),
    "rechorus": ("train.csv", "dev.csv", "test.csv"),
    "lightgcn": ("train.txt", "test.txt"),
}
"""Files that show a format; each may be gzipped."""


def read_benchmark(path: Path, format: str, *, seed: int = 0, without: Collection[str] = ()) -> Benchmark:  # noqa: A002
    """A data set's folder as a benchmark.

    Args:
        path: the folder.
        format: one of `FORMATS`.
        seed: draws what the format leaves to chance: parts, negatives.
        without: relations that are left out, called as in the data set or in the ontology.

    Raises:
        DatasetError: there is no such format, or the folder is not what the format says.
    """
    if format not in FORMATS:
        raise DatasetError(f"no format {format}; {suggestion(format, FORMATS)}")
    return FORMATS[format](_folder(path), seed=seed, without=without)


def detect_format(path: Path) -> str:
    """The format that a folder looks like; "snapshot" for one of our own.

    Raises:
        DatasetError: it looks like none; the message names the files that were looked for.
    """
    folder = _folder(path)
    if (folder / "manifest.json").is_file():
        return SNAPSHOT
    if any(folder.glob("*.inter")) or any(folder.glob("*.inter.gz")):
        return "recbole"
    for name, files in _MARKS.items():
        if all(find(folder, file) for file in files):
            return name
    looked_for = "; ".join(f"{name}: {', '.join(files)}" for name, files in _MARKS.items())
    raise DatasetError(
        f"{folder}: is of no known format. Looked for {SNAPSHOT}: manifest.json; recbole: <name>.inter; "
        f"{looked_for} (each plain or .gz)"
    )


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise DatasetError(f"{path}: is not a folder; give the folder that holds the data set's files")
    return path.resolve()

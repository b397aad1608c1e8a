"""The formats by name, and how a folder shows which one it has."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gnn.datasets import lightgcn, mcclk, pgpr, recbole, rechorus
from gnn.datasets.errors import DatasetError
from gnn.datasets.files import find
from gnn.datasets.snapshot import snapshot_benchmark
from gnn.tasks import Benchmark
from schema.errors import suggestion
from schema.snapshot import open_snapshot

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


def read_question(
    path: Path,
    format: str | None,  # noqa: A002
    ks: Sequence[int],
    *,
    seed: int = 0,
    without: Collection[str] = (),
) -> Benchmark:
    """A snapshot or a data set's folder as a benchmark, its lists cut where the reader wants.

    Args:
        path: the folder.
        format: "snapshot" or one of `FORMATS`; found out if None.
        ks: lengths of lists, the main one first; those of the protocol if there are none.
        seed, without: as of `read_benchmark`.

    Raises:
        DatasetError: a length is not positive, there is no such format, the folder is not what it says, or there
            is no relation of a name in `without`.
        TrainingError: a snapshot holds nothing to ask.
    """
    if any(k < 1 for k in ks):
        raise DatasetError(f"k = {', '.join(map(str, ks))}: give lengths of lists of at least 1")
    name = format or detect_format(path)
    if name not in (known := (SNAPSHOT, *FORMATS)):
        raise DatasetError(f"no format {name}; {suggestion(name, known)}")
    if name == SNAPSHOT:
        benchmark = snapshot_benchmark(open_snapshot(path), without=without)
    else:
        benchmark = read_benchmark(path, name, seed=seed, without=without)
    return replace(benchmark, metrics=_cut(benchmark.metrics, ks)) if ks else benchmark


def _cut(metrics: Sequence[str], ks: Sequence[int]) -> tuple[str, ...]:
    """The same metrics at other lengths; those without a length stay."""
    names = dict.fromkeys(name.split("@")[0] for name in metrics if "@" in name)
    return (*(f"{name}@{k}" for k in ks for name in names), *(name for name in metrics if "@" not in name))


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

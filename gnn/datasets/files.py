"""Files of a data set, plain or gzipped, as lines or as Arrow tables; every fault becomes a `DatasetError`."""

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sized
from csv import reader
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
from pyarrow import csv

from gnn.data import Int64
from gnn.datasets.errors import DatasetError
from schema.errors import suggestion

_MS_FROM = 1e11
"""Times from here on are milliseconds already: as seconds it would be the year 5138."""
_MOST_MS = 1e15


def find(folder: Path, name: str) -> Path | None:
    """The file of a name or the same gzipped; None where there is neither."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def require(folder: Path, name: str) -> Path:
    """The file of a name or the same gzipped.

    Raises:
        DatasetError: there is neither.
    """
    path = find(folder, name)
    if path is None:
        there = [file.name for file in folder.iterdir()] if folder.is_dir() else []
        raise DatasetError(f"{folder}: no file {name} or {name}.gz; {suggestion(name, there)}")
    return path


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line that is not blank.

    Raises:
        DatasetError: the file cannot be unpacked or is not UTF-8.
    """
    try:
        with _opened(path) as file:
            yield from ((number, line.rstrip("\r\n")) for number, line in enumerate(file, 1) if line.strip())
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); fetch the file again") from error


def header(path: Path) -> str:
    """The first line.

    Raises:
        DatasetError: there is none.
    """
    for _, line in lines(path):
        return line
    raise DatasetError(f"{path}: is empty; fetch the file again")


def read_table(path: Path, columns: Mapping[str, pa.DataType], *, delimiter: str, quoted: bool = False) -> pa.Table:
    """A table with a header line; columns that are not named in `columns` are strings.

    Raises:
        DatasetError: a column is missing, a line has too few or too many values, a value is not of its
            column's type, or a number is missing; the message names the row, the header being row 1.
    """
    names = _column_names(path, delimiter, quoted)
    for name in columns:
        if name not in names:
            raise DatasetError(f"{path}: line 1: no column {name}; {suggestion(name, names)}")
    try:
        table = csv.read_csv(
            str(path),
            # One thread: only then does Arrow know the rows that its messages name.
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char='"' if quoted else False),
            convert_options=csv.ConvertOptions(column_types={name: columns.get(name, pa.string()) for name in names}),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(f"{path}: {error}; a row needs {', '.join(columns)} of types {_types(columns)}") from error
    for name, kind in columns.items():
        _require_values(path, table, name, kind)
    return table


def milliseconds(path: Path, column: pa.ChunkedArray) -> Int64:
    """(E,) times since 1970 from seconds, or from milliseconds where they can be nothing else.

    Raises:
        DatasetError: a time is not finite or beyond all years.
    """
    times = np.asarray(column.to_numpy(), np.float64)
    if len(times) and np.abs(times).max() < _MS_FROM:
        times = times * 1000
    bad = ~(np.abs(times) < _MOST_MS)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DatasetError(f"{path}: row {row + 2}: {times[row]} is not a time; give seconds since 1970")
    return np.rint(times).astype(np.int64)


def require_rows(path: Path, rows: Sized) -> None:
    """Raises DatasetError where a part of the data holds nothing."""
    if not len(rows):
        raise DatasetError(f"{path}: holds no interactions; fetch the file again or leave no part empty")


def _require_values(path: Path, table: pa.Table, name: str, kind: pa.DataType) -> None:
    column = table.column(name)
    if pa.types.is_string(kind) or not column.null_count:
        return
    row = int(np.flatnonzero(column.is_null().to_numpy())[0])
    raise DatasetError(f"{path}: row {row + 2}: {name} is empty or NaN; every row needs a number there")


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _column_names(path: Path, delimiter: str, quoted: bool) -> list[str]:
    line = header(path)
    names = next(reader([line], delimiter=delimiter)) if quoted else line.split(delimiter)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"{path}: line 1: the column {twice[0]} is there more than once; leave one")
    return names


def _types(columns: Mapping[str, pa.DataType]) -> str:
    return ", ".join(str(kind) for kind in columns.values())

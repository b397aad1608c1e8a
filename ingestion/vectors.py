"""Vectors that a shop brings along: of its sounds, or of anything that it has a model of its own for.

**Shapes**: n rows of a piece, d numbers of a vector.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingestion.errors import SourceError

ID, VECTOR = "id", "vector"
PIECE = 4096
"""Rows in memory at a time."""


@dataclass(frozen=True)
class VectorPiece:
    """Some rows of a file of vectors.

    Shapes:
        ids: n; None where there is none.
        matrix: (n, d) float32 as the file has them; not a number where a row has no vector.
    """

    first: int
    ids: list[str | None]
    matrix: NDArray[np.float32]


@dataclass(frozen=True)
class VectorFile:
    """A file of vectors, looked at but not read.

    Attributes:
        ids: where the ids are, if not in the file itself.
        rows: how many vectors.
        width: numbers of each.
    """

    path: Path
    ids: Path | None
    rows: int
    width: int

    def pieces(self) -> Iterator[VectorPiece]:
        """The rows, some at a time.

        Raises:
            SourceError: the file is damaged.
        """
        return _parquet_pieces(self) if self.ids is None else _npy_pieces(self, self.ids)


def open_vectors(path: Path, ids: Path | None = None) -> VectorFile:
    """A file of vectors: Parquet with the columns `id` and `vector`, or `.npy` with the ids of its rows.

    Args:
        path: the file.
        ids: of a `.npy`: a Parquet or CSV file with a column `id`, or a text with one id a line.

    Raises:
        SourceError: missing, damaged, or not of this form.
    """
    if path.suffix == ".npy":
        if ids is None:
            raise SourceError(
                f"{path}: does not say whose rows these are; name a file of ids, one for each row (--ids)"
            )
        rows, width = _matrix(path).shape
        count = len(_ids(ids))
        if count != rows:
            raise SourceError(f"{path}: has {rows:,} rows and {ids} has {count:,} ids; there must be one for each row")
        return VectorFile(path, ids, rows, width)
    if path.suffix != ".parquet":
        raise SourceError(f"{path}: is neither .parquet (with the columns {ID} and {VECTOR}) nor .npy; convert it")
    if ids is not None:
        raise SourceError(f"{path}: has its ids in its own column {ID}; leave {ids} out")
    return VectorFile(path, None, *_parquet_shape(path))


def digest(vector: NDArray[np.float32]) -> str:
    """What a vector is known by in the graph: equal hashes mean equal vectors."""
    return hashlib.sha256(vector.astype("<f4").tobytes()).hexdigest()


def _matrix(path: Path) -> NDArray[Any]:
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SourceError(f"{path}: cannot be read ({error}); write it with numpy.save") from error
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or not matrix.shape[1]:
        raise SourceError(
            f"{path}: is {matrix.dtype} of shape {matrix.shape}; there must be a row of numbers for each id"
        )
    return np.asarray(matrix)


def _ids(path: Path) -> list[str | None]:
    try:
        if path.suffix == ".parquet":
            column = pq.read_table(path, columns=[ID]).column(ID)
        elif path.suffix == ".csv":
            options = pyarrow.csv.ConvertOptions(include_columns=[ID], column_types={ID: pa.string()})
            column = pyarrow.csv.read_csv(path, convert_options=options).column(ID)
        else:
            return [line or None for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError, KeyError, pa.ArrowInvalid) as error:
        raise SourceError(f"{path}: cannot be read as ids, in a column {ID} or one a line ({error})") from error
    return _texts(path, column)


def _texts(path: Path, column: "pa.ChunkedArray | pa.Array") -> list[str | None]:
    if not (
        pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_integer(column.type)
    ):
        raise SourceError(f"{path}: {ID} is {column.type}; ids are texts or whole numbers")
    return list(pc.cast(column, pa.string()).to_pylist())


def _npy_pieces(file: VectorFile, ids: Path) -> Iterator[VectorPiece]:
    matrix, names = _matrix(file.path), _ids(ids)
    for start in range(0, len(names), PIECE):
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which is found later
            rows = matrix[start : start + PIECE].astype(np.float32)
        yield VectorPiece(start, names[start : start + PIECE], rows)


def _parquet_shape(path: Path) -> tuple[int, int]:
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            absent = [name for name in (ID, VECTOR) if name not in schema.names]
            if absent:
                there = ", ".join(schema.names)
                raise SourceError(f"{path}: has no column {absent[0]} but {there}; name them {ID} and {VECTOR}")
            kind = schema.field(VECTOR).type
            if not _is_list(kind) or not _is_number(kind.value_type):
                raise SourceError(f"{path}: {VECTOR} is {kind}; it must be a list of numbers")
            if pa.types.is_fixed_size_list(kind):
                return rows, int(kind.list_size)
            for batch in file.iter_batches(PIECE, columns=[VECTOR]):
                widths = pc.drop_null(pc.list_value_length(batch.column(0)))
                if len(widths):
                    return rows, int(widths[0].as_py())
    except (OSError, pa.ArrowInvalid) as error:
        raise _damaged(path, error) from error
    raise SourceError(f"{path}: has no vectors; export it again")


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _parquet_pieces(file: VectorFile) -> Iterator[VectorPiece]:
    first = 0
    try:
        with pq.ParquetFile(file.path) as table:
            for batch in table.iter_batches(PIECE, columns=[ID, VECTOR]):
                yield VectorPiece(first, _texts(file.path, batch.column(ID)), _rows(batch.column(VECTOR), file.width))
                first += len(batch)
    except (OSError, pa.ArrowInvalid) as error:
        raise _damaged(file.path, error) from error


def _rows(column: pa.Array, width: int) -> NDArray[np.float32]:
    """A list column as a matrix; a row of another length, or with a gap, is not a number throughout."""
    matrix = np.full((len(column), width), np.nan, np.float32)
    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    whole = np.flatnonzero(lengths == width)
    values = pc.list_flatten(column.take(pa.array(whole)))
    numbers = pc.cast(values, pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    matrix[whole] = numbers.reshape(len(whole), width)
    return matrix


def _damaged(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path}: cannot be read ({str(error).splitlines()[0]}); export it again as Parquet")

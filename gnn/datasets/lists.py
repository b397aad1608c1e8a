"""Lists of ids that are written into one field: `[12, 7, 40]`."""

import json
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from gnn.data import Int64
from gnn.datasets.errors import DatasetError


def id_lists(path: Path, name: str, column: pa.ChunkedArray) -> tuple[Int64, pa.ChunkedArray]:
    """Rows (P,) and ids (P,) of all lists of a column; an empty field is an empty list.

    Raises:
        DatasetError: a field is no list of whole numbers.
    """
    lists = [_ids(path, name, row, text) for row, text in enumerate(column.to_pylist())]
    rows = np.repeat(np.arange(len(lists)), [len(ids) for ids in lists])
    return rows, pa.chunked_array([pa.array(chain.from_iterable(lists), pa.int64())])


def _ids(path: Path, name: str, row: int, text: str) -> list[int]:
    try:
        ids = json.loads(text or "[]")
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not all(type(value) is int and abs(value) < 2**63 for value in ids):
        raise DatasetError(f"{path}: row {row + 2}: {name} is {text[:60]!r}; give a list like [12, 7, 40]")
    return ids

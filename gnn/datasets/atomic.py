"""RecBole's atomic files: tab-separated, each column named `field:type`."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gnn.datasets.errors import DatasetError
from gnn.datasets.files import header, read_table

_ENDINGS = (".train.inter", ".valid.inter", ".test.inter", ".inter")


def data_name(folder: Path) -> str:
    """The name that a folder's files begin with.

    Raises:
        DatasetError: there is no interaction file, or there are several data sets and none is called as the folder.
    """
    files = [path.name.removesuffix(".gz") for path in sorted(folder.glob("*.inter*"))]
    names = {_stem(file) for file in files if file.endswith(".inter")}
    if folder.name in names:
        return folder.name
    if len(names) != 1:
        found = ", ".join(sorted(names)) or "none"
        raise DatasetError(f"{folder}: needs <name>.inter or <name>.train.inter of one data set; there is {found}")
    return names.pop()


def atomic_table(path: Path, fields: tuple[str, ...]) -> pa.Table:
    """A file with its columns called by their fields alone, without their types.

    `fields` are tokens that every row has; the other columns are strings, and floats are left out except
    `timestamp`, which is a float64.

    Raises:
        DatasetError: a column is missing, a row is ragged, a token is empty or a time is no number.
    """
    typed = [column.partition(":") for column in header(path).split("\t")]
    times = {"timestamp:float": pa.float64()} if ("timestamp", ":", "float") in typed else {}
    table = read_table(path, {f"{field}:token": pa.string() for field in fields} | times, delimiter="\t")
    kept = [
        place
        for place, (field, _, kind) in enumerate(typed)
        if not kind.startswith("float") or (field == "timestamp" and kind == "float")
    ]
    table = table.select(kept).rename_columns([typed[place][0] for place in kept])
    for field in fields:
        empty = np.flatnonzero(pc.equal(table.column(field), "").to_numpy())
        if len(empty):
            raise DatasetError(f"{path}: row {empty[0] + 2}: {field} is empty; every row needs one")
    return table


def sequences(path: Path) -> set[str]:
    """The fields of a file that are lists of tokens with blanks between."""
    typed = [column.partition(":") for column in header(path).split("\t")]
    return {field for field, _, kind in typed if kind == "token_seq"}


def _stem(file: str) -> str:
    ending = next(ending for ending in _ENDINGS if file.endswith(ending))
    return file.removesuffix(ending)

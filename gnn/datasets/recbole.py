"""RecBole's atomic files as a benchmark: its split by ratio, or the parts that the folder gives."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from gnn.datasets.atomic import atomic_table, data_name
from gnn.datasets.errors import DatasetError
from gnn.datasets.files import find, milliseconds, require, require_rows
from gnn.datasets.ids import Ids
from gnn.datasets.interactions import Interactions, ask_users, new_to_users
from gnn.datasets.published import published
from gnn.datasets.recbole_items import item_ids, read_graph
from gnn.datasets.recbole_split import split_users
from gnn.datasets.shops import build_shop
from gnn.tasks import Benchmark, Split

METRICS = ("recall@10", "ndcg@10", "mrr@10", "hit_rate@10", "precision@10")
Order = Literal["random", "time"]
"""By what each user's interactions are ordered before they are split 8:1:1 (RecBole's RO and TO)."""
_PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class _Parts:
    """What may be learned from, and what is asked."""

    train: Interactions
    valid: Interactions
    test: Interactions
    notes: list[str]


def read(folder: Path, *, seed: int, without: Collection[str], order: Order = "random") -> Benchmark:
    """The folder as a benchmark.

    `<name>.train.inter`, `.valid.inter` (if there) and `.test.inter` are used as they are; where there
    are none, `<name>.inter` is split 8:1:1 in each user. Events have times where all rows have them.

    Raises:
        DatasetError: a file is missing, damaged or empty, times are asked for that the data has not, or
            there is no relation of a name in `without`.
    """
    name = data_name(folder)
    files = _files(folder, name)
    tables = {path: atomic_table(path, ("user_id", "item_id")) for path in files.values()}
    users = Ids.of(*(table.column("user_id") for table in tables.values()))
    products = Ids.of(*(table.column("item_id") for table in tables.values()), *item_ids(folder, name))
    rows = {part: _interactions(path, tables, users, products) for part, path in files.items()}
    timed = _timed(tables)
    if order == "time" and not timed:
        raise DatasetError(f"{folder}: no column timestamp:float to split by; use the format recbole")
    parts = _given(rows) if "train" in rows else _drawn(rows["all"], order, seed)
    require_rows(folder, parts.train)
    require_rows(folder, parts.test)
    graph = read_graph(folder, name, products).without(without)
    shop = build_shop(name, users.names, products.names, parts.train, graph)
    return Benchmark(
        name=folder.name,
        shop=shop,
        test=ask_users(parts.test, parts.train),
        validation=Split(shop, ask_users(parts.valid, parts.train)) if len(parts.valid) else None,
        rule="share",
        metrics=METRICS,
        published=published(folder.name),
        notes=[*parts.notes, *graph.notes],
    )


read_by_time = partial(read, order="time")


def _files(folder: Path, name: str) -> Mapping[str, Path]:
    if find(folder, f"{name}.train.inter") is None:
        return {"all": require(folder, f"{name}.inter")}
    found = {part: find(folder, f"{name}.{part}.inter") for part in _PARTS}
    return {part: path for part, path in found.items() if path} | {"test": require(folder, f"{name}.test.inter")}


def _timed(tables: Mapping[Path, pa.Table]) -> bool:
    return all("timestamp" in table.column_names for table in tables.values())


def _interactions(path: Path, tables: Mapping[Path, pa.Table], users: Ids, products: Ids) -> Interactions:
    """Each pair of a file once, at its earliest time."""
    table = tables[path]
    user, product = users.find(table.column("user_id")), products.find(table.column("item_id"))
    if not _timed(tables):
        return Interactions.without_times(user, product).distinct()
    return Interactions(user, product, milliseconds(path, table.column("timestamp"))).distinct()


def _given(rows: Mapping[str, Interactions]) -> _Parts:
    nothing = Interactions.without_times(np.empty(0, np.int32), np.empty(0, np.int32))
    valid, of_valid = new_to_users(rows.get("valid", nothing), rows["train"])
    test, of_test = new_to_users(rows["test"], rows["train"])
    notes = ["the parts are those of the folder", *of_valid, *of_test]
    return _Parts(rows["train"], valid, test, [*notes, *_UNLIKE_RECBOLE])


def _drawn(rows: Interactions, order: Order, seed: int) -> _Parts:
    train, valid, test = split_users(rows, by_time=order == "time", seed=seed)
    how = "by time" if order == "time" else "at random"
    return _Parts(train, valid, test, [f"each user is split 8:1:1 {how} with seed {seed}", *_UNLIKE_RECBOLE])


_UNLIKE_RECBOLE = (
    "every interaction counts as wanted, whatever its rating",
    "products of the validation part are ranked in the test, where RecBole leaves them out: figures are a little lower",
)

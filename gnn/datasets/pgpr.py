"""The Amazon splits of PGPR and CAFE with their knowledge graph: train, test, kg, products and users as TSV."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gnn.datasets.errors import DatasetError
from gnn.datasets.files import read_table, require, require_rows
from gnn.datasets.ids import Ids
from gnn.datasets.interactions import Interactions, ask_users, new_to_users
from gnn.datasets.pgpr_graph import read_graph
from gnn.datasets.published import published
from gnn.datasets.shops import build_shop
from gnn.tasks import Benchmark

METRICS = ("ndcg@10", "recall@10", "hit_rate@10", "precision@10")
_PAIR = {"user": pa.int64(), "product": pa.int64()}


def read(folder: Path, *, seed: int, without: Collection[str]) -> Benchmark:
    """The folder as a benchmark; nothing is drawn.

    Raises:
        DatasetError: a file is missing, damaged or empty, or there is no relation of a name in `without`.
    """
    train_path, test_path = require(folder, "train.tsv"), require(folder, "test.tsv")
    tables = [read_table(path, _PAIR, delimiter="\t") for path in (train_path, test_path)]
    users, user_names = _catalogue(require(folder, "users.tsv"), "user", "user_id", tables)
    products, asins = _catalogue(require(folder, "products.tsv"), "product", "asin", tables)
    train, test = (
        Interactions.without_times(users.find(t.column("user")), products.find(t.column("product"))).distinct()
        for t in tables
    )
    held, notes = new_to_users(test, train)
    require_rows(train_path, train)
    require_rows(test_path, held)
    graph = read_graph(require(folder, "kg.tsv"), asins).without(without)
    return Benchmark(
        name=folder.name,
        shop=build_shop(folder.name, user_names, asins, train, graph),
        test=ask_users(held, train),
        validation=None,
        rule="random",  # 70 % of each user's purchases were drawn for training (Xian et al. 2019, section 4.1)
        metrics=METRICS,
        published=published(folder.name),
        notes=["PGPR and its successors report these metrics in per cent", *notes, *graph.notes],
    )


def _catalogue(path: Path, number: str, name: str, tables: list[pa.Table]) -> tuple[Ids, tuple[str, ...]]:
    """Numbers of a file and of all pairs, and their names; what the file does not name is called by its number."""
    table = read_table(path, {number: pa.int64(), name: pa.string()}, delimiter="\t")
    ids = Ids.of(table.column(number), *(pairs.column(number) for pairs in tables))
    for column in (number, name):
        _require_distinct(path, column, table.column(column))
    names = np.array([f"{number} {value}" for value in ids.names], object)
    names[ids.find(table.column(number))] = table.column(name).to_numpy()
    return ids, tuple(names.tolist())


def _require_distinct(path: Path, name: str, column: pa.ChunkedArray) -> None:
    counts = pc.value_counts(column)
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        value = twice.field("values")[0]
        raise DatasetError(f"{path}: {name} {value} is there more than once; leave one row for each")

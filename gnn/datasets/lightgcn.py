"""The split that LightGCN and its successors share: train.txt and test.txt, lines of `user item item …`."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa

from gnn.data import Int64
from gnn.datasets.errors import DatasetError
from gnn.datasets.files import lines, require, require_rows
from gnn.datasets.ids import Ids
from gnn.datasets.interactions import Interactions, ask_users, new_to_users
from gnn.datasets.published import published
from gnn.datasets.shops import NO_GRAPH, build_shop
from gnn.tasks import Benchmark

METRICS = ("recall@20", "ndcg@20", "hit_rate@20", "precision@20")


def read(folder: Path, *, seed: int, without: Collection[str]) -> Benchmark:
    """The folder as a benchmark; nothing is drawn and there are no relations.

    Raises:
        DatasetError: a file is missing, damaged or empty, or a relation is to be left out.
    """
    graph = NO_GRAPH.without(without)
    train_path, test_path = require(folder, "train.txt"), require(folder, "test.txt")
    parts = [_pairs(train_path), _pairs(test_path)]
    users = Ids.of(*(pa.chunked_array([listed]) for listed, _, _ in parts))
    products = Ids.of(*(pa.chunked_array([product]) for _, _, product in parts))
    train, test = (_positions(user, product, users, products) for _, user, product in parts)
    held, notes = new_to_users(test, train)
    require_rows(train_path, train)
    require_rows(test_path, held)
    return Benchmark(
        name=folder.name,
        shop=build_shop(folder.name, users.names, products.names, train, graph),
        test=ask_users(held, train),
        validation=None,
        rule="share",
        metrics=METRICS,
        published=published(folder.name),
        notes=[*notes, "the data knows no times: all events are at one moment"],
    )


def _pairs(path: Path) -> tuple[Int64, Int64, Int64]:
    """(U,) users of the lines, with items or not; (P,) users and (P,) items of the pairs."""
    rows = [_numbers(path, number, line) for number, line in lines(path)]
    if not rows:
        raise DatasetError(f"{path}: is empty; fetch the file again")
    users = np.array([row[0] for row in rows], np.int64)
    items = np.array([item for row in rows for item in row[1:]], np.int64)
    return users, np.repeat(users, [len(row) - 1 for row in rows]), items


def _numbers(path: Path, number: int, line: str) -> list[int]:
    try:
        row = [int(word) for word in line.split()]
    except ValueError as error:
        raise DatasetError(f"{path}: line {number}: {error}; a line is whole numbers: user item item …") from error
    if max(map(abs, row)) > np.iinfo(np.int64).max:
        raise DatasetError(f"{path}: line {number}: a number has more than 64 bits; give smaller ids")
    return row


def _positions(user: Int64, product: Int64, users: Ids, products: Ids) -> Interactions:
    found = users.find(pa.chunked_array([user])), products.find(pa.chunked_array([product]))
    return Interactions.without_times(*found).distinct()

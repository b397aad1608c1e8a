"""ReChorus: the last product of each user is the question, among it and 99 others that the user never had."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from gnn.data import Int32
from gnn.datasets.files import header, milliseconds, read_table, require, require_rows
from gnn.datasets.ids import Ids
from gnn.datasets.interactions import Interactions
from gnn.datasets.lists import id_lists
from gnn.datasets.negatives import Negatives, drawn
from gnn.datasets.published import published
from gnn.datasets.rechorus_items import read_items
from gnn.datasets.shops import build_shop
from gnn.tasks import Benchmark, Questions, Ragged, Split

METRICS = ("hit_rate@5", "ndcg@5", "hit_rate@10", "ndcg@10")
_PARTS = ("train.csv", "dev.csv", "test.csv")
_COLUMNS = {"user_id": pa.int64(), "item_id": pa.int64(), "time": pa.float64()}


@dataclass(frozen=True)
class _Part:
    """A file as it is; `negatives` are rows and item ids, where the file gives them."""

    path: Path
    table: pa.Table
    negatives: tuple[np.ndarray[tuple[int], np.dtype[np.int64]], pa.ChunkedArray] | None

    def item_columns(self) -> list[pa.ChunkedArray]:
        return [self.table.column("item_id"), *([self.negatives[1]] if self.negatives else [])]


def read(folder: Path, *, seed: int, without: Collection[str]) -> Benchmark:
    """The folder as a benchmark. The model may learn from train alone; `seed` draws the negatives.

    Raises:
        DatasetError: a file is missing, damaged or empty, or there is no relation of a name in `without`.
    """
    parts = [_part(require(folder, name)) for name in _PARTS]
    items = read_items(folder)
    users = Ids.of(*(part.table.column("user_id") for part in parts))
    products = Ids.of(*(column for part in parts for column in part.item_columns()), *items.id_columns())
    rows = [_rows(part, users, products) for part in parts]
    had = Interactions.joined(rows).distinct()
    dev, test = (
        _questions(part, asked, products, drawn(asked.user, had, len(products), (seed, number)))
        for number, (part, asked) in enumerate(zip(parts[1:], rows[1:], strict=True))
    )
    graph = items.graph(products).without(without)
    shop, happened = (
        build_shop(folder.name, users.names, products.names, Interactions.joined(known).distinct(), graph)
        for known in (rows[:1], rows[:2])
    )
    return Benchmark(
        name=folder.name,
        shop=shop,
        test=test,
        validation=Split(shop, dev),
        rule="last",
        metrics=METRICS,
        ties_against=True,
        published=published(folder.name),
        notes=[*_notes(parts, seed), *graph.notes],
        happened=happened,
    )


def _part(path: Path) -> _Part:
    delimiter = "\t" if "\t" in header(path) else ","
    table = read_table(path, _COLUMNS, delimiter=delimiter, quoted=True)
    require_rows(path, table)
    told = "neg_items" in table.column_names
    return _Part(path, table, id_lists(path, "neg_items", table.column("neg_items")) if told else None)


def _rows(part: _Part, users: Ids, products: Ids) -> Interactions:
    user, product = users.find(part.table.column("user_id")), products.find(part.table.column("item_id"))
    return Interactions(user, product, milliseconds(part.path, part.table.column("time")))


def _questions(part: _Part, asked: Interactions, products: Ids, negatives: Negatives) -> Questions:
    """A question for each row, as of its time; the answer is the first of its candidates."""
    count = len(asked)
    if part.negatives is not None:
        negatives = _told(part.negatives[0], products.find(part.negatives[1]), asked.product)
    row, other = negatives
    candidates = Ragged.from_rows(
        np.concatenate([np.arange(count), row]), np.concatenate([asked.product, other]), count
    )
    answers = Ragged.from_rows(np.arange(count), asked.product, count)
    return Questions(asked.user, asked.time_ms, answers, candidates)


def _told(row: np.ndarray[tuple[int], np.dtype[np.int64]], product: Int32, answer: Int32) -> Negatives:
    """The negatives of a file; an answer among them is no negative."""
    kept = product != answer[row]
    return row[kept], product[kept]


def _notes(parts: Sequence[_Part], seed: int) -> list[str]:
    drawn_for = [part.path.name for part in parts[1:] if part.negatives is None]
    return [
        "the model learns from train alone, not from dev",
        "a question's history holds what the user did before, dev included (as sequential models of ReChorus see "
        "it); the segment train_history gives the figures without",
        "each question is asked as of the time of its purchase",
        *(f"99 negatives for each row of {name} are drawn with seed {seed}" for name in drawn_for),
    ]

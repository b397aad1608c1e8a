"""Click-through data of MCCLK, KGIN and RippleNet: labelled pairs of a user and an item, and a knowledge graph.

Labels are balanced in each user and most unseen pairs are positives, so that counts of a user's pairs,
or whether a pair was seen, would tell the label. Nothing of that is in the benchmark: its shop holds the
positives of the train part alone, and users and items are nothing but positions.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gnn.data import Int64
from gnn.datasets.errors import DatasetError
from gnn.datasets.files import read_table, require, require_rows
from gnn.datasets.ids import Ids
from gnn.datasets.interactions import Interactions
from gnn.datasets.knowledge import knowledge_graph
from gnn.datasets.links import Graph
from gnn.datasets.published import published
from gnn.datasets.shops import build_shop
from gnn.tasks import Benchmark, Questions, Ragged, Split

METRICS = ("auc", "auc_within")
HELD_OUT = 0.2
_RATING = {"user": pa.int64(), "item": pa.int64(), "label": pa.int64()}
_TRIPLE = {"head": pa.int64(), "relation": pa.int64(), "tail": pa.int64()}


@dataclass(frozen=True)
class _Ratings:
    """Pairs and whether they are liked; (R,)."""

    pairs: Interactions
    liked: npt.NDArray[np.bool_]


def read(folder: Path, *, seed: int, without: Collection[str]) -> Benchmark:
    """The folder as a benchmark, its ratings split 6:2:2 at random by `seed`.

    Raises:
        DatasetError: a file is missing, damaged or too small to split, or there is no relation of a
            name in `without`.
    """
    path = require(folder, "ratings.tsv")
    table = read_table(path, _RATING, delimiter="\t")
    users, items = Ids.of(table.column("user")), Ids.of(table.column("item"))
    ratings, notes = _ratings(path, table, users, items)
    train, held, test = _parts(len(ratings.liked), seed)
    seen = ratings.pairs.take(train[ratings.liked[train]])
    for part in (seen, held, test):
        require_rows(path, part)
    graph = _graph(require(folder, "kg.tsv"), items).without(without)
    shop = build_shop(folder.name, users.names, items.names, seen, graph)
    return Benchmark(
        name=folder.name,
        shop=shop,
        test=_questions(ratings, test),
        validation=Split(shop, _questions(ratings, held)),
        rule="share",
        metrics=METRICS,
        published=published(folder.name),
        notes=[f"one random split 6:2:2 with seed {seed}; others report the mean of 5", *notes, *graph.notes],
    )


def _ratings(path: Path, table: pa.Table, users: Ids, items: Ids) -> tuple[_Ratings, list[str]]:
    """Each pair once, in the order of the file; liked where any of its rows says so."""
    label = np.asarray(table.column("label").to_numpy())
    if not np.isin(label, (0, 1)).all():
        row = int(np.flatnonzero(~np.isin(label, (0, 1)))[0])
        raise DatasetError(f"{path}: row {row + 2}: the label is {label[row]}; labels are 0 and 1")
    pairs = Interactions.without_times(users.find(table.column("user")), items.find(table.column("item")))
    _, first, which = np.unique(pairs.keys(), return_index=True, return_inverse=True)
    rows, likes = np.bincount(which), np.bincount(which, weights=label)
    order = np.argsort(first)
    both = int(((likes > 0) & (likes < rows)).sum())
    notes = [f"{both} pairs are labelled both ways and count as liked"] if both else []
    return _Ratings(pairs.take(first[order]), likes[order] > 0), notes


def _parts(count: int, seed: int) -> tuple[Int64, Int64, Int64]:
    """Rows of train, validation and test, as RippleNet's code draws them; each in order."""
    generator = np.random.default_rng(seed)
    held = generator.choice(count, int(count * HELD_OUT), replace=False)
    left = np.setdiff1d(np.arange(count), held)
    test = generator.choice(left, int(count * HELD_OUT), replace=False)
    return np.setdiff1d(left, test), np.sort(held), np.sort(test)


def _questions(ratings: _Ratings, rows: Int64) -> Questions:
    """A question for each user with a labelled pair in a part, also where none is liked."""
    pairs, liked = ratings.pairs.take(rows), ratings.liked[rows]
    users, which = np.unique(pairs.user, return_inverse=True)
    return Questions(
        user=users.astype(np.int32),
        as_of_ms=np.zeros(len(users), np.int64),
        answers=Ragged.from_rows(which[liked], pairs.product[liked], len(users)),
        candidates=Ragged.from_rows(which, pairs.product, len(users)),
    )


def _graph(path: Path, items: Ids) -> Graph:
    table = read_table(path, _TRIPLE, delimiter="\t")
    relation = pc.cast(table.column("relation"), pa.string())
    triples = table.set_column(table.column_names.index("relation"), "relation", relation)
    return knowledge_graph(triples, items.find(table.column("head")), items.find(table.column("tail")))

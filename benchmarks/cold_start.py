"""What a model makes of products that it has never seen.

    python -m benchmarks.cold_start --data ../shared/data/amazon_beauty --format pgpr --json beauty_cold.json
    python -m benchmarks.cold_start --data SNAPSHOT --ablation --json fashion_cold.json

A tenth of the products is taken out of the data before anything is learned (`gnn.cold_products`). Afterwards they are
written into the trained model as a running server hears of them, with their features and relations and nothing else.
Asked are people who took one of them in the test part: how many of these are among their first twenty of all
products, and of the new ones alone; and, for comparison, how many of the other products that people took.

Baselines: what most resembles the person's products in text or, where there is none, in relations; the category that
sells most; chance. `--ablation` trains again with parts of what is known of products left out. `--validation` asks
the validation part, for choices that are made before the test part is looked at.

What fine-tuning brings is measured on a snapshot; `--seen` writes what may be seen of it, to fine-tune on:

    python -m benchmarks.cold_start --data SNAPSHOT --seen SEEN
    pathrec finetune-text SEEN --out ADAPTER
    python -m benchmarks.cold_start --data SNAPSHOT --adapter ADAPTER --json adapted.json
"""

import argparse
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, write_json
from gnn.cold_products import Withheld, withhold
from gnn.data import Edges, Shop
from gnn.datasets import read_question
from gnn.histories import Histories, histories
from gnn.likeness import RELATIONS, Likeness, related
from gnn.overlay import write_products
from gnn.scoring import Scorer, top
from gnn.stand_ins import StandIns
from gnn.tasks import Benchmark, Questions, Split
from gnn.train import choose_device, train_model, validation_split
from gnn.units import History
from ingestion.encoders import texts_of
from ingestion.encoders.text import load_text_encoder
from schema.snapshot import Snapshot, open_snapshot, write_manifest, writing_snapshot

K = 20
MOST_ASKED = 2_000
"""People, drawn at random where there are more."""
COLUMNS = ("cold among all", "cold among cold", "warm among all", "everything", "new in lists")
"""Recall of products that were taken out, among all and among themselves, of the others, of both; the share of the
former in all lists."""

Scores = Callable[[int, History], npt.NDArray[np.floating[Any]]]
"""Position and history of a person -> (N,)"""


@dataclass(frozen=True)
class Asked:
    """A withheld part and what everybody did before it."""

    withheld: Withheld
    past: Histories
    seed: int

    @classmethod
    def of(cls, benchmark: Benchmark, seed: int, *, validation: bool) -> "Asked":
        split = validation_split(benchmark.shop, benchmark.rule, seed) if validation else None
        # Other products are drawn than for the test part, so that nothing is chosen by these.
        withheld = withhold(split or Split(benchmark.shop, benchmark.test), seed + (1_000 if validation else 0))
        return cls(withheld, histories(withheld.seen), seed)

    def figures(self, scores: Scores, size: int) -> dict[str, float]:
        """`COLUMNS` of a ranking of all products."""
        shop, new = self.withheld.seen, np.arange(size) >= self.withheld.seen.products
        cold, warm = _by_person(self.withheld.cold), _by_person(self.withheld.warm)
        found: dict[str, list[float]] = {column: [] for column in COLUMNS}
        for user in _some([*{**cold, **warm}], self.seed):
            history, allowed = self.past.of(user), np.ones(size, bool)
            allowed[history.products[history.behaviours == shop.target]] = False
            ranked = np.asarray(scores(user, history), np.float64)
            listed = top(ranked, K, allowed)
            answers = [wanted[user] for wanted in (cold, warm) if user in wanted]
            found["everything"].append(np.isin(np.concatenate(answers), listed).mean())
            found["new in lists"].append(new[listed].mean())
            if user in warm:
                found["warm among all"].append(np.isin(warm[user], listed).mean())
            if user in cold:
                found["cold among all"].append(np.isin(cold[user], listed).mean())
                found["cold among cold"].append(np.isin(cold[user], top(ranked, K, allowed & new)).mean())
        return {column: float(np.mean(values)) for column, values in found.items()}


def _by_person(questions: Questions) -> dict[int, npt.NDArray[np.int32]]:
    return {int(user): questions.answers.of(row) for row, user in enumerate(questions.user)}


def _some(users: list[int], seed: int) -> list[int]:
    """All of them, or so many at random."""
    drawn: list[int] = np.random.default_rng(seed).permutation(sorted(users))[:MOST_ASKED].tolist()
    return drawn


def with_arrivals(withheld: Withheld, scorer: Scorer) -> Scorer:
    """The model after the products that were taken out have arrived."""
    return write_products(scorer, withheld.arrivals)


def ours(asked: Asked, scorer: Scorer) -> Scores:
    """As it is served."""
    shop = asked.withheld.seen
    as_of, names = datetime.fromtimestamp(shop.as_of_ms / 1000, UTC), shop.ids["User"]
    return lambda user, history: scorer.score(history, as_of, names[user])


def by_likeness(scorer: Scorer, likeness: Likeness) -> Scores:
    """The most like any product of the person, in text, else in any feature, else in relations."""
    modality = "text" if "text" in likeness.vectors else next(iter(likeness.vectors), RELATIONS)
    if modality == RELATIONS:
        rows = np.stack([related(scorer, position) for position in range(scorer.size)]).astype(np.float32)
        return lambda user, history: rows[np.unique(history.products)].sum(axis=0)
    vectors = likeness.vectors[modality].astype(np.float32)
    return lambda user, history: (vectors @ vectors[np.unique(history.products)].T).max(axis=1, initial=0.0)


def by_category(asked: Asked, scorer: Scorer) -> Scores:
    """What its categories sell on average; alike in one category, by chance among these."""
    shop, term = asked.withheld.seen, next(t for t in scorer.terms if t.term.name == "IN_CATEGORY")
    events = shop.events.product[shop.events.behaviour == shop.target]
    sold = np.bincount(events, minlength=scorer.size).astype(np.float64)
    listed = np.maximum(np.bincount(term.links.indices, minlength=term.links.shape[1]), 1)
    each = np.asarray(term.links @ ((term.links.T @ sold) / listed))
    chance = 1e-9 * np.random.default_rng(asked.seed).random(scorer.size)
    return lambda user, history: each + chance


def by_chance(asked: Asked, size: int) -> Scores:
    """Any order."""
    generator = np.random.default_rng(asked.seed)
    return lambda user, history: generator.random(size)


ABLATION: dict[str, tuple[frozenset[str], bool]] = {
    "text alone": (frozenset({"text"}), False),
    "picture alone": (frozenset({"image"}), False),
    "graph alone": (frozenset(), True),
    "text and picture": (frozenset({"text", "image"}), False),
    "all": (frozenset({"text", "image"}), True),
}
"""Features that stay, and whether relations do."""


def left_with(shop: Shop, features: frozenset[str], *, relations: bool) -> Shop:
    """The shop with some of its features, and with or without the relations of its products."""
    edges = shop.edges
    if not relations:
        edges = {name: Edges(e.source[:0], e.target[:0], e.weight[:0]) for name, e in edges.items()}
    return replace(shop, edges=edges, features={m: matrix for m, matrix in shop.features.items() if m in features})


def measure(benchmark: Benchmark, options: argparse.Namespace) -> dict[str, Any]:
    """All rows of the table for one seed."""
    if not options.ablation:
        return _measure_one(benchmark, options, baselines=True)
    rows = {}
    for name, (features, relations) in ABLATION.items():
        shop = left_with(benchmark.shop, features, relations=relations)
        found = _measure_one(replace(benchmark, shop=shop), options, baselines=False)
        rows[name] = found["ours"]
    return rows


def _measure_one(benchmark: Benchmark, options: argparse.Namespace, *, baselines: bool) -> dict[str, Any]:
    asked = Asked.of(benchmark, options.seed, validation=options.validation)
    shop, started = asked.withheld.seen, time.perf_counter()
    trained = train_model(
        shop,
        validation_split(shop, benchmark.rule, options.seed),
        goal="list",
        seed=options.seed,
        device=choose_device(None),
        minutes=options.minutes,
        version="cold",
    )
    seconds = time.perf_counter() - started
    scorer = with_arrivals(asked.withheld, trained.scorer)
    alone = replace(scorer, stand_ins=StandIns.none())
    rows: dict[str, Any] = {
        "ours": asked.figures(ours(asked, scorer), scorer.size),
        "ours, nobody standing in": asked.figures(ours(asked, alone), scorer.size),
    }
    if baselines and scorer.likeness is not None:
        rows["content alone"] = asked.figures(by_likeness(scorer, scorer.likeness), scorer.size)
        if any(term.term.name == "IN_CATEGORY" for term in scorer.terms):
            rows["category popularity"] = asked.figures(by_category(asked, scorer), scorer.size)
        rows["chance"] = asked.figures(by_chance(asked, scorer.size), scorer.size)
    likeness = scorer.likeness
    print(
        f"{shop.products} products and {len(asked.withheld.arrivals)} new ones, {len(asked.withheld.cold)} people took "
        f"one of these; trained in {seconds:.0f} s; likeness {likeness and (likeness.graph, round(likeness.scale, 2))}",
        flush=True,
    )
    return rows


def write_seen(snapshot: Snapshot, withheld: Withheld, out: Path) -> None:
    """The snapshot without events of the products that were taken out and without what came later."""
    events, gone = snapshot.events(), {product.id for product in withheld.arrivals}
    ids = np.array(snapshot.nodes("Product").column("id").to_pylist())
    left = ~np.isin(ids, list(gone))[events.column("product").to_numpy()]
    left &= events.column("time").cast(pa.int64()).to_numpy() < withheld.seen.as_of_ms
    with writing_snapshot(out) as folder:
        for part in ("nodes", "edges"):
            shutil.copytree(snapshot.path / part, folder / part, dirs_exist_ok=True)
        pq.write_table(events.filter(pa.array(left)), folder / "events.parquet")
        write_manifest(folder, snapshot.manifest.model_copy(update={"events": int(left.sum())}))


def encoded_by(snapshot: Snapshot, adapter: Path) -> npt.NDArray[np.float32]:
    """(N, d) texts of all products by a fine-tuned encoder."""
    source = snapshot.ontology.nodes["Product"].features["text"].source
    return load_text_encoder(adapter=adapter).encode(texts_of(snapshot.nodes("Product"), source))


def table(title: str, rows: dict[str, dict[str, float]]) -> Table:
    """The figures for a reader."""
    shown = Table(title=title)
    shown.add_column("")
    for column in COLUMNS:
        shown.add_column(column, justify="right")
    for name, figures in rows.items():
        shown.add_row(name, *(f"{figures[column]:.4f}" for column in COLUMNS))
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a snapshot, or the folder of a data set")
    parser.add_argument("--format", help="found out, if not said")
    parser.add_argument("--without", nargs="*", default=(), help="relations that are left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0, help="the longest that each training may take")
    parser.add_argument("--ablation", action="store_true", help="train with parts of what is known of products")
    parser.add_argument("--validation", action="store_true", help="ask the validation part")
    parser.add_argument("--seen", type=Path, help="write a snapshot of what may be seen there, and measure nothing")
    parser.add_argument("--adapter", type=Path, help="encode the texts anew with this adapter of the text encoder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    benchmark = read_question(options.data, options.format, (), seed=options.seed, without=options.without)
    if options.seen is not None:
        asked = Asked.of(benchmark, options.seed, validation=options.validation)
        write_seen(open_snapshot(options.data), asked.withheld, options.seen)
        return
    if options.adapter is not None:
        text = encoded_by(open_snapshot(options.data), options.adapter)
        benchmark = replace(benchmark, shop=replace(benchmark.shop, features={**benchmark.shop.features, "text": text}))
    rows, where = measure(benchmark, options), machine()
    Console(width=140).print(table(f"recall@{K}, {benchmark.name}, seed {options.seed}", rows))
    if options.json is not None:
        write_json({"rows": rows, "machine": where, "seed": options.seed, "benchmark": benchmark.name}, options.json)


if __name__ == "__main__":
    main()

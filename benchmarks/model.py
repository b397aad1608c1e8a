"""How fast the model's side is: propagation, ranking, one answer and its explanation, beside named baselines.

    python -m benchmarks.model --data ../shared/data --json model.json

trains on the training part of gowalla (two minutes on two cores), then measures. Whatever is compared
takes turns, so that a warm machine or a busy one favours neither.
"""

import argparse
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch_geometric.nn import LGConv

from benchmarks.machine import machine, write_json
from gnn.baselines.common import dot_ranker, interactions
from gnn.baselines.lightgcn import LightGCN, SymmetricConv, adjacency_of, edge_index_of
from gnn.batch import ModelRanker
from gnn.data import Float32, Shop
from gnn.datasets import read_benchmark
from gnn.evaluate import peak_memory
from gnn.explain import Explained, explain
from gnn.histories import Histories, histories
from gnn.incidence import incidences
from gnn.learn import carriers
from gnn.model import HOPS, LinearPropagation
from gnn.paths import BoolArray, FloatArray, IntArray
from gnn.ranking import NOTHING, history_products, rank
from gnn.scoring import Scorer, top
from gnn.tasks import Questions, Ragged, Ranker
from gnn.train import Trained, choose_device, train_model, validation_split
from gnn.units import History
from schema.progress import Report

WIDTH, K, FIRST = 64, 20, 5
REPEATS = 5
RESCORED = 20
"""People whose lists are also explained by scoring again; that takes seconds for some."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """Something measured beside a baseline: figures by name, milliseconds if not said, smaller is better."""

    what: str
    ours: Figures
    baselines: Mapping[str, Figures]


@dataclass(frozen=True)
class Asker:
    """Somebody who wants a list, as the server sees them."""

    viewer: str
    history: History
    allowed: BoolArray


@dataclass(frozen=True)
class Served:
    """A trained model, its shop's histories, and plain vectors of the latent term's width.

    Shapes:
        people: (U, d) made up.
        vectors: (N, d) those of the latent term.
    """

    shop: Shop
    past: Histories
    trained: Trained
    people: Float32
    vectors: Float32

    @property
    def scorer(self) -> Scorer:
        return self.trained.scorer

    @property
    def as_of(self) -> datetime:
        return datetime.fromtimestamp(self.shop.as_of_ms / 1000, UTC)

    def asker(self, user: int) -> Asker:
        """A user with what they have left out of their list."""
        history = self.past.of(user)
        allowed = np.ones(self.shop.products, bool)
        allowed[history.products] = False
        return Asker(self.shop.ids["User"][user], history, allowed)


def measure(folder: Path, users: int, *, seed: int = 0) -> dict[str, Any]:
    """All figures of a folder in the form of LightGCN.

    Args:
        folder: with train.txt and test.txt.
        users: how many test users get a single answer and its explanation.
        seed: of the training and of the users.
    """
    about = machine()
    benchmark = read_benchmark(folder, "lightgcn")
    shop = benchmark.shop
    served, training = trained_on(shop, seed)
    drawn = np.random.default_rng(seed).permutation(benchmark.test.user)
    askers = [served.asker(int(user)) for user in drawn[:users]]
    answers = one_list(served, askers, drawn)
    explained, readable = explanations(served, askers)
    return {
        "machine": about,
        "data": {"name": benchmark.name, "users": shop.users, "products": shop.products, "events": len(shop.events)},
        "training": training,
        "comparisons": [propagation(shop), full_ranking(served), answers, explained],
        "readable_share": {"mean": readable, "lists": len(askers), "k": K},
    }


def trained_on(shop: Shop, seed: int) -> tuple[Served, Figures]:
    """A model of the shop; seconds and the most memory until then."""
    started = time.perf_counter()
    split = validation_split(shop, "share", seed)
    trained = train_model(
        shop, split, goal="list", seed=seed, device=choose_device(None), version="benchmark", report=_told()
    )
    figures = {"seconds": time.perf_counter() - started, "peak_memory_bytes": float(peak_memory())}
    latent = trained.scorer.latent
    vectors = np.zeros((shop.products, WIDTH), np.float32) if latent is None else latent.vectors.astype(np.float32)
    people = np.random.default_rng(seed).normal(size=(shop.users, vectors.shape[1])).astype(np.float32)
    return Served(shop, histories(shop), trained, people, vectors), figures


def propagation(shop: Shop) -> Comparison:
    """Forward and backward over the whole graph on the CPU, as many layers of LightGCN as ours has hops.

    A hop goes from products to users and back, a layer from users to products and from products to users
    at once: both add up each interaction twice, so equal numbers of them do the same arithmetic.
    """
    matrix = sp.csr_array(interactions(shop))
    carrying = [i for i in carriers(incidences(shop)) if i.term.kind == "meeting"]
    ours = LinearPropagation(np.zeros((shop.products, WIDTH), np.float32), {}, carrying, len(shop.behaviours))
    edges, adjacency = edge_index_of(matrix), adjacency_of(matrix)
    over_edges, over_csr = (LightGCN(sum(matrix.shape), conv, WIDTH, HOPS) for conv in (LGConv(), SymmetricConv()))
    csr_name, edges_name = "LightGCN over CSR", "LightGCN, PyG LGConv over edge_index"
    taken = in_turns(
        {
            "ours": lambda: _there_and_back(ours, lambda: ours()),
            csr_name: lambda: _there_and_back(over_csr, lambda: over_csr(adjacency)),
            edges_name: lambda: _there_and_back(over_edges, lambda: over_edges(edges)),
        }
    )
    what = f"propagation, forward and backward, {HOPS} hops or layers, d = {WIDTH}"
    return Comparison(what, {"ms": taken["ours"]}, {name: {"ms": taken[name]} for name in (csr_name, edges_name)})


def full_ranking(served: Served) -> Comparison:
    """The first 20 of all products for all users, what they have left out."""
    shop = served.shop
    questions = Questions(
        user=np.arange(shop.users, dtype=np.int32),
        as_of_ms=np.full(shop.users, shop.as_of_ms, np.int64),
        answers=Ragged.from_rows(NOTHING, NOTHING, shop.users),
    )
    ours = ModelRanker.over(served.scorer, shop, served.trained.moment, served.trained.fitted.length_power)
    plain = dot_ranker(served.people, served.vectors, interactions(shop))
    seen = history_products(shop)

    def ranked(ranker: Ranker) -> Figures:
        rank(ranker, questions.take(np.arange(2)), seen, K)  # the walks are compiled
        seconds = timed(lambda: rank(ranker, questions, seen, K)) / 1000
        return {"s": seconds, "users/s": shop.users / seconds}

    what = f"first {K} of all products for all {shop.users:,} users"
    return Comparison(what, ranked(ours), {_plain(served): ranked(plain)})


def one_list(served: Served, askers: Sequence[Asker], users: IntArray) -> Comparison:
    """One user's first 20 as a request has them, beside a dense product of the latent term's width."""
    by_model, by_product = [], []
    _ = [first_products(served, asker) for asker in askers[:5]]  # the walks are compiled
    for asker, user in zip(askers, users, strict=False):
        person = served.people[user]
        by_model.append(timed(lambda asker=asker: first_products(served, asker)))  # type: ignore[misc]
        by_product.append(timed(lambda p=person, a=asker: top(served.vectors @ p, K, a.allowed)))  # type: ignore[misc]
    what = f"one user's first {K} of {served.shop.products:,} products"
    return Comparison(what, quantiles(by_model), {_plain(served): quantiles(by_product)})


def explanations(served: Served, askers: Sequence[Asker]) -> tuple[Comparison, float]:
    """A list of 20 taken apart, beside scoring again without each unit; and the share of it that is readable."""
    milliseconds, shares, again = [], [], []
    _ = [taken_apart(served, asker, first_products(served, asker)) for asker in askers[:5]]
    for number, asker in enumerate(askers):
        listed = first_products(served, asker)
        started = time.perf_counter()
        found = taken_apart(served, asker, listed)
        milliseconds.append(1000 * (time.perf_counter() - started))
        shares.append(float(np.mean([one.readable_share for one in found])))
        if number < RESCORED:
            again.append(timed(lambda asker=asker, listed=listed: rescored(served, asker, listed)))  # type: ignore[misc]
    baseline = f"scoring again without each unit ({len(again)} users)"
    what = f"explanation of {K} products, {FIRST} contributions each"
    return Comparison(what, quantiles(milliseconds), {baseline: quantiles(again)}), float(np.mean(shares))


def first_products(served: Served, asker: Asker) -> IntArray:
    """(20,) positions."""
    return top(served.scorer.score(asker.history, served.as_of, asker.viewer), K, asker.allowed)


def taken_apart(served: Served, asker: Asker, listed: IntArray) -> list[Explained]:
    """The scores of a list with their largest contributions."""
    return explain(served.scorer, asker.history, listed.tolist(), served.as_of, asker.viewer, first=FIRST)


def rescored(served: Served, asker: Asker, listed: IntArray) -> FloatArray:
    """(J, 20) what the scores of a list lose without each unit: how a model that is no sum would be asked."""
    whole = served.scorer.score(asker.history, served.as_of, asker.viewer)[listed]
    units = np.arange(len(asker.history))
    rest = (asker.history.take(units != unit) for unit in units)
    return np.array([whole - served.scorer.score(h, served.as_of, asker.viewer)[listed] for h in rest])


def in_turns(works: Mapping[str, Callable[[], object]], repeats: int = REPEATS) -> Figures:
    """Median milliseconds of each, after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            gc.collect()
            milliseconds = timed(work)
            if turn:
                taken[name].append(milliseconds)
    return {name: float(np.median(found)) for name, found in taken.items()}


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that something takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def quantiles(milliseconds: Sequence[float]) -> Figures:
    """The middle and the slow end."""
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {"p50 ms": float(p50), "p99 ms": float(p99)}


def show(report: Mapping[str, Any]) -> None:
    """The report as a table."""
    data, training, about = report["data"], report["training"], report["machine"]
    table = Table(title=f"{data['name']}: {data['events']:,} events on {about['cores']} cores")
    for name in ("", "figure", "Pathrec", "baseline", "its figure", "ours / its"):
        table.add_column(name, justify="left" if name in ("", "figure", "baseline") else "right")
    for found in report["comparisons"]:
        for name, theirs in found.baselines.items():
            for figure, value in found.ours.items():
                ratio = f"{value / theirs[figure]:.2f}"
                table.add_row(found.what, figure, f"{value:,.2f}", name, f"{theirs[figure]:,.2f}", ratio)
    console = Console()
    console.print(table)
    memory = training["peak_memory_bytes"] / 2**30
    console.print(f"training: {training['seconds']:.0f} s, peak memory {memory:.1f} GiB")
    share = report["readable_share"]
    console.print(f"readable share of {share['lists']} lists of {share['k']}: {share['mean']:.3f}")


def as_json(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as plain data."""
    rows = [
        {"what": found.what, "pathrec": found.ours, "baselines": dict(found.baselines)}
        for found in report["comparisons"]
    ]
    return {**report, "comparisons": rows}


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds gowalla's folder")
    parser.add_argument("--users", type=int, default=500, help="who get a single answer (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    report = measure(options.data / "gowalla", options.users)
    show(report)
    if options.json:
        write_json(as_json(report), options.json)


def _there_and_back(model: torch.nn.Module, forward: Callable[[], Tensor]) -> None:
    model.zero_grad(set_to_none=True)
    result = forward()
    result.backward(torch.ones_like(result))  # type: ignore[no-untyped-call]


def _plain(served: Served) -> str:
    return f"dense dot product, d = {served.vectors.shape[1]}"


def _told() -> Report:
    """Prints each stage of training once."""
    stages: set[str] = set()

    def report(stage: str, done: int, total: int) -> None:
        if stage not in stages:
            stages.add(stage)
            print(f"{stage} …", flush=True)

    return report


if __name__ == "__main__":
    main()

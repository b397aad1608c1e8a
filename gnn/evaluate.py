"""Evaluation: a model and its baselines trained on the same part, tuned on the same questions, asked once.

What is ranked is the serving form: the scores are those of `gnn.scoring`, for many people at once.
"""

import platform
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

from gnn.batch import ModelRanker
from gnn.build import Fitted, Learned, build, moment_of, with_demand
from gnn.data import Shop
from gnn.fit import Goal
from gnn.measure import Measured, measure_by_protocol
from gnn.readable import Point, readable_curve, readable_share
from gnn.rivals import Rival, ask_rival
from gnn.tasks import Benchmark, Split
from gnn.train import MINUTES, Trained, choose_device, fit_document, train_model, validation_split
from schema.progress import Report, silent

OURS = "pathrec"
TRAIN_HISTORY = "train_history"
USUAL = ("popularity", "item-knn")
"""Baselines of every evaluation; the others are asked for."""


@dataclass(frozen=True)
class Evaluation:
    """Figures of one benchmark.

    Attributes:
        measured: of our model.
        segments: further questions -> ours.
        readable_share: as of `gnn.readable`, of the test questions.
        readable_curve: as of `gnn.readable`, of the validation questions, if it was asked for.
        rivals: name -> baseline.
        trained: the model that was asked.
        seconds: for training (all weights included) and for ranking.
    """

    benchmark: Benchmark
    measured: Measured
    segments: Mapping[str, Measured]
    rivals: Mapping[str, Rival]
    readable_share: float | None
    readable_curve: Sequence[Point] | None
    trained: Trained
    seconds: Mapping[str, float]
    config: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        ran = {name: rival.measured for name, rival in self.rivals.items() if rival.measured is not None}
        return {
            "benchmark": self.benchmark.name,
            "metrics": dict(self.measured.metrics),
            "intervals": {name: list(ends) for name, ends in self.measured.intervals.items()},
            "groups": {name: asdict(group) for name, group in self.measured.groups.items()},
            "questions": self.measured.questions,
            "models": {OURS: dict(self.measured.metrics)} | {name: dict(m.metrics) for name, m in ran.items()},
            "baselines": {name: rival.as_dict() for name, rival in self.rivals.items()},
            "published": {p.model: dict(p.metrics) for p in self.benchmark.published},
            "segments": {
                segment: {OURS: dict(found.metrics)}
                | {name: dict(r.segments[segment].metrics) for name, r in self.rivals.items() if segment in r.segments}
                for segment, found in self.segments.items()
            },
            "readable_share": self.readable_share,
            **({} if self.readable_curve is None else {"readable_curve": [asdict(p) for p in self.readable_curve]}),
            "config": dict(self.config) | {"fit": fit_document(self.trained.fitted, self.benchmark.shop.behaviours)},
            "seconds": dict(self.seconds),
            "peak_memory_bytes": peak_memory(),
            "versions": versions(),
            "notes": list(self.benchmark.notes),
        }


def evaluate(
    benchmark: Benchmark,
    *,
    seed: int = 0,
    minutes: float = MINUTES,
    baselines: Sequence[str] = USUAL,
    curve: bool = False,
    device: str | None = None,
    report: Report = silent,
) -> Evaluation:
    """Trains on what a benchmark shows and answers its test questions, once.

    Args:
        benchmark: the data and its protocol.
        seed: of the validation part, the learning and the bootstrap.
        minutes: the longest that training may take; each baseline gets the time that ours took.
        baselines: names of `gnn.baselines.BASELINES`.
        curve: whether to measure on the validation part what the terms without paths are worth.
        device: as of `gnn.train.train`.
        report: told how far it is.

    Raises:
        TrainingError: the data cannot be split, or there is too little memory.
    """
    shop = benchmark.shop
    validation = benchmark.validation or validation_split(shop, benchmark.rule, seed)
    started = time.perf_counter()
    trained = train_model(
        shop,
        validation,
        goal=goal_of(benchmark),
        seed=seed,
        device=choose_device(device),
        minutes=minutes,
        version="evaluation",
        report=report,
    )
    training = time.perf_counter() - started
    ranker = model_ranker(trained, benchmark.happened or shop)
    started = time.perf_counter()
    measured = measure_by_protocol(benchmark, ranker, benchmark.test, seed, report)
    ranking = time.perf_counter() - started
    asked = benchmark.segments or {}
    segments = {name: measure_by_protocol(benchmark, ranker, part, seed, report) for name, part in asked.items()}
    if benchmark.happened is not None:
        before = model_ranker(trained, shop)
        segments[TRAIN_HISTORY] = measure_by_protocol(benchmark, before, benchmark.test, seed, report)
    share = readable_share(ranker, shop, benchmark.test, seed)
    points = _curve(benchmark, trained, validation, seed, report) if curve else None
    rivals = {name: ask_rival(name, benchmark, validation, training, seed, report) for name in baselines}
    return Evaluation(
        benchmark=benchmark,
        measured=measured,
        segments=segments,
        rivals=rivals,
        readable_share=share,
        readable_curve=points,
        trained=trained,
        seconds={"training": training, "ranking": ranking},
        config={
            "seed": seed,
            "minutes": minutes,
            "rule": benchmark.rule if benchmark.validation is None else "the data set's own validation part",
            "users": shop.users,
            "products": shop.products,
            "events": len(shop.events),
            "relations": {name: len(edges.source) for name, edges in shop.edges.items() if len(edges.source)},
        },
    )


def model_ranker(trained: Trained, happened: Shop) -> ModelRanker:
    """A model that knows what has happened in a shop: histories and demand count without training."""
    moment = replace(trained.moment, demand=trained.moment.demand.since(happened))
    scorer = with_demand(trained.scorer, moment, happened)
    return ModelRanker.over(scorer, happened, moment, trained.fitted.length_power)


def validation_ranker(trained: Trained, validation: Split, seed: int) -> ModelRanker:
    """The model of what the validation part lets see, with the weights that were fitted on its questions."""
    return fitted_ranker(trained.before, trained.fitted, validation, seed)


def fitted_ranker(before: Learned, fitted: Fitted, split: Split, seed: int) -> ModelRanker:
    """The model of what was learned from what a split lets see, with fitted weights."""
    scorer = build(before, fitted, seed=seed, version="validation")
    return ModelRanker.over(scorer, split.seen, moment_of(split.seen, fitted), fitted.length_power)


def goal_of(benchmark: Benchmark) -> Goal:
    """What to be good at, by the main metric."""
    return "auc" if benchmark.metrics[0].startswith("auc") else "list"


def _curve(benchmark: Benchmark, trained: Trained, validation: Split, seed: int, report: Report) -> tuple[Point, ...]:
    return readable_curve(
        validation_ranker(trained, validation, seed),
        validation,
        benchmark.metrics[:2],
        ties_against=benchmark.ties_against,
        seed=seed,
        report=report,
    )


def peak_memory() -> int:
    """The most memory that this process held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions() -> dict[str, str]:
    """Of what the figures depend on."""
    names = ("torch", "torch-geometric", "numpy", "scipy", "numba")
    return {"python": platform.python_version()} | {name: version(name) for name in names}

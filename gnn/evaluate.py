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

from gnn.baselines import BASELINES, Skipped
from gnn.batch import ModelRanker
from gnn.data import Shop
from gnn.fit import Goal
from gnn.histories import histories
from gnn.measure import Measured, measure
from gnn.tasks import Benchmark, Questions, Ranker, Split
from gnn.train import MINUTES, Trained, choose_device, fit_document, train_model, validation_split
from schema.progress import Report, silent

OURS = "pathrec"
TRAIN_HISTORY = "train_history"
USUAL = ("popularity", "item-knn")
"""Baselines of every evaluation; the others are asked for."""


@dataclass(frozen=True)
class Rival:
    """A baseline's figures, or why there are none."""

    measured: Measured | None
    tuned: Mapping[str, float]
    converged: bool
    note: str
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """Figures of one benchmark.

    Attributes:
        measured: of our model.
        segments: further questions -> ours; rivals' are in `rival_segments`.
        rivals: name -> baseline.
        trained: the model that was asked.
        seconds: for training (all weights included) and for ranking.
    """

    benchmark: Benchmark
    measured: Measured
    segments: Mapping[str, Measured]
    rivals: Mapping[str, Rival]
    rival_segments: Mapping[str, Mapping[str, Measured]]
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
            "baselines": {name: _rival(rival) for name, rival in self.rivals.items()},
            "published": {p.model: dict(p.metrics) for p in self.benchmark.published},
            "segments": {
                segment: {OURS: dict(found.metrics)}
                | {name: dict(m[segment].metrics) for name, m in self.rival_segments.items()}
                for segment, found in self.segments.items()
            },
            "config": dict(self.config) | {"fit": fit_document(self.trained.fitted)},
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
    device: str | None = None,
    report: Report = silent,
) -> Evaluation:
    """Trains on what a benchmark shows and answers its test questions, once.

    Args:
        benchmark: the data and its protocol.
        seed: of the validation part, the learning and the bootstrap.
        minutes: the longest that training may take; each baseline gets the time that ours took.
        baselines: names of `gnn.baselines.BASELINES`.
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
    measured = _measured(benchmark, ranker, benchmark.test, seed, report)
    ranking = time.perf_counter() - started
    asked = benchmark.segments or {}
    segments = {name: _measured(benchmark, ranker, questions, seed, report) for name, questions in asked.items()}
    if benchmark.happened is not None:
        segments[TRAIN_HISTORY] = _measured(benchmark, model_ranker(trained, shop), benchmark.test, seed, report)
    rivals, rival_segments = {}, {}
    for name in baselines:
        rivals[name], rival_segments[name] = _rival_of(name, benchmark, validation, training, seed, report)
    return Evaluation(
        benchmark=benchmark,
        measured=measured,
        segments=segments,
        rivals=rivals,
        rival_segments={name: found for name, found in rival_segments.items() if found},
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
    return ModelRanker(trained.scorer, histories(happened), moment, trained.fitted.length_power)


def goal_of(benchmark: Benchmark) -> Goal:
    """What to be good at, by the main metric."""
    return "auc" if benchmark.metrics[0].startswith("auc") else "list"


def _measured(
    benchmark: Benchmark, ranker: Ranker, questions: Questions, seed: int, report: Report = silent
) -> Measured:
    return measure(
        ranker,
        benchmark.shop,
        questions,
        benchmark.metrics,
        ties_against=benchmark.ties_against,
        seed=seed,
        report=report,
    )


def _rival_of(
    name: str, benchmark: Benchmark, validation: Split, seconds: float, seed: int, report: Report
) -> tuple[Rival, dict[str, Measured]]:
    report(f"baseline {name}", 0, 1)
    main = benchmark.metrics[0]

    def goal(ranker: Ranker, questions: Questions) -> float:
        ties = benchmark.ties_against
        return measure(ranker, validation.seen, questions, [main], ties_against=ties).metrics[main]

    started = time.perf_counter()
    fitted = BASELINES[name](benchmark.shop, validation, goal, seconds=seconds, seed=seed)
    if isinstance(fitted, Skipped):
        report(f"baseline {name}", 1, 1)
        return Rival(None, {}, False, fitted.reason, time.perf_counter() - started), {}
    took = time.perf_counter() - started
    measured = _measured(benchmark, fitted.ranker, benchmark.test, seed)
    asked = benchmark.segments or {}
    segments = {part: _measured(benchmark, fitted.ranker, questions, seed) for part, questions in asked.items()}
    report(f"baseline {name}", 1, 1)
    return Rival(measured, fitted.tuned, fitted.converged, fitted.note, took), segments


def _rival(rival: Rival) -> dict[str, Any]:
    return {
        "metrics": None if rival.measured is None else dict(rival.measured.metrics),
        "tuned": dict(rival.tuned),
        "converged": rival.converged,
        "note": rival.note,
        "seconds": rival.seconds,
    }


def peak_memory() -> int:
    """The most memory that this process held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions() -> dict[str, str]:
    """Of what the figures depend on."""
    names = ("torch", "torch-geometric", "numpy", "scipy", "numba")
    return {"python": platform.python_version()} | {name: version(name) for name in names}

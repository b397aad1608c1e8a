"""Baselines beside the model: tuned on the same questions, within the time that the model took."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gnn.baselines import BASELINES, Goal, Skipped
from gnn.measure import Measured, measure, measure_by_protocol
from gnn.tasks import Benchmark, Questions, Ranker, Split
from schema.progress import Report


@dataclass(frozen=True)
class Rival:
    """A baseline's figures, or why there are none.

    Attributes:
        measured: on the test questions; None if it was left out.
        tuned: its parameters.
        converged: whether it was done when its time was over.
        note: what a reader of the figures must know.
        seconds: for tuning and training.
        segments: further questions of the benchmark -> figures.
    """

    measured: Measured | None
    tuned: Mapping[str, float]
    converged: bool
    note: str
    seconds: float
    segments: Mapping[str, Measured] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; segments stand elsewhere."""
        return {
            "metrics": None if self.measured is None else dict(self.measured.metrics),
            "tuned": dict(self.tuned),
            "converged": self.converged,
            "note": self.note,
            "seconds": self.seconds,
        }


def ask_rival(name: str, benchmark: Benchmark, validation: Split, seconds: float, seed: int, report: Report) -> Rival:
    """Tunes, trains and measures a baseline.

    Args:
        name: one of `gnn.baselines.BASELINES`.
        benchmark: the data and its protocol.
        validation: what it is tuned on.
        seconds: the longest that this may take.
        seed: of its learning and of the bootstrap.
        report: told when it begins and ends.
    """
    report(f"baseline {name}", 0, 1)
    goal = tuning_goal(validation, benchmark.metrics[0], ties_against=benchmark.ties_against)
    started = time.perf_counter()
    fitted = BASELINES[name](benchmark.shop, validation, goal, seconds=seconds, seed=seed)
    took = time.perf_counter() - started
    if isinstance(fitted, Skipped):
        report(f"baseline {name}", 1, 1)
        return Rival(None, {}, False, fitted.reason, took)
    measured = measure_by_protocol(benchmark, fitted.ranker, benchmark.test, seed)
    asked = benchmark.segments or {}
    segments = {part: measure_by_protocol(benchmark, fitted.ranker, found, seed) for part, found in asked.items()}
    report(f"baseline {name}", 1, 1)
    return Rival(measured, fitted.tuned, fitted.converged, fitted.note, took, segments)


def tuning_goal(validation: Split, metric: str, *, ties_against: bool = False) -> Goal:
    """What a baseline's settings are chosen by: one metric of the validation questions; as of `gnn.measure`."""

    def goal(ranker: Ranker, questions: Questions) -> float:
        return measure(ranker, validation.seen, questions, [metric], ties_against=ties_against).metrics[metric]

    return goal

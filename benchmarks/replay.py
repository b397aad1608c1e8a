"""What going on learning is worth: a shop with times replayed week by week, asked for first purchases.

    python -m benchmarks.replay --snapshot SNAPSHOT --json replay.json --weeks 26

`MODELS` says who answers. Every one is asked the same: what known users bought for the first time in a week, as of
its beginning. The JSON file is written after every week; `--from` takes it up again. Beside it lie the vectors
that the next week goes on from (`replay.week-7.npz`).
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, write_json, write_text
from benchmarks.plot import Line, Panel, svg
from gnn.baselines import BASELINES, Skipped
from gnn.batch import ModelRanker
from gnn.data import Float32, Shop, TrainingError, read_shop
from gnn.evaluate import model_ranker
from gnn.measure import measure
from gnn.rivals import tuning_goal
from gnn.splits import split_at
from gnn.tasks import Questions, Ranker
from gnn.train import Trained, choose_device, earlier_vectors, train_model, validation_split
from gnn.units import MS_PER_DAY
from schema.errors import PathrecError
from schema.files import replacing_file
from schema.snapshot import open_snapshot

WEEKS = 26
WEEK_MS = int(7 * MS_PER_DAY)
METRICS = ("recall@20", "ndcg@20")
MODELS = {
    "never": "trained before the first week; knows nothing of what has happened since",
    "fold-in only": "the same weights and paths; histories and demand know what has happened, as in a running server",
    "fold-in, demand frozen": "the same, but prior and trend stay as they were trained",
    "continued": "trained anew each week, going on from last week's vectors",
    "retrained": "trained from nothing each week",
    "popularity": "what is bought lately, its half-life tuned each week",
    "item-knn": "nearest neighbours, tuned and fitted each week",
}
RIVALS = ("popularity", "item-knn")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Replay:
    """A shop and the weeks that it is asked about.

    Attributes:
        starts: (W,) moments at which the weeks begin.
        seed: of all training.
    """

    shop: Shop
    starts: Sequence[int]
    seed: int

    @cached_property
    def first(self) -> Trained:
        """The model that was trained before the first week."""
        return self.trained(self.before(self.starts[0]))

    def before(self, moment: int) -> Shop:
        """What has happened until a moment."""
        return self.shop.until(moment)

    def trained(self, seen: Shop, earlier: Float32 | None = None) -> Trained:
        """A model of what has happened, as `pathrec train` makes it."""
        return train_model(
            seen,
            validation_split(seen, "time", self.seed),
            goal="list",
            seed=self.seed,
            device=choose_device(None),
            earlier=earlier,
            version="replay",
        )


def weeks_of(shop: Shop, weeks: int | None, start_days: float | None) -> list[int]:
    """Moments at which the replayed weeks begin; all of them end within the data.

    Args:
        shop: with times.
        weeks: how many; `WEEKS`, or as many as there are after the start.
        start_days: days of data before the first week; the last weeks of the data are replayed if not said.

    Raises:
        TrainingError: there are no times, or too few days.
    """
    if not shop.has_times:
        raise TrainingError("all events happened at one moment; a replay needs a shop with times")
    begin, end = int(shop.events.time_ms.min()), int(shop.events.time_ms.max()) + 1
    if start_days is None:
        count = weeks or WEEKS
        start = end - count * WEEK_MS
    else:
        start = begin + int(start_days * MS_PER_DAY)
        count = weeks or (end - start) // WEEK_MS
    if start <= begin or count < 1 or start + count * WEEK_MS > end:
        days = (end - begin) / MS_PER_DAY
        raise TrainingError(
            f"the data spans {days:.0f} days, too few for {count} weeks after the start; "
            "ask for fewer weeks or begin earlier"
        )
    return [start + number * WEEK_MS for number in range(count)]


def week(replay: Replay, number: int, vectors: Float32 | None) -> tuple[dict[str, Any], Float32 | None]:
    """The figures of one week, and the vectors that the next one goes on from.

    Args:
        replay: the shop and its weeks.
        number: which week.
        vectors: (N, d) that last week ended with; None before the first week.
    """
    moment = replay.starts[number]
    split = split_at(replay.shop.until(moment + WEEK_MS), moment)
    seen, asked = split.seen, split.ask(split.first)
    found: dict[str, Any] = {"start": _day(moment), "questions": len(asked), "models": {}}
    models: dict[str, Callable[[], tuple[Ranker, float]]] = {
        "never": lambda: (frozen(replay.first, replay.before(replay.starts[0])), 0.0),
        "fold-in only": lambda: (model_ranker(replay.first, seen), 0.0),
        "fold-in, demand frozen": lambda: (with_demand_frozen(replay.first, seen), 0.0),
    }
    # The first week's three are one model: nobody has anything to go on from.
    again, seconds = _timed(lambda: replay.first if number == 0 else replay.trained(seen))
    models["retrained"] = lambda: (model_ranker(again, seen), seconds)
    going_on, its_seconds = _timed(lambda: again if number == 0 else replay.trained(seen, vectors))
    models["continued"] = lambda: (model_ranker(going_on, seen), seconds if number == 0 else its_seconds)
    models |= {name: lambda name=name: rival(name, seen, replay.seed) for name in RIVALS}  # type: ignore[misc]
    for name in MODELS:
        ranker, taken = models[name]()
        found["models"][name] = {"seconds": taken} | (figures(ranker, seen, asked, replay.seed) if len(asked) else {})
    return found, earlier_vectors(going_on.scorer, replay.shop)


def frozen(trained: Trained, seen: Shop) -> Ranker:
    """A model whose every answer is that of the moment of training."""
    inner = model_ranker(trained, seen)

    def answer(questions: Questions) -> Float32:
        return inner(replace(questions, as_of_ms=np.full_like(questions.as_of_ms, seen.as_of_ms)))

    return answer


def with_demand_frozen(trained: Trained, seen: Shop) -> Ranker:
    """A model that knows each history, with the prior and the trend of the moment of training."""
    return ModelRanker.over(trained.scorer, seen, trained.moment)


def rival(name: str, seen: Shop, seed: int) -> tuple[Ranker, float]:
    """A baseline, tuned and fitted on what has happened; and its seconds."""
    validation = validation_split(seen, "time", seed)
    goal = tuning_goal(validation, METRICS[0])
    fitted, seconds = _timed(lambda: BASELINES[name](seen, validation, goal, seconds=600.0, seed=seed))
    if isinstance(fitted, Skipped):
        raise PathrecError(f"{name}: {fitted.reason}")
    return fitted.ranker, seconds


def figures(ranker: Ranker, seen: Shop, asked: Questions, seed: int) -> dict[str, Any]:
    """What the answers of a week are worth, with their intervals over users."""
    found = measure(ranker, seen, asked, METRICS, seed=seed)
    return dict(found.metrics) | {"intervals": {name: list(ends) for name, ends in found.intervals.items()}}


def replayed(
    replay: Replay, data: Mapping[str, Any], *, earlier: Mapping[str, Any] | None = None, json_path: Path | None = None
) -> dict[str, Any]:
    """All weeks, one after the other; the document of the run.

    Args:
        replay: the shop and its weeks.
        data: what the document says of them.
        earlier: the document of an earlier run of the same weeks, which keeps its figures.
        json_path: receives the document after each week.

    Raises:
        PathrecError: the earlier run was another, or its vectors are gone.
    """
    about = machine()
    weeks = _kept(data, earlier)
    vectors = _read_vectors(json_path, len(weeks)) if weeks and len(weeks) < len(replay.starts) else None
    report = document(about, data, weeks)
    for number in range(len(weeks), len(replay.starts)):
        started = time.perf_counter()
        found, vectors = week(replay, number, vectors)
        weeks.append(found)
        report = document(about, data, weeks)
        print(f"week {number + 1} of {len(replay.starts)}: {time.perf_counter() - started:.0f} s", flush=True)
        if json_path:
            _write_vectors(json_path, number + 1, vectors)
            write_json(report, json_path)
    return report


def document(about: Mapping[str, Any], data: Mapping[str, Any], weeks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For JSON, and for `--from`."""
    return {
        "command": shlex.join(["python", "-m", "benchmarks.replay", *sys.argv[1:]]),
        "machine": dict(about),
        "data": dict(data),
        "models": MODELS,
        "weeks": list(weeks),
    }


def facts(replay: Replay, name: str) -> dict[str, Any]:
    """What was replayed; equal for two runs that may be one."""
    shop = replay.shop
    return {
        "name": name,
        "users": shop.users,
        "products": shop.products,
        "events": len(shop.events),
        "first_week": _day(replay.starts[0]),
        "weeks": len(replay.starts),
        "seed": replay.seed,
    }


def mean(report: Mapping[str, Any], model: str, metric: str) -> float:
    """Over all questions of all weeks for a metric, over the weeks for seconds; NaN if there are none."""
    weeks = [found for found in report["weeks"] if metric in found["models"][model]]
    if metric == "seconds":
        return fmean(found["models"][model][metric] for found in weeks) if weeks else float("nan")
    total = sum(found["questions"] for found in weeks)
    return sum(found["models"][model][metric] * found["questions"] for found in weeks) / total if total else np.nan


def show(report: Mapping[str, Any]) -> None:
    """The main metric week by week, then what each model reached in all of them."""
    data, main = report["data"], METRICS[0]
    weeks = Table(title=f"{data['name']}: {main} of first purchases, week by week", box=box.SIMPLE, padding=(0, 0))
    for name in ("week", "asked", *MODELS):
        weeks.add_column(name, justify="right", no_wrap=name == "week")
    for found in report["weeks"]:
        values = [found["models"][model].get(main) for model in MODELS]
        figures = ("–" if value is None else f"{value:.4f}" for value in values)
        weeks.add_row(found["start"], str(found["questions"]), *figures)
    models = Table(title=f"{len(report['weeks'])} weeks from {data['first_week']}")
    for name in ("model", *METRICS, "seconds a week"):
        models.add_column(name, justify="left" if name == "model" else "right")
    for model in MODELS:
        reached = (f"{mean(report, model, metric):.4f}" for metric in METRICS)
        models.add_row(model, *reached, f"{mean(report, model, 'seconds'):,.0f}")
    console = Console()
    console.print(weeks)
    console.print(models)
    for model, says in MODELS.items():
        console.print(f"{model}: {says}", highlight=False)


def picture(report: Mapping[str, Any]) -> str:
    """Each metric week by week, as SVG."""
    weeks = report["weeks"]
    panels = [
        Panel(
            f"{metric} of first purchases",
            f"week from {report['data']['first_week']}",
            metric,
            [
                Line(
                    model,
                    [float(number + 1) for number in range(len(weeks))],
                    [found["models"][model].get(metric, float("nan")) for found in weeks],
                )
                for model in MODELS
            ],
        )
        for metric in METRICS
    ]
    return svg(panels, f"{' and '.join(METRICS)} of each model, week by week")


def main() -> None:
    """Replays and reports."""
    options = _parse()
    earlier = json.loads(options.earlier.read_bytes()) if options.earlier else None
    shop = read_shop(open_snapshot(options.snapshot))
    replay = Replay(shop, weeks_of(shop, options.weeks, options.start_days), options.seed)
    name = options.name or options.snapshot.resolve().name
    report = replayed(replay, facts(replay, name), earlier=earlier, json_path=options.json)
    show(report)
    write_text(picture(report), options.out)


def _kept(data: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if earlier is None:
        return []
    if earlier["data"] != data:
        raise PathrecError(
            f"the earlier run was of {earlier['data']}, this one is of {data}; begin anew without --from"
        )
    return list(earlier["weeks"])


def _vectors_path(json_path: Path, weeks: int) -> Path:
    return json_path.with_name(f"{json_path.stem}.week-{weeks}.npz")


def _write_vectors(json_path: Path, weeks: int, vectors: Float32 | None) -> None:
    """Keeps last week's as well, since the JSON file still speaks of that."""
    with replacing_file(_vectors_path(json_path, weeks)) as aside, aside.open("wb") as file:
        np.savez(file, *([] if vectors is None else [vectors]))
    _vectors_path(json_path, weeks - 2).unlink(missing_ok=True)


def _read_vectors(json_path: Path | None, weeks: int) -> Float32 | None:
    if json_path is None:
        raise PathrecError(
            "name the file of the earlier run by --json as well; the vectors to go on from lie beside it"
        )
    path = _vectors_path(json_path, weeks)
    if not path.is_file():
        raise PathrecError(f"{path}: is not there, but the next week goes on from it; begin anew without --from")
    with np.load(path) as file:
        return np.asarray(file["arr_0"], np.float32) if "arr_0" in file else None


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment / 1000, UTC):%Y-%m-%d}"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshot", type=Path, required=True, help="as `pathrec export` writes it, with times")
    parser.add_argument("--name", help="what to call it; the folder's name if not said")
    parser.add_argument("--weeks", type=int, help=f"how many ({WEEKS}, or all after --start-days)")
    parser.add_argument("--start-days", type=float, help="days of data before the first week")
    parser.add_argument("--seed", type=int, default=0, help="of all training (%(default)s)")
    parser.add_argument("--from", dest="earlier", type=Path, help="JSON file of an earlier run to go on from")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--out", type=Path, default=Path("docs/replay.svg"), help="the picture (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()

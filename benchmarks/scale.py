"""How far one machine goes: shops of growing size trained by default, each in a process of its own.

    python -m benchmarks.scale --json scale.json --out docs/scale.svg

makes shops (`benchmarks.made_shop`) of 10,000 to 1,000,000 products with as many users and ten events a user,
trains on all but the last 30 days and asks for first purchases of those. The JSON file is written after every
size; `--from` takes it up again. The table goes into `docs/scale.md`, between its two marks.
"""

import argparse
import json
import shlex
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.machine import in_fresh_process, machine, write_json, write_text
from benchmarks.made_shop import made_shop
from benchmarks.plot import Line, Panel, svg
from gnn.baselines import BASELINES, Skipped
from gnn.data import Shop
from gnn.evaluate import model_ranker, peak_memory
from gnn.histories import histories
from gnn.measure import measure
from gnn.ranking import BATCH
from gnn.scoring import top
from gnn.splits import TEST_DAYS, split_at
from gnn.tasks import Questions, Ranker, Split
from gnn.train import MINUTES, Trained, choose_device, memory_needed, train_model, validation_split
from gnn.units import MS_PER_DAY
from schema.errors import PathrecError

SIZES = ("10k", "100k", "1M")
BEGIN, END = "<!-- scale: begin -->", "<!-- scale: end -->"
BUILDING = "building"
K = 20
METRICS = (f"hit_rate@{K}", f"recall@{K}", f"ndcg@{K}")
ASKED, TUNED, ANSWERED = 1_000, 300, 200
"""Users of the held-out sample, questions that popularity is tuned on, answers that are timed."""
# Scores that are held at once while a sample is ranked.
SCORES = 2**23
GIB = 2**30

Figures = dict[str, float]


class Stages:
    """Listens to training: seconds of each stage, and the most memory that the process held in it.

    Training tells of a stage when a step of it is done, so what prepares a stage counts to it: the smooth part
    and the questions to the first fit. What follows the last step told is `BUILDING`.
    """

    INTERVAL = 0.02

    def __init__(self) -> None:
        self.seconds: Figures = {}
        self.memory: Figures = {}
        self._process, self._highest, self._told = psutil.Process(), 0, time.perf_counter()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`schema.progress.Report`."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._told
        self.memory[stage] = max(self.memory.get(stage, 0.0), float(self._highest))
        self._told, self._highest = now, 0

    def __enter__(self) -> "Stages":
        self._told = time.perf_counter()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()
        self(BUILDING, 1, 1)

    def _look(self) -> None:
        while not self._over.is_set():
            self._highest = max(self._highest, self._process.memory_info().rss)
            self._over.wait(self.INTERVAL)


def measured(products: int, *, seed: int = 0, minutes: float = MINUTES) -> dict[str, Any]:
    """All figures of one size, in this process."""
    about = machine()
    started = time.perf_counter()
    whole = made_shop(products, products, seed=seed)
    cut = split_at(whole, whole.as_of_ms - int(TEST_DAYS * MS_PER_DAY))
    del whole
    shop, making = cut.seen, time.perf_counter() - started
    held = psutil.Process().memory_info().rss
    validation = validation_split(shop, "time", seed)
    with Stages() as stages:
        trained = train_model(
            shop,
            validation,
            goal="list",
            seed=seed,
            device=choose_device(None),
            minutes=minutes,
            version="benchmark",
            report=stages,
        )
    peak = peak_memory()
    asked = sampled(cut.ask(cut.first), ASKED, seed)
    return {
        "machine": about,
        "seed": seed,
        "minutes": minutes,
        "data": {
            "products": shop.products,
            "users": shop.users,
            "events": len(shop.events),
            "edges": {name: len(edges.source) for name, edges in shop.edges.items() if len(edges.source)},
        },
        "making_seconds": making,
        "stages": {name: {"seconds": stages.seconds[name], "bytes": stages.memory[name]} for name in stages.seconds},
        "seconds": sum(stages.seconds.values()),
        "held_before_bytes": held,
        "peak_memory_bytes": peak,
        "estimated_bytes": memory_needed(shop),
        "answer_ms": answer_times(trained, shop, seed),
        "questions": len(asked),
        "models": {
            "pathrec": quality(model_ranker(trained, shop), shop, asked),
            "popularity": quality(popular(shop, validation, seed), shop, asked),
        },
    }


def answer_times(trained: Trained, shop: Shop, seed: int) -> Figures:
    """Milliseconds from a history to its first 20 products; some before are answered to warm up."""
    past, as_of = histories(shop), datetime.fromtimestamp(shop.as_of_ms / 1000, UTC)
    users = np.random.default_rng(seed).permutation(np.flatnonzero(past.lengths()))[: ANSWERED + 5]
    taken = []
    for user in users:
        history, allowed = past.of(int(user)), np.ones(shop.products, bool)
        allowed[history.products] = False
        started = time.perf_counter()
        top(trained.scorer.score(history, as_of, shop.ids["User"][user]), K, allowed)
        taken.append(1000 * (time.perf_counter() - started))
    p50, p99 = np.percentile(taken[5:], [50, 99])
    return {"p50": float(p50), "p99": float(p99)}


def quality(ranker: Ranker, shop: Shop, asked: Questions) -> Figures:
    """What the answers to a sample are worth."""
    return dict(measure(ranker, shop, asked, METRICS, batch=_batch(shop)).metrics)


def popular(shop: Shop, validation: Split, seed: int) -> Ranker:
    """Popularity with its half-life chosen on a sample of the validation part."""

    def goal(ranker: Ranker, questions: Questions) -> float:
        return quality(ranker, validation.seen, questions)[METRICS[0]]

    part = Split(validation.seen, sampled(validation.questions, TUNED, seed))
    fitted = BASELINES["popularity"](shop, part, goal, seconds=600.0, seed=seed)
    if isinstance(fitted, Skipped):
        raise PathrecError(f"popularity: {fitted.reason}")
    return fitted.ranker


def sampled(questions: Questions, count: int, seed: int) -> Questions:
    """At most so many of the questions."""
    return questions.take(np.random.default_rng(seed).permutation(len(questions))[:count])


def _batch(shop: Shop) -> int:
    return max(1, min(BATCH, SCORES // shop.products))


def measure_apart(size: str, seed: int, minutes: float = MINUTES) -> dict[str, Any]:
    """One size in a process of its own; a failure comes back as `error`."""
    return in_fresh_process("scale", "--one", size, "--seed", str(seed), "--minutes", str(minutes))


def measure_all(
    sizes: Sequence[str],
    seed: int,
    *,
    minutes: float = MINUTES,
    earlier: Mapping[str, Any] | None = None,
    json_path: Path | None = None,
) -> dict[str, Any]:
    """All sizes, the smallest first; the document of the run.

    Args:
        sizes: as in `SIZES`.
        seed: of the shops and the training.
        minutes: budget of a training.
        earlier: the document of an earlier run; a size that has figures there keeps them.
        json_path: receives the document after each size.
    """
    runs: dict[str, Any] = {
        size: run
        for size, run in (earlier or {}).get("sizes", {}).items()
        if "error" not in run and run["seed"] == seed
    }
    for size in sorted(sizes, key=count):
        if size not in runs:
            runs[size] = measure_apart(size, seed, minutes)
            print(f"{size}: {runs[size].get('error', 'measured')}", flush=True)
        if json_path:
            write_json(document(runs), json_path)
    return document(runs)


def document(runs: Mapping[str, Any]) -> dict[str, Any]:
    """For JSON, and for `--from`."""
    return {
        "command": shlex.join(["python", "-m", "benchmarks.scale", *sys.argv[1:]]),
        "sizes": {size: runs[size] for size in sorted(runs, key=count)},
    }


def count(size: str) -> int:
    """A number of products, from "10k" or "1M".

    Raises:
        ValueError: it is no number.
    """
    letters = {"k": 1_000, "M": 1_000_000}
    return int(float(size[:-1]) * letters[size[-1]]) if size and size[-1] in letters else int(size)


HEAD = (
    "products, users",
    "events",
    "learning s",
    "learning GiB",
    "fitting s",
    "fitting GiB",
    "building s",
    "building GiB",
    "peak GiB",
    "estimated GiB",
    "answer p50 ms",
    "answer p99 ms",
    f"hit rate@{K}",
    "popularity",
)


def row(size: str, run: Mapping[str, Any]) -> list[str]:
    """A size as a row under `HEAD`."""
    if "error" in run:
        return [size, run["error"], *("–" for _ in HEAD[2:])]
    stages = [stage_of(run, name) for name in ("learning", "fitting", BUILDING)]
    estimated = (run["held_before_bytes"] + run["estimated_bytes"]) / GIB
    return [
        size,
        f"{run['data']['events']:,}",
        *(text for stage in stages for text in (f"{stage['seconds']:,.0f}", f"{stage['bytes'] / GIB:.1f}")),
        f"{run['peak_memory_bytes'] / GIB:.1f}",
        f"{estimated:.1f}",
        *(f"{run['answer_ms'][name]:.1f}" for name in ("p50", "p99")),
        *(f"{run['models'][name][METRICS[0]]:.4f}" for name in ("pathrec", "popularity")),
    ]


def stage_of(run: Mapping[str, Any], name: str) -> Figures:
    """Seconds and bytes of the stages that begin with a word, together."""
    found = [stage for told, stage in run["stages"].items() if told.startswith(name)]
    return {
        "seconds": sum(stage["seconds"] for stage in found),
        "bytes": max((stage["bytes"] for stage in found), default=0.0),
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The table of the page, with machine and command."""
    marks = ["---:" for _ in HEAD]
    lines = [HEAD, marks, *(row(size, run) for size, run in report["sizes"].items())]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    about = [run["machine"] for run in report["sizes"].values() if "machine" in run]
    where = "".join(dict.fromkeys(f"- {_machine_line(facts)}\n" for facts in about))
    return f"{table}\n\n{where}\n```\n{report['command']}\n```"


def _machine_line(facts: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    where = f"{facts['cores']} cores ({facts['threads']} threads), {facts['memory_gib']} GiB, {facts['device']}"
    return f"{where}, {facts['system']}; {versions}"


def with_table(page: str, table: str) -> str:
    """The page with the table between its two marks.

    Raises:
        PathrecError: the page has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise PathrecError(f"the page has no place for the table; put {BEGIN} and {END} where it shall stand")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def picture(report: Mapping[str, Any]) -> str:
    """Memory and time by size, as SVG."""
    runs = [run for run in report["sizes"].values() if "error" not in run]
    x = [float(run["data"]["products"]) for run in runs]
    memory = [
        Line("memory: peak", x, [run["peak_memory_bytes"] / GIB for run in runs]),
        Line(
            "memory: estimated",
            x,
            [(run["held_before_bytes"] + run["estimated_bytes"]) / GIB for run in runs],
        ),
    ]
    seconds = [
        Line(name, x, [stage_of(run, name)["seconds"] for run in runs]) for name in ("learning", "fitting", BUILDING)
    ]
    labels = "products, as many users, ten events a user"
    return svg(
        [
            Panel("Memory of training", labels, "GiB", memory, log=True),
            Panel("Time of training", labels, "seconds", seconds, log=True),
        ],
        "Memory and time of training by the number of products",
    )


def show(report: Mapping[str, Any]) -> None:
    """The table on the screen, one size a column: a line with all figures would be too wide."""
    rows = [row(size, run) for size, run in report["sizes"].items()]
    table = Table(title="Training and answering by size")
    for title in (HEAD[0], *(found[0] for found in rows)):
        table.add_column(title, justify="right")
    for name, *values in zip(HEAD[1:], *(found[1:] for found in rows), strict=True):
        table.add_row(name, *values)
    Console().print(table)


def main() -> None:
    """Measures one size here, or all of them in processes of their own."""
    options = _parse()
    if options.one:
        try:
            found = measured(count(options.one), seed=options.seed, minutes=options.minutes)
        except PathrecError as error:
            found = {"error": str(error)}
        print(json.dumps(found))
        return
    earlier = json.loads(options.earlier.read_bytes()) if options.earlier else None
    report = measure_all(options.sizes, options.seed, minutes=options.minutes, earlier=earlier, json_path=options.json)
    show(report)
    write_text(picture(report), options.out)
    write_text(with_table(options.page.read_text(encoding="utf-8"), markdown(report)), options.page)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES, help=f"products and users ({' '.join(SIZES)})")
    parser.add_argument("--seed", type=int, default=0, help="of the shops and the training (%(default)s)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="budget of a training (%(default)s)")
    parser.add_argument("--from", dest="earlier", type=Path, help="JSON file of an earlier run to go on from")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--out", type=Path, default=Path("docs/scale.svg"), help="the picture (%(default)s)")
    parser.add_argument("--page", type=Path, default=Path("docs/scale.md"), help="receives the table (%(default)s)")
    parser.add_argument("--one", metavar="SIZE", help="measure this size here and print its JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()

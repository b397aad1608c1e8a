"""The API over real HTTP, by kind of request and pace, beside a bare route with the same model as the floor.

    python -m benchmarks.http --home .pathrec --json http.json
    python -m benchmarks.http --home made --products 2000 --mixed-minutes 10

serves the published model of a home (with `--products` a shop is made there first, if none is published) and asks it
from this process, whose own share of a core stands beside each figure. `CPU ms` is what a request costs server and
store together: where other programs run beside, it says more than the clock. Every request is for another user; there
is no response cache. Closed loops of one and eight clients say how fast it can be, open loops at 50 and 200 requests/s
how it is for shoppers: there latency counts from when a request was due. The events and rules that it writes are
deleted at the end.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from api.registry import served
from api.settings import load_settings
from benchmarks import load
from benchmarks.freshness import NEW, build
from benchmarks.machine import machine, write_json
from benchmarks.made_shop import made_shop
from benchmarks.questions import Questions, shop_of
from benchmarks.serving import FORGET, Client, event_to_answer, free_port, memory, running, serving
from benchmarks.store_queries import store_queries
from graph import Rule, Store, connect

PACES: dict[str, dict[str, Any]] = {
    "1 client": {"clients": 1},
    "8 clients": {"clients": 8},
    "50/s": {"per_second": 50.0},
    "200/s": {"per_second": 200.0},
}
RULED = "bare ids under rules"
_BATCH = 1_000
_WARM_UP = 3_000
_PATIENCE = 600.0


@contextmanager
def floor(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The bare route (`benchmarks.floor`), in a process of its own: its address and process."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.floor:app", "--port", str(port)]
    os.environ["PATHREC_HOME"] = str(home)
    with running(url := f"http://127.0.0.1:{port}", [*command, "--log-level", "error"]) as (process, _):
        yield url, process


def store_process(home: Path) -> list[psutil.Process]:
    """The embedded engine, if that is the store."""
    running_now = home / "graph" / "server.json"
    return [psutil.Process(json.loads(running_now.read_text())["pid"])] if running_now.exists() else []


@dataclass(frozen=True)
class Asked:
    """Whom a kind of request goes to: an address, and the processes that work on the answer."""

    url: str
    processes: Sequence[psutil.Process]
    path: str = "/graphql"

    def connect(self) -> Client:
        """A connection of its own."""
        return Client(self.url, self.path)

    def cpu_ms(self) -> float:
        """What the processes, and those they started, have used of the CPU so far."""
        all_of_them = [*self.processes, *(child for process in self.processes for child in process.children(True))]
        times = [process.cpu_times() for process in all_of_them]
        return 1000 * sum(time.user + time.system for time in times)

    def measured(self, bodies: Sequence[bytes], **pace: Any) -> dict[str, Any]:
        """Figures of sending some bodies; what they cost does not depend on what else the machine is busy with."""
        before = self.cpu_ms()
        found = load.measured(self.connect, bodies, **pace)
        return {**found, "cpu_ms": round((self.cpu_ms() - before) / len(bodies), 2)}


def paced(asked: Asked, bodies: Callable[[int], list[bytes]], seconds: float) -> dict[str, Any]:
    """A kind of request at each pace; a closed loop sends as many as were managed before in that time."""
    found: dict[str, Any] = {}
    rate = asked.measured(bodies(50))["per_second"]
    for name, pace in PACES.items():
        count = int(seconds * pace.get("per_second", rate))
        found[name] = asked.measured(bodies(max(count, 50)), **pace)
        rate = found[name]["per_second"]
    return found


def mixed(asked: Asked, home: Path, questions: Questions, minutes: float) -> dict[str, Any]:
    """All kinds of requests by eight clients for some time, and the memory before and after."""
    rate = asked.measured(questions.mixed(400), clients=8)["per_second"]
    before = memory(home, asked.processes[0])
    found = asked.measured(questions.mixed(int(rate * 60 * minutes)), clients=8)
    after = memory(home, asked.processes[0])
    return found | {"minutes": minutes, "memory_mb_before": before, "memory_mb_after": after}


@contextmanager
def ruled(store: Store, products: Sequence[str]) -> Iterator[None]:
    """A shop that lifts one half of some products, lowers the other half and pins one, for as long as the block."""
    always, half = datetime(2000, 1, 1, tzinfo=UTC), len(products) // 2
    rules = (
        Rule("benchmark-boost", "BOOST", always, always, weight=0.5, products=tuple(products[:half])),
        Rule("benchmark-bury", "BURY", always, always, weight=0.5, products=tuple(products[half:])),
        Rule("benchmark-pin", "PIN", always, always, position=3, products=tuple(products[:1])),
    )
    try:
        for rule in rules:
            store.upsert_rule(rule)
        yield
    finally:
        for rule in rules:
            store.delete_rule(rule.id)


def forget(url: str, events: Sequence[str]) -> None:
    """Deletes what was recorded."""
    client = Client(url)
    for start in range(0, len(events), _BATCH):
        client.ask(FORGET, ids=list(events[start : start + _BATCH]))


def wait_for_encoders(url: str) -> None:
    """Until the text encoder has started: that takes CPU that no request is to be charged with."""
    deadline = time.monotonic() + _PATIENCE
    while httpx.get(f"{url}/readyz", trust_env=False).json()["encoder"]["status"] == "starting":
        if time.monotonic() > deadline:
            raise SystemExit("the text encoder does not start; look at /readyz")
        time.sleep(0.5)


def measured(home: Path, store: Store, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one home."""
    questions = shop_of(store)
    report: dict[str, Any] = {"counts": store.counts(), "workers": options.workers}
    report["store_queries"] = store_queries(home, store, questions)
    with serving(home, options.workers) as (url, server, _), floor(home) as (bare, bare_server):
        asked = Asked(url, [server, *store_process(home)])
        try:
            wait_for_encoders(url)
            asked.measured(questions.mixed(_WARM_UP), clients=2)  # the engine compiles its queries
            report["floor"] = paced(Asked(bare, [bare_server], "/top"), questions.bare, options.seconds)
            report["latency"] = {}
            for kind in questions.kinds:
                report["latency"][kind] = paced(asked, partial(questions.of, kind), options.seconds)
                print(kind, report["latency"][kind], flush=True)  # a run takes long, and may be cut off
            with ruled(store, [key for key, _ in questions.products[:100]]):
                report["latency"][RULED] = paced(asked, partial(questions.of, "bare ids"), options.seconds)
            report["order_changed"] = event_to_answer(url, [key for key, _ in questions.products[:50]], 50)
            if options.mixed_minutes:
                report["mixed"] = mixed(asked, home, questions, options.mixed_minutes)
        finally:
            forget(url, questions.recorded)
    return report


def show(report: dict[str, Any]) -> None:
    """The figures as a table."""
    table = Table(title=f"{report['counts']['Product']:,} products, {report['workers']} worker(s)")
    for name in (
        "",
        "pace",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "requests/s",
        "errors",
        "client's CPU",
        "CPU ms",
        "store queries",
    ):
        table.add_column(name, justify="right" if name not in ("", "pace") else "left")
    for kind, paces in {"floor": report["floor"], **report["latency"]}.items():
        for pace, row in paces.items():
            queries = report["store_queries"].get(kind, 0)
            table.add_row(kind, pace, *(f"{value:g}" for value in row.values()), str(queries))
    console = Console()
    console.print(table)
    console.print(f"event to changed order, ms: {report['order_changed']}")
    if "mixed" in report:
        console.print(f"mixed load: {report['mixed']}")


def main() -> None:
    """Builds what is not there, measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".pathrec"))
    parser.add_argument("--products", type=int, help="make a shop of so many products, if the home has no model")
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest that training may take (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each kind and pace (%(default)s)")
    parser.add_argument("--mixed-minutes", type=float, default=0.0, help="length of the mixed load (%(default)s)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    about = machine()
    if options.products and served(options.home) is None:
        build(options.home, made_shop(options.products + NEW, options.products // 2), options.minutes)
    with connect(load_settings(home=options.home).store_url) as store:
        report = {"machine": about, **measured(options.home, store, options)}
    show(report)
    if options.json:
        write_json(report, options.json)


if __name__ == "__main__":
    main()

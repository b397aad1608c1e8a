"""How fast a graph comes out in each form, beside the plain driver in the same run, and what an increment saves.

    python -m benchmarks.exports --home HOME [--json exports.json]
    python -m benchmarks.exports --neo4j DATA
    python -m benchmarks.exports --users 100000 [--engine neo4j-5]

Takes a home that there is, or the data folder of a server of `tools.neo4j_server`, either of which must be a copy:
events are written into the graph. Without one it makes a shop (`benchmarks.made_shop`) of as many products as users
and ten events a user. Before the increment, one event in a hundred is added and one product in a hundred changes its
price. The increment must be the very files of a whole export. Memory is the most that this process held by then; forms
are written by processes of their own. Processor seconds are those of this process and the engine together: other work
on the machine does not count to them, but what an engine spends on compiling itself does, which is why the last ones
are told from the first.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import neo4j
import psutil
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from api.exports import FORMATS, Wanted, convert
from benchmarks.graph_scale import engine_process, loaded, peak_mib, read_plainly
from benchmarks.machine import in_fresh_process, machine, write_json
from benchmarks.made_shop import made_shop
from benchmarks.store import ENGINES, neo4j_of, opened, running, timed
from graph import Store
from graph.connect import EMBEDDED
from schema.errors import PathrecError
from schema.snapshot import Snapshot, open_snapshot
from schema.tables import EVENTS

READ = 1_000_000
# Of so many events and products one is new or changed.
SHARE = 100
PIECE = 100_000

Figures = dict[str, Any]


def main() -> None:
    """Measures one graph, or with `--form` one form of a snapshot in this process."""
    options = _parse()
    if options.form:
        print(json.dumps(written(options.snapshot, options.form)))
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.work)))
        if options.home:
            store, driver = stack.enter_context(opened(f"{EMBEDDED}{options.home / 'graph'}"))
        elif options.neo4j:
            store, driver = stack.enter_context(opened(stack.enter_context(neo4j_of(options.neo4j))))
        else:
            store, driver = stack.enter_context(running(options.engine, folder / "store"))
            store.prepare()
            for _ in loaded(store, made_shop(options.users, options.users)):
                pass
        work = Work(engine_process(options.home or folder / "store"))
        figures = measured(store, driver, work, folder)
    report = {"machine": machine(), "engine": store.engine, "figures": figures}
    show(report)
    if options.json:
        write_json(report, options.json)


class Work:
    """What this process and the engine do, in turn after turn."""

    def __init__(self, engine: psutil.Process) -> None:
        self._processes = (psutil.Process(), engine)

    def figures(self, events: Callable[[], int]) -> Figures:
        """Figures of one piece of work, which tells how many events it was about."""
        before, began = self._seconds(), time.perf_counter()
        count = events()
        found = _figures(count, time.perf_counter() - began)
        return found | {"CPU s": round(self._seconds() - before, 1), "MiB": round(peak_mib(self._processes[0]))}

    def _seconds(self) -> float:
        return float(sum(sum(process.cpu_times()[:2]) for process in self._processes))


def measured(store: Store, driver: neo4j.Driver, work: Work, folder: Path) -> dict[str, Figures]:
    """Seconds, events a second and memory of each export."""
    count = min(store.counts()["Event"], READ)

    def read() -> int:
        read_plainly(driver)
        return count

    snapshot = folder / "snapshot"
    figures = {"a row for each event, plain driver": work.figures(read)}
    for name in ("snapshot, first", "snapshot, again"):
        figures[name] = work.figures(lambda: store.export(snapshot).events)
    change(store, store.counts()["Event"] // SHARE)
    since = open_snapshot(snapshot)
    for turn in ("", ", again"):
        whole, increment = folder / "whole", folder / "increment"
        figures[f"1 % changed, whole{turn}"] = work.figures(partial(exported, store, whole, None))
        figures[f"1 % changed, since the last{turn}"] = work.figures(partial(exported, store, increment, since))
        if open_snapshot(whole).manifest.files != open_snapshot(increment).manifest.files:
            raise PathrecError("the increment is not what a whole export gives")
    for form in FORMATS:
        arguments = ("--form", form, "--snapshot", str(snapshot))
        figures[f"{form}, from a snapshot"] = in_fresh_process("exports", *arguments)
    return figures


def exported(store: Store, place: Path, since: Snapshot | None) -> int:
    """Writes a snapshot; says how many events it has."""
    return store.export(place, since=since).events


def written(snapshot: Path, form: str) -> Figures:
    """Figures of one form, and its size."""
    with tempfile.TemporaryDirectory(dir=snapshot.parent) as folder:
        out = Path(folder) / "shop"
        seconds = timed(lambda: convert(str(snapshot), str(out), Wanted(form)))
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    events = open_snapshot(snapshot, verify=False).manifest.events
    return _figures(events, seconds) | {"MiB": round(peak_mib(psutil.Process())), "MB on disk": round(size / 1e6, 1)}


def change(store: Store, count: int) -> None:
    """New purchases of people and products that there are, and new prices."""
    users, products = store.node_ids("User"), store.node_ids("Product")
    now = datetime.now(UTC)
    for start in range(0, count, PIECE):
        number = range(start, min(start + PIECE, count))
        columns = [
            [f"increment-{n}" for n in number],
            [users[n * 7919 % len(users)] for n in number],
            [products[n * 104_729 % len(products)] for n in number],
            [store.ontology.target_behaviour] * len(number),
            [now] * len(number),
            [1.0] * len(number),
            [f"increment-{n // 4}" for n in number],
            [None] * len(number),
        ]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, EVENTS, strict=True)]
        store.load_events(pa.table(arrays, schema=EVENTS))
    some = products[::SHARE]
    store.load_nodes("Product", pa.table({"id": some, "price": [n + 0.25 for n in range(len(some))]}))


def _figures(events: int, seconds: float) -> Figures:
    return {"seconds": round(seconds, 2), "events/s": round(events / seconds), "events": events}


def show(report: dict[str, Any]) -> None:
    """A row for each export."""
    columns = ("seconds", "CPU s", "events/s", "events", "MiB", "MB on disk")
    table = Table(title=f"{report['engine']}, {report['machine']['cores']} cores")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    for name, figures in report["figures"].items():
        table.add_row(name, *(f"{figures[column]:,}" if column in figures else "" for column in columns))
    Console().print(table)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a copy of a home with a graph; events are added to it")
    parser.add_argument("--neo4j", type=Path, help="a copy of a Neo4j server's data, as of --home")
    parser.add_argument("--users", type=int, default=10_000, help="of a made shop, and as many products")
    parser.add_argument("--engine", choices=ENGINES, default="embedded", help="of a made shop (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="where the exports go for the time (default: the system's)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--form", help=argparse.SUPPRESS)
    parser.add_argument("--snapshot", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

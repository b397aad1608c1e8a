"""How fast a whole shop goes into the graph and comes out as a snapshot, and in how much memory.

    python -m benchmarks.graph_scale [--users 10000] [--engine embedded] [--json graph_scale.json]

The shop is made (`benchmarks.made_shop`): as many products as users, ten events a user. When it is loaded, the store
and the plain driver take turns on further events in the same graph, and the plain driver reads a row for each event
until it has had a million.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import neo4j
import numpy as np
import numpy.typing as npt
import psutil
import pyarrow as pa
from rich.console import Console

from benchmarks.machine import machine, write_json
from benchmarks.made_shop import made_shop
from benchmarks.store import ENGINES, PLAIN_READ, load_events, running, show_engines, timed
from gnn.data import Shop
from graph import Store
from graph.embedded import read_running
from schema.errors import PathrecError
from schema.tables import EVENTS

PIECE = 200_000
"""Events that are a table at a time, and that the plain driver makes to compare."""
READ = 1_000_000
WORDS, WORDS_OF_TITLE, WORDS_APART = 50_000, 4, 10
"""Of titles; how often a word comes falls with its place in the list, counted from `WORDS_APART`."""
FETCH = 1_000

Figures = dict[str, float]


def main() -> None:
    """Runs the engines one after the other."""
    options = _parse()
    report: dict[str, Any] = {
        "machine": machine() | {"engine_heap": os.environ.get("PATHREC_ENGINE_HEAP", "by the graph")},
        "users": options.users,
        "engines": {},
    }
    for engine in options.engine or ENGINES:
        try:
            with tempfile.TemporaryDirectory() as folder, running(engine, Path(folder)) as (store, driver):
                report["engines"][engine] = measure(store, driver, options.users, Path(folder))
        except PathrecError as error:
            Console(stderr=True).print(f"{engine}: left out: {error}", style="yellow", markup=False)
        title = f"{options.users:,} products and users on {report['machine']['cores']} cores"
        show_engines(title, report["engines"])
        if options.json:
            write_json(report, options.json)


def measure(store: Store, driver: neo4j.Driver, users: int, folder: Path) -> Figures:
    """All figures of one engine."""
    store.prepare()
    shop = made_shop(users, users)
    events, times = len(shop.events.user), 0.0
    figures: Figures = {}
    for name, count, seconds in loaded(store, shop):
        figures[f"{name}/s loaded"] = count / seconds
        times += seconds
    own, engine = psutil.Process(), engine_process(folder)
    figures |= {"events": float(events), "seconds of loading": times}
    figures |= {"MiB, this process": peak_mib(own), "MiB, engine": peak_mib(engine)}
    # Further events in turns, in a graph of this size.
    figures |= {f"then {name}": value for name, value in load_events(store, driver, PIECE, users).items()}
    del shop
    exported = timed(lambda: store.export(folder / "snapshot"))
    count = store.counts()["Event"]
    read = timed(lambda: read_plainly(driver))
    return figures | {
        "events/s exported": count / exported,
        "seconds of exporting": exported,
        "events/s read by the plain driver": min(count, READ) / read,
        "MiB after exporting, this process": peak_mib(own),
        "MiB after exporting, engine": peak_mib(engine),
    }


def loaded(store: Store, shop: Shop) -> Iterator[tuple[str, int, float]]:
    """Loads a shop: what, how many rows, and seconds."""
    for node in ("Category", "Brand", "User", "Product"):
        ids = list(shop.ids[node])
        table = pa.table({"id": ids})
        if node == "Product":
            price = np.arange(len(ids)) % 100 + 0.99
            table = table.append_column("title", pa.array(titles(len(ids))))
            table = table.append_column("price", pa.array(price))
        yield node, len(ids), timed(partial(store.load_nodes, node, table))
    for relation in ("IN_CATEGORY", "MADE_BY"):
        ends, edges = shop.ontology.relations[relation], shop.edges[relation]
        sources, targets = (pa.array(shop.ids[label]) for label in (ends.source, ends.target))
        table = pa.table(
            {"source": sources.take(pa.array(edges.source)), "target": targets.take(pa.array(edges.target))}
        )
        yield relation, table.num_rows, timed(partial(store.load_relations, relation, table))
    seconds = sum(timed(partial(store.load_events, table)) for table in event_tables(shop))
    yield "events", len(shop.events.user), seconds


def titles(count: int) -> list[str]:
    """Titles of words as rare as in a real shop: the commonest is in one of twenty, most are in a few."""
    generator = np.random.default_rng(0)
    share = 1.0 / np.arange(WORDS_APART, WORDS_APART + WORDS)
    words = generator.choice(WORDS, size=(count, WORDS_OF_TITLE), p=share / share.sum())
    return [" ".join(f"w{word}" for word in row) for row in words.tolist()]


def event_tables(shop: Shop) -> Iterator[pa.Table]:
    """The events of a shop, some at a time."""
    events = shop.events
    users, products, baskets = (pa.array(ids) for ids in (shop.ids["User"], shop.ids["Product"], shop.baskets))
    behaviours = pa.array(list(shop.behaviours))
    for start in range(0, len(events.user), PIECE):
        piece = slice(start, start + PIECE)
        number = np.arange(start, start + len(events.user[piece]))
        columns = [
            pa.array([f"e{n}" for n in number.tolist()]),
            users.take(pa.array(events.user[piece])),
            products.take(pa.array(events.product[piece])),
            behaviours.take(pa.array(events.behaviour[piece])),
            pa.array(events.time_ms[piece]).cast(EVENTS.field("time").type),
            pa.array(np.ones(len(number))),
            baskets.take(_known(events.basket[piece])),
            pa.nulls(len(number), pa.string()),
        ]
        yield pa.table(columns, schema=EVENTS)


def _known(positions: npt.NDArray[np.int32]) -> pa.Array:
    return pa.array(positions, mask=positions < 0)


def read_plainly(driver: neo4j.Driver) -> None:
    """A row for each event, without keeping them."""
    with driver.session(database="neo4j", fetch_size=FETCH) as session:
        for _ in islice(session.run(PLAIN_READ), READ):
            pass


def engine_process(folder: Path) -> psutil.Process:
    """The process that holds the graph."""
    embedded = read_running(folder / "graph")
    if embedded is not None:
        return psutil.Process(embedded.pid)
    found = [process for process in psutil.Process().children(recursive=True) if process.name() == "java"]
    if not found:
        raise PathrecError("no process of an engine was found")
    return found[-1]


def peak_mib(process: psutil.Process) -> float:
    """The most that a process ever held, as the kernel counts it."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000, help="and as many products (default: %(default)s)")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="only this engine; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()

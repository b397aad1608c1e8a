"""How fast the store loads, exports and answers, beside the plain driver in the same run.

    python -m benchmarks.store [--events 100000] [--engine embedded] [--json store.json]

Loading and the plain driver's CREATE take turns on pieces of the same size in the same database, so
that a warm machine or a busy one favours neither. The plain driver is not idempotent, checks nothing
and is what a person would write first: UNWIND over maps, MATCH both ends, CREATE.
"""

import argparse
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import neo4j
import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from graph import Store, connect
from graph.connect import EMBEDDED
from graph.embedded import read_running
from graph.events import EVENT_BATCH
from schema.errors import PathrecError
from schema.tables import EVENTS
from tools.neo4j_server import RELEASES, fetched, running_server

ENGINES = ("embedded", "neo4j-5", "neo4j-2026")
PRODUCTS, EVENTS_PER_USER, WIDTH = 4000, 50, 384
PIECE = 2 * EVENT_BATCH

PLAIN_CREATE = (
    "UNWIND $rows AS row MATCH (u:User {id: row.user}) MATCH (p:Product {id: row.product}) "
    "CREATE (u)-[:PERFORMED]->(:Event {id: row.id, behaviour: row.behaviour, time: row.time, value: row.value, "
    "basket: row.basket})-[:ON]->(p)"
)
PLAIN_READ = (
    "MATCH (u:User)-[:PERFORMED]->(e:Event)-[:ON]->(p:Product) "
    "RETURN e.id, u.id, p.id, e.behaviour, e.time, e.value, e.basket, e.session"
)

Figures = dict[str, float]


def main() -> None:
    """Runs the engines one after the other and shows their figures side by side."""
    options = _parse()
    figures: dict[str, Figures] = {}
    for engine in options.engine or ENGINES:
        try:
            with tempfile.TemporaryDirectory() as folder, running(engine, Path(folder)) as (store, driver):
                figures[engine] = measure(store, driver, options.events, Path(folder))
        except PathrecError as error:
            Console(stderr=True).print(f"{engine}: left out: {error}", style="yellow", markup=False)
    report = {"machine": machine(), "events": options.events, "engines": figures}
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2), encoding="utf-8")


@contextmanager
def running(engine: str, folder: Path) -> Iterator[tuple[Store, neo4j.Driver]]:
    """An empty store on an engine, and a plain driver to the same database."""
    if engine == "embedded":
        with opened(f"{EMBEDDED}{folder / 'graph'}") as both:
            yield both
        return
    installed = fetched(RELEASES[engine.removeprefix("neo4j-")])
    with running_server(installed, folder / "data") as server, opened(server.url) as both:
        yield both


@contextmanager
def opened(url: str) -> Iterator[tuple[Store, neo4j.Driver]]:
    """A store that there is, and a plain driver to it."""
    with connect(url) as store, plain_driver(url) as driver:
        yield store, driver


@contextmanager
def plain_driver(url: str) -> Iterator[neo4j.Driver]:
    """The driver alone, logged in at the database of a store that is open."""
    auth = None
    if url.startswith(EMBEDDED):
        engine = read_running(Path(url.removeprefix(EMBEDDED)))
        if engine is None:
            raise PathrecError(f"{url}: the engine is gone")
        url, auth = f"bolt://127.0.0.1:{engine.bolt}", (engine.user, engine.password)
    with neo4j.GraphDatabase.driver(url, auth=auth) as driver:
        yield driver


@contextmanager
def neo4j_of(data: Path) -> Iterator[str]:
    """Address of a server of the long-term release over a folder of its data."""
    with running_server(fetched(RELEASES["5"]), data) as server:
        yield server.url


def measure(store: Store, driver: neo4j.Driver, events: int, folder: Path) -> Figures:
    """All figures of one engine."""
    store.prepare()
    users = max(events // EVENTS_PER_USER, 1)
    figures = load_catalogue(store, users)
    figures |= load_events(store, driver, events, users)
    figures |= export_events(store, driver, folder)
    return figures | answer(store, users)


def load_catalogue(store: Store, users: int) -> Figures:
    """Products with embeddings, and the users whom the plain driver needs to be there."""
    ids = [f"p{n}" for n in range(PRODUCTS)]
    matrix = np.random.default_rng(0).normal(size=(PRODUCTS, WIDTH)).astype(np.float32)
    store.load_nodes("User", pa.table({"id": [f"u{n}" for n in range(users)]}))
    table = pa.table({"id": ids, "title": [f"Product {n}" for n in ids], "price": [1.0] * PRODUCTS})
    nodes = timed(lambda: store.load_nodes("Product", table))
    vectors = timed(lambda: store.load_features("Product", "text", ids, matrix, ids))
    return {"products/s loaded": PRODUCTS / nodes, f"{WIDTH}-d embeddings/s loaded": PRODUCTS / vectors}


def load_events(store: Store, driver: neo4j.Driver, events: int, users: int) -> Figures:
    """The store's load and the plain driver's CREATE in turns, after a piece of each to warm up."""
    seconds = {"store": 0.0, "plain": 0.0, "again": 0.0}
    pieces = max(events // PIECE, 1)
    for piece in range(-1, pieces):
        ours, theirs = (make_events(f"{who}{piece}", PIECE, users) for who in ("s", "d"))
        taken = {
            "store": timed(partial(store.load_events, ours)),
            "plain": timed(partial(plain_create, driver, theirs)),
            "again": timed(partial(store.load_events, ours)),
        }
        if piece >= 0:
            seconds = {name: total + taken[name] for name, total in seconds.items()}
    total = pieces * PIECE
    return {
        "events/s loaded": total / seconds["store"],
        "events/s created by the plain driver": total / seconds["plain"],
        "share of the plain driver": seconds["plain"] / seconds["store"],
        "events/s loaded a second time": total / seconds["again"],
    }


def export_events(store: Store, driver: neo4j.Driver, folder: Path) -> Figures:
    """A whole snapshot, and the plain driver reading a row for each event; best of two each."""
    count = store.counts()["Event"]
    exported = min(timed(lambda: store.export(folder / "snapshot")) for _ in range(2))
    read = min(timed(lambda: driver.execute_query(PLAIN_READ, database_="neo4j")) for _ in range(2))
    return {
        "events/s exported": count / exported,
        "events/s read by the plain driver": count / read,
        "events exported": float(count),
    }


def answer(store: Store, users: int) -> Figures:
    """What a request needs, with one client and with eight."""
    now = datetime.now(UTC)

    def history(user: str) -> None:
        store.history(user=user, as_of=now)

    def cards(user: str) -> None:
        start = int(user[1:]) % (PRODUCTS - 20)
        store.product_cards([f"p{n}" for n in range(start, start + 20)])

    def record(user: str) -> None:
        store.record_events(make_events(f"r{time.perf_counter_ns()}", 1, 1, user=user))

    figures: Figures = {}
    for name, ask in (("history", history), ("20 cards", cards), ("recording an event", record)):
        for clients in (1, 8):
            latencies = ask_all(ask, users, clients)
            figures[f"{name}, {clients} clients, p50 ms"] = float(np.percentile(latencies, 50))
            figures[f"{name}, {clients} clients, p99 ms"] = float(np.percentile(latencies, 99))
    return figures


def ask_all(ask: Callable[[str], None], users: int, clients: int, requests: int = 600) -> list[float]:
    """Milliseconds of each request, a random user each, after some to warm up."""
    rng = random.Random(5)
    names = [f"u{rng.randrange(users)}" for _ in range(requests)]
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, names[:100]))
        return [1000 * seconds for seconds in pool.map(lambda user: timed(lambda: ask(user)), names)]


def make_events(prefix: str, count: int, users: int, *, user: str | None = None) -> pa.Table:
    """Purchases of random users and products, four to a basket."""
    rng = random.Random(prefix)
    columns: list[list[Any]] = [
        [f"{prefix}-{n}" for n in range(count)],
        [user or f"u{rng.randrange(users)}" for _ in range(count)],
        [f"p{rng.randrange(PRODUCTS)}" for _ in range(count)],
        ["purchase"] * count,
        [1_600_000_000_000 + n * 1000 for n in range(count)],
        [float(n % 7 + 1) for n in range(count)],
        [f"{prefix}-b{n // 4}" for n in range(count)],
        [None] * count,
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, EVENTS, strict=True)], schema=EVENTS)


def plain_create(driver: neo4j.Driver, table: pa.Table) -> None:
    """The same events with the driver alone, in batches of the same size."""
    table = table.set_column(4, "time", table.column("time").cast(pa.int64()))
    for batch in table.to_batches(EVENT_BATCH):
        driver.execute_query(PLAIN_CREATE, {"rows": batch.to_pylist()}, database_="neo4j")


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    packages = ("neo4j", "neo4j-rust-ext", "arcadedb-embedded", "pyarrow")
    return {
        "cores": os.cpu_count(),
        "load before": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "neo4j servers": {name: release.version for name, release in RELEASES.items()},
    }


def show(report: dict[str, Any]) -> None:
    """One column for each engine."""
    show_engines(f"{report['events']:,} events on {report['machine']['cores']} cores", report["engines"])


def show_engines(title: str, engines: Mapping[str, Figures]) -> None:
    """A table with a column for each engine, all of which have the same figures."""
    table = Table(title=title)
    table.add_column("")
    for engine in engines:
        table.add_column(engine, justify="right")
    for name in next(iter(engines.values()), {}):
        values = [figures[name] for figures in engines.values()]
        table.add_row(name, *(f"{value:,.0f}" if value >= 100 else f"{value:.2f}" for value in values))
    Console().print(table)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000, help="how many to load (default: %(default)s)")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="only this engine; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()

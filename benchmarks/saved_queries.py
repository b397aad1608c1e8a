"""How long each saved query takes on a store, beside the plain driver with the same text in turns.

    python -m benchmarks.saved_queries --home HOME [--runs 3] [--json embedded.json]
    python -m benchmarks.saved_queries --neo4j FOLDER [--json neo4j.json]

`--neo4j` starts a server of `tools.neo4j_server` over a folder of its data; `python -m tools.saved_queries` brings the
figures of both files onto their page.

Each query is asked about what is most bought: the product and its most frequent companion, the two categories, the
country, and a shopper in the middle of all by the number of purchases. It is run once to warm up, then `--runs` times
through the store's read-only exploration and as often by a plain session of the driver that fetches all rows.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import neo4j
from rich.console import Console
from rich.table import Table

from api.cli.options import settings_of
from benchmarks.machine import machine, write_json
from benchmarks.store import neo4j_of, plain_driver
from graph import Query, Store, connect
from graph.library import SavedQuery, saved_queries

RUNS = 3
SECONDS = 600.0
PURCHASES = "MATCH (u:User)-[:PERFORMED]->(e:Event {behaviour: 'purchase'})-[:ON]->(p:Product)"


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one query: the middle and the slowest run through the store, the middle run of the driver."""

    name: str
    rows: int
    p50: float
    worst: float
    plain_p50: float


def main() -> None:
    """Times all queries of one store and shows them, the slowest first."""
    options = _parse()
    with address(options) as url, connect(url) as store, plain_driver(url) as driver:
        given = arguments(store)
        timings = [
            timed(store, driver, query, given, options.runs)
            for query in saved_queries().values()
            if options.name is None or query.name in options.name
        ]
        report = {
            "machine": machine() | {"arcadedb-embedded": version("arcadedb-embedded"), "engine": store.engine},
            "data": store.counts(),
            "arguments": given,
            "runs": options.runs,
            "queries": [asdict(timing) for timing in timings],
        }
    show(report, timings)
    if options.json:
        write_json(report, options.json)


@contextmanager
def address(options: argparse.Namespace) -> Iterator[str]:
    """Of the store that is asked."""
    if options.neo4j is None:
        yield settings_of(options.home, options.store).store_url
        return
    with neo4j_of(options.neo4j) as url:
        yield url


def arguments(store: Store) -> dict[str, dict[str, Any]]:
    """What is asked about, by the type of question: see the module."""
    products = _column(store, "MATCH (p:Product)<-[:ON]-() RETURN p.id AS x, count(*) AS n ORDER BY n DESC, x LIMIT 1")
    companions = store.read(saved_queries()["basket-companions"].query({"product": products[0], "limit": 1}))
    categories = _column(
        store,
        "MATCH (c:Category)<-[:IN_CATEGORY]-(:Product)<-[:ON]-() "
        "RETURN c.id AS x, count(*) AS n ORDER BY n DESC, x LIMIT 2",
    )
    users = _column(store, f"{PURCHASES} RETURN u.id AS x, count(*) AS n ORDER BY n, x")
    countries = _column(
        store,
        "MATCH (u:User) WHERE u.country IS NOT NULL RETURN u.country AS x, count(*) AS n ORDER BY n DESC, x LIMIT 1",
    )
    days = store.read(Query(f"{PURCHASES} RETURN toString(date(datetime({{epochMillis: max(e.time)}}))) AS x"))
    since = f"{days[0]['x'][:8]}01"
    return {
        "products": {"product": products[0], "other": companions[0]["product"] if companions else products[0]},
        "categories": {"category": categories[0], "other": categories[-1]},
        "user": {"user": users[len(users) // 2]},
        "country": {"country": countries[0] if countries else ""},
        "dates": {"since": since, "until": days[0]["x"]},
    }


def values_for(query: SavedQuery, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The arguments of those parameters that have no default."""
    needed = [parameter.name for parameter in query.parameters if parameter.default is None]
    pair = "categories" if "category" in needed else "products"
    known = {**given["user"], **given["country"], **given["dates"], **given[pair]}
    return {name: known[name] for name in needed}


def timed(
    store: Store, driver: neo4j.Driver, saved: SavedQuery, given: Mapping[str, Mapping[str, Any]], runs: int
) -> Timing:
    """Both ways in turns."""
    query = saved.query(values_for(saved, given))
    table = store.explore(query, seconds=SECONDS)
    ours, plain = [], []
    for _ in range(runs):
        ours.append(_milliseconds(lambda: store.explore(query, seconds=SECONDS)))
        plain.append(_milliseconds(lambda: driver.execute_query(query.text, dict(query.parameters), database_="neo4j")))
    return Timing(saved.name, len(table.rows), statistics.median(ours), max(ours), statistics.median(plain))


def show(report: Mapping[str, Any], timings: list[Timing]) -> None:
    """A line for each query, the slowest first."""
    data, about = report["data"], report["machine"]
    table = Table(
        title=f"{data['Event']:,} events, {data['Product']:,} products, {data['User']:,} users; "
        f"{about['engine']} on {about['cores']} cores"
    )
    table.add_column("query")
    for name in ("rows", "p50 ms", "worst ms", "plain driver p50 ms"):
        table.add_column(name, justify="right")
    for timing in sorted(timings, key=lambda timing: -timing.p50):
        figures = (timing.p50, timing.worst, timing.plain_p50)
        table.add_row(timing.name, str(timing.rows), *(f"{figure:,.0f}" for figure in figures))
    Console().print(table)
    Console().print(f"p50 over all queries: {statistics.median(timing.p50 for timing in timings):,.0f} ms")


def _column(store: Store, text: str) -> list[Any]:
    return [row["x"] for row in store.read(Query(text))]


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home whose graph is asked (default: as every command)")
    parser.add_argument("--store", help="address of the graph (default: as every command)")
    parser.add_argument("--neo4j", type=Path, help="data of a Neo4j server that is started for this")
    parser.add_argument("--runs", type=int, default=RUNS, help="timed runs of each (default: %(default)s)")
    parser.add_argument("--name", action="append", help="only this query; may be repeated")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()

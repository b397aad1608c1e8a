"""The analysis of a graph of products by Neo4j's Graph Data Science beside networkx: how long, and whether they agree.

    python -m benchmarks.analyse (--data SNAPSHOT | --products 100000) [--engine neo4j-5] [--json analyse.json]

`--products` makes a shop of that size (`benchmarks.made_shop`). The server is one of `tools.neo4j_server`.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_mutual_info_score

from benchmarks.machine import machine, write_json
from benchmarks.made_shop import made_shop
from benchmarks.standings import shop_graph
from graph import connect
from graph.analytics import NETWORKX, Tool, analyse
from graph.standing import Standing
from graph.views import product_graph
from schema.errors import PathrecError
from schema.snapshot import open_snapshot
from tools.neo4j_server import RELEASES, fetched, running_server

Figures = dict[str, float]


def main() -> None:
    """Runs both on one graph, networkx first."""
    options = _parse()
    about = machine()
    if options.data:
        graph = product_graph(open_snapshot(options.data), "CO_BUYER")
    else:
        graph = shop_graph(made_shop(options.products, options.products))
    server = fetched(RELEASES[options.engine.removeprefix("neo4j-")])
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(server, Path(folder), gds=True) as running,
        connect(running.url) as store,
    ):
        gds = store.gds()
        if gds is None:
            raise PathrecError(f"{running.url}: the server has no GDS")
        figures, standings = zip(*(measured(graph, tool) for tool in (NETWORKX, gds)), strict=True)
    of_tools = dict(zip((NETWORKX.name, gds.name), figures, strict=True))
    report = {
        "machine": about,
        "data": str(options.data.name) if options.data else f"made, {options.products:,} products",
        "graph": {"products": sum(1 for key in graph if graph.degree(key)), "links": graph.number_of_edges()},
        "tools": of_tools,
        "agreement": agreement(*standings),
    }
    show(report)
    if options.json:
        write_json(report, options.json)


def measured(graph: "nx.Graph[str]", tool: Tool) -> tuple[Figures, Sequence[Standing]]:
    """Seconds of a first and a second analysis, and the communities with their modularity."""
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        found = analyse(graph, "CO_BUYER", tool=tool)
        seconds.append(time.perf_counter() - start)
    groups: dict[int, set[str]] = {}
    for standing in found.standings:
        groups.setdefault(standing.community, set()).add(standing.product)
    linked = graph.subgraph(standing.product for standing in found.standings)
    return {
        "seconds": seconds[0],
        "seconds, a second time": seconds[1],
        "communities": float(found.communities),
        "modularity": float(nx.community.modularity(linked, groups.values(), weight="weight")),
    }, found.standings


def agreement(ours: Sequence[Standing], theirs: Sequence[Standing]) -> Figures:
    """How far two analyses of the same products say the same, 1 at most."""
    pairs = list(zip(ours, theirs, strict=True))
    labels = ([standing.community for standing in said] for said in (ours, theirs))
    return {
        "communities, adjusted mutual information": float(adjusted_mutual_info_score(*labels)),
        "PageRank, rank correlation": _correlation([(a.pagerank, b.pagerank) for a, b in pairs]),
        "betweenness, rank correlation": _correlation([(a.betweenness, b.betweenness) for a, b in pairs]),
    }


def _correlation(pairs: Sequence[tuple[float, float]]) -> float:
    return float(spearmanr(*np.array(pairs).T).statistic)


def show(report: dict[str, Any]) -> None:
    """A column for each tool, and below it where they agree."""
    size = report["graph"]
    table = Table(title=f"{report['data']}: {size['products']:,} products, {size['links']:,} links")
    table.add_column("")
    for tool in report["tools"]:
        table.add_column(tool, justify="right")
    for name in next(iter(report["tools"].values())):
        table.add_row(name, *(f"{figures[name]:,.3f}" for figures in report["tools"].values()))
    console = Console()
    console.print(table)
    for name, value in report["agreement"].items():
        console.print(f"{name}: {value:.4f}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument("--data", type=Path, help="a snapshot; its products are joined by their buyers")
    of.add_argument("--products", type=int, help="of a made shop with as many users")
    servers = [f"neo4j-{name}" for name in RELEASES]
    parser.add_argument("--engine", choices=servers, default=servers[0], help="which server (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()

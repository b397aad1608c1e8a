"""From a graph or its snapshot to what an analysis says of its products."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from graph import Store, StoreError
from graph.analytics import NETWORKX, Tool, analyse
from graph.standing import AnalysisRun
from graph.views import product_graph
from schema.progress import Report, silent
from schema.snapshot import Snapshot, open_snapshot


def analyse_products(
    store: Store,
    *,
    snapshot: Path | None = None,
    way: str,
    seed: int = 0,
    tool: Literal["gds", "networkx"] | None = None,
    report: Report = silent,
) -> AnalysisRun:
    """Analyses how products hang together, and writes the result to their nodes.

    Args:
        store: where the result goes.
        snapshot: of the shop; without one the graph is read as it is now.
        way: what products share, as of `graph.views.product_graph`.
        seed: the same seed, graph and tool give the same result.
        tool: what works it out; GDS where the store's server has it, if None.
        report: told how far it is.

    Raises:
        StoreError: the server has no GDS, and it was asked for.
    """
    chosen = _tool(store, tool)
    if snapshot is not None:
        return _analyse(store, open_snapshot(snapshot), way, seed, chosen, report)
    with TemporaryDirectory(prefix="pathrec-") as folder:
        store.export(Path(folder) / "snapshot", report)
        return _analyse(store, open_snapshot(Path(folder) / "snapshot", verify=False), way, seed, chosen, report)


def _tool(store: Store, name: Literal["gds", "networkx"] | None) -> Tool:
    if name == "networkx":
        return NETWORKX
    gds = store.gds()
    if gds is None and name == "gds":
        raise StoreError(
            f"{store.url}: this store has no Graph Data Science library; install GDS as a plugin of the Neo4j server, "
            "or leave --with away"
        )
    return gds or NETWORKX


def _analyse(store: Store, snapshot: Snapshot, way: str, seed: int, tool: Tool, report: Report) -> AnalysisRun:
    return store.write_analysis(analyse(product_graph(snapshot, way), way, seed=seed, tool=tool, report=report))

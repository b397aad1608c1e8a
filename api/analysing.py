"""From a graph or its snapshot to what an analysis says of its products."""

from pathlib import Path
from tempfile import TemporaryDirectory

from graph import Store
from graph.analytics import analyse
from graph.standing import AnalysisRun
from graph.views import product_graph
from schema.progress import Report, silent
from schema.snapshot import Snapshot, open_snapshot


def analyse_products(
    store: Store, *, snapshot: Path | None = None, way: str, seed: int = 0, report: Report = silent
) -> AnalysisRun:
    """Analyses how products hang together, and writes the result to their nodes.

    Args:
        store: where the result goes.
        snapshot: of the shop; without one the graph is read as it is now.
        way: what products share, as of `graph.views.product_graph`.
        seed: the same seed and graph give the same result.
        report: told how far it is.
    """
    if snapshot is not None:
        return _analyse(store, open_snapshot(snapshot), way, seed, report)
    with TemporaryDirectory(prefix="pathrec-") as folder:
        store.export(Path(folder) / "snapshot", report)
        return _analyse(store, open_snapshot(Path(folder) / "snapshot", verify=False), way, seed, report)


def _analyse(store: Store, snapshot: Snapshot, way: str, seed: int, report: Report) -> AnalysisRun:
    return store.write_analysis(analyse(product_graph(snapshot, way), way, seed=seed, report=report))

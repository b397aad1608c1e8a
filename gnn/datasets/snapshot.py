"""A snapshot as a benchmark: trained on all but the last part of the time, asked for what came then."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from gnn.data import Edges, TrainingError, read_shop
from gnn.datasets.errors import DatasetError, missing_relation
from gnn.splits import split_by_time
from gnn.tasks import Benchmark
from schema.snapshot import Snapshot

METRICS = ("recall", "ndcg", "hit_rate", "precision", "map", "mrr", "coverage", "novelty", "popularity", "diversity")


def snapshot_benchmark(snapshot: Snapshot, *, without: Collection[str] = ()) -> Benchmark:
    """First purchases by known users in the last part of the time; repeats and newcomers apart.

    Args:
        snapshot: opened.
        without: relations that are left out.

    Raises:
        DatasetError: the snapshot has no relation of a name in `without`.
        TrainingError: nothing happened after the cut that could be asked for.
    """
    shop = read_shop(snapshot)
    there = [name for name, edges in shop.edges.items() if len(edges.source)]
    for name in without:
        if name not in there:
            raise DatasetError(f"{snapshot.path}: {missing_relation(name, there)}")
    nothing = {name: _empty(shop.edges[name]) for name in without}
    split = split_by_time(replace(shop, edges={**shop.edges, **nothing}))
    if not len(split.first):
        raise TrainingError(f"{snapshot.path}: nobody bought anything new in the last part of the time; nothing to ask")
    segments = {"repeat": split.ask(split.repeat, repeats=True), "newcomers": split.ask(split.newcomers)}
    return Benchmark(
        name=snapshot.path.name,
        shop=split.seen,
        test=split.ask(split.first),
        validation=None,
        rule="time",
        metrics=metrics_at((20, 10)),
        segments={name: asked for name, asked in segments.items() if len(asked)},
    )


def metrics_at(ks: Sequence[int]) -> tuple[str, ...]:
    """Every metric of lists at each length."""
    return tuple(f"{name}@{k}" for k in ks for name in METRICS)


def _empty(edges: Edges) -> Edges:
    return Edges(edges.source[:0], edges.target[:0], edges.weight[:0])

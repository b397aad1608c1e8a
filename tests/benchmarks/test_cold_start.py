from pathlib import Path

import numpy as np
import pytest
from small_shop import checkerboard

from benchmarks.cold_start import Asked, left_with, write_seen
from gnn.datasets import read_question
from gnn.tasks import Benchmark
from schema import Snapshot, open_snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return checkerboard().write(tmp_path_factory.mktemp("cold") / "snapshot")


@pytest.fixture(scope="module")
def benchmark(snapshot: Snapshot) -> Benchmark:
    return read_question(snapshot.path, None, ())


@pytest.fixture(scope="module")
def asked(benchmark: Benchmark) -> Asked:
    return Asked.of(benchmark, 0, validation=False)


def test_who_ranks_new_products_first_finds_all_of_them_and_shows_nothing_else(asked: Asked) -> None:
    size = asked.withheld.seen.products + len(asked.withheld.arrivals)
    new = np.arange(size) >= asked.withheld.seen.products
    found = asked.figures(lambda user, history: new.astype(float), size)
    assert found["cold among all"] == found["cold among cold"] == 1.0
    assert found["new in lists"] == pytest.approx(4 / 20)


def test_who_ranks_new_products_last_finds_none_of_them_but_among_themselves(asked: Asked) -> None:
    size = asked.withheld.seen.products + len(asked.withheld.arrivals)
    old = np.arange(size) < asked.withheld.seen.products
    found = asked.figures(lambda user, history: old.astype(float), size)
    assert (found["cold among all"], found["cold among cold"]) == (0.0, 1.0)
    assert found["everything"] < found["warm among all"]


def test_the_validation_part_has_other_new_products_than_the_test_part(benchmark: Benchmark, asked: Asked) -> None:
    earlier = Asked.of(benchmark, 0, validation=True)
    assert earlier.withheld.seen.as_of_ms < asked.withheld.seen.as_of_ms
    assert {p.id for p in earlier.withheld.arrivals} != {p.id for p in asked.withheld.arrivals}


def test_what_may_be_seen_is_written_without_new_products_events_and_what_came_later(
    snapshot: Snapshot, asked: Asked, tmp_path: Path
) -> None:
    write_seen(snapshot, asked.withheld, tmp_path / "seen")
    seen = open_snapshot(tmp_path / "seen")
    ids = seen.nodes("Product").column("id").to_pylist()
    met = {ids[product] for product in seen.events().column("product").to_pylist()}
    assert ids == snapshot.nodes("Product").column("id").to_pylist()
    assert met.isdisjoint({product.id for product in asked.withheld.arrivals})
    assert len(seen.events()) == seen.manifest.events == len(asked.withheld.seen.events)


def test_parts_of_what_is_known_are_left_out(benchmark: Benchmark) -> None:
    bare = left_with(benchmark.shop, frozenset(), relations=False)
    assert (bare.features, sum(len(edges.source) for edges in bare.edges.values())) == ({}, 0)
    words = left_with(benchmark.shop, frozenset({"text"}), relations=True)
    assert words.features.keys() == {"text"}
    assert words.edges == benchmark.shop.edges

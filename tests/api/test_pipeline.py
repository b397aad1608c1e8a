"""The rooms in order on real files and a real store: whole, twice, and killed in the middle."""

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from api import pipeline
from graph import Store, connect
from ingestion.encoders.text import load_text_encoder
from schema.snapshot import Snapshot, open_snapshot
from tests.support.shop_files import write_shop

EVENTS = 8_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def store(home: Path) -> Iterator[Store]:
    with connect(f"embedded:{home / 'graph'}") as store:
        yield store


@pytest.fixture(scope="module")
def ingested(store: Store, shop: Path, home: Path) -> pipeline.Ingested:
    return pipeline.ingest(store, shop, home=home)


@pytest.fixture(scope="module")
def embedded(store: Store, ingested: pipeline.Ingested, home: Path) -> pipeline.Embedded:
    return pipeline.embed(store, home=home)


@pytest.fixture(scope="module")
def snapshot(store: Store, embedded: pipeline.Embedded, home: Path) -> Path:
    pipeline.export(store, home / "snapshot")
    return home / "snapshot"


class News(defaultdict[str, list[tuple[int, int]]]):
    """A listener that remembers how far each stage was."""

    def __init__(self) -> None:
        super().__init__(list)

    def __call__(self, stage: str, done: int, total: int) -> None:
        self[stage].append((done, total))


def contents(snapshot: Snapshot) -> dict[str, object]:
    """All that a snapshot says of the shop, apart from when it was taken."""
    ontology = snapshot.ontology
    tables = {name: snapshot.nodes(name).to_pylist() for name in ontology.nodes}
    tables |= {name: snapshot.edges(name).to_pylist() for name in ontology.relations}
    return tables | {"events": snapshot.events().to_pylist()}


def test_ingestion_says_what_it_loaded(ingested: pipeline.Ingested) -> None:
    assert ingested.nodes == {"Product": 100, "Category": 5}
    assert ingested.relations == {"IN_CATEGORY": 100}
    assert ingested.events == {"written": 3000, "existing": 0}
    assert ingested.dangling == {}
    assert ingested.counts["Event"] == 3000
    assert ingested.counts["User"] == 80


def test_what_was_rejected_is_kept_with_its_reason(ingested: pipeline.Ingested, home: Path) -> None:
    rejected = [json.loads(line) for line in (home / "quarantine" / "products.jsonl").read_text().splitlines()]
    assert [row["line"] for row in rejected] == [102]
    assert ingested.quality.is_file()


def test_pictures_go_where_the_server_looks_for_them(ingested: pipeline.Ingested, home: Path) -> None:
    assert ingested.pictures == 1
    assert (home / "images" / "p0.png").is_file()


def test_ingesting_again_changes_nothing(store: Store, shop: Path, home: Path, ingested: pipeline.Ingested) -> None:
    before = store.change_number()
    again = pipeline.ingest(store, shop, home=home)
    assert again.nodes == {"Product": 0, "Category": 0}
    assert again.events == {"written": 0, "existing": 3000}
    assert again.pictures == 0
    assert again.counts == ingested.counts
    assert store.change_number() == before


def test_every_product_with_words_gets_its_vector(embedded: pipeline.Embedded) -> None:
    assert embedded.written == {"Product": 100}


def test_a_second_run_encodes_and_writes_nothing(store: Store, home: Path, embedded: pipeline.Embedded) -> None:
    news = News()
    assert pipeline.embed(store, home=home, report=news).unchanged == {"Product": 100}
    assert news["encode"] == [(100, 100)]


def test_only_a_changed_text_is_encoded_and_written(
    store: Store, shop: Path, home: Path, snapshot: Path, tmp_path: Path
) -> None:
    other = write_shop(tmp_path)
    products = other.parent / "products.csv"
    products.write_text(products.read_text().replace("coffee thing number 1,", "coffee thing renamed,"))
    pipeline.ingest(store, other, home=home)
    news = News()
    assert pipeline.embed(store, home=home, report=news).written == {"Product": 1}
    assert news["encode"] == [(99, 100), (100, 100)]
    # Back to the old title: its vector is still in the cache, and only has to be written.
    pipeline.ingest(store, shop, home=home)
    news = News()
    assert pipeline.embed(store, home=home, report=news).written == {"Product": 1}
    assert news["encode"] == [(100, 100)]


def test_the_snapshot_holds_the_vectors_of_the_texts(snapshot: Path) -> None:
    opened = open_snapshot(snapshot)
    matrix = opened.features("Product", "text")
    assert matrix is not None
    titles = opened.nodes("Product").column("title").to_pylist()
    expected = load_text_encoder().encode(titles[:3])
    np.testing.assert_allclose(np.asarray(matrix[:3], np.float32), expected, atol=2e-3)


def test_an_empty_store_is_named_before_anything_is_written(embedded_store: Store, tmp_path: Path) -> None:
    for stage in (
        lambda: pipeline.export(embedded_store, tmp_path / "out"),
        lambda: pipeline.embed(embedded_store, home=tmp_path),
    ):
        with pytest.raises(pipeline.PipelineError, match="pathrec ingest"):
            stage()
    assert not (tmp_path / "out").exists()


def test_an_ingestion_killed_again_and_again_finishes_when_run_once_more(embedded_store: Store, tmp_path: Path) -> None:
    mapping = write_shop(tmp_path / "shop", products=300, users=200, events=EVENTS)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-m", "api.cli", "ingest", str(mapping), "--home", str(killed)]
    with connect(f"embedded:{killed / 'graph'}") as store:
        for part in (0.01, 0.3, 0.6):
            _killed_after(command, store, part * EVENTS)
        left = store.counts()["Event"]
        assert left < EVENTS, "it finished before it could be killed"
        done = subprocess.run([*command, "--json", "-"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["events"] == {"written": EVENTS - left, "existing": left}
        pipeline.export(store, killed / "snapshot")
    pipeline.ingest(embedded_store, mapping, home=whole)
    pipeline.export(embedded_store, whole / "snapshot")
    assert contents(open_snapshot(killed / "snapshot")) == contents(open_snapshot(whole / "snapshot"))


def test_an_export_killed_in_the_middle_leaves_the_old_snapshot_whole(store: Store, snapshot: Path, home: Path) -> None:
    before = contents(open_snapshot(snapshot))
    command = [sys.executable, "-m", "api.cli", "export", str(snapshot), "--home", str(home)]
    for pause in (0.9, 1.1, 1.3):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        running.kill()
        running.wait()
        assert contents(open_snapshot(snapshot)) == before


def _killed_after(command: list[str], store: Store, events: float) -> None:
    """Runs a command until the store holds so many events, then kills it the hard way."""
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while store.counts()["Event"] < events:
            assert running.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "it did not get so far in time"
            time.sleep(0.01)
    finally:
        running.kill()
        running.wait()

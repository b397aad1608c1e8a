"""Vectors of a further modality, from a file to the graph and to what a model learns from."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api import pipeline
from api.vectors import Brought, VectorsError, bring_vectors
from gnn.data import read_shop
from graph import Store, connect
from schema.ontology import load_ontology
from schema.snapshot import open_snapshot
from tests.support.commands import pathrec
from tests.support.shop_files import write_shop

ONTOLOGY = "name: sounds\nnodes: {Product: {features: {audio: {}}}}\n"
WIDTH = 6


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shop(home: Path) -> Iterator[Store]:
    (home / "own.yaml").write_text(ONTOLOGY)
    with connect(f"embedded:{home / 'graph'}", ontology=load_ontology(home / "own.yaml")) as store:
        pipeline.ingest(store, write_shop(home / "shop", events=100), home=home)
        yield store


def vectors(count: int, width: int = WIDTH, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def bring(store: Store, home: Path, ids: Sequence[str | None], rows: Sequence[Sequence[float] | None]) -> Brought:
    table = pa.table({"id": pa.array(ids), "vector": pa.array([r and list(r) for r in rows], pa.list_(pa.float32()))})
    pq.write_table(table, home / "audio.parquet")
    return bring_vectors(store, home / "audio.parquet", home=home, modality="audio")


def test_vectors_are_kept_exported_and_read_by_training(shop: Store, home: Path) -> None:
    ids, matrix = [f"p{n}" for n in range(100)], vectors(100)
    assert bring(shop, home, ids, matrix.tolist()) == Brought(WIDTH, 100, 0, {})
    assert bring(shop, home, ids, matrix.tolist()) == Brought(WIDTH, 0, 100, {})
    pipeline.export(shop, home / "snapshot")
    snapshot = open_snapshot(home / "snapshot")
    stored = snapshot.features("Product", "audio")
    order = [ids.index(key) for key in snapshot.nodes("Product").column("id").to_pylist()]
    expected = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    np.testing.assert_allclose(stored, expected[order], atol=1e-6)
    # What training reads is what the ontology names, whatever it is called.
    np.testing.assert_array_equal(read_shop(snapshot).features["audio"], stored)


def test_rows_that_cannot_be_taken_are_in_quarantine(shop: Store, home: Path) -> None:
    bring(shop, home, ["p0"], vectors(1).tolist())
    fine = [1.0] * WIDTH
    rows = [fine, fine, fine, fine, [np.nan] * WIDTH, [np.inf, *fine[1:]], [0.0] * WIDTH, None, fine[:2]]
    ids = ["p1", "none", None, "p1", "p2", "p3", "p4", "p5", "p6"]
    done = bring(shop, home, ids, rows)
    assert done.rejected == {"no_id": 1, "unknown_id": 1, "duplicate": 1, "not_finite": 4, "zero": 1}
    lines = (home / "quarantine" / "Product.audio.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [(entry["row"], entry["id"], entry["reason"]) for entry in entries[:3]] == [
        (2, "none", "unknown_id"),
        (3, None, "no_id"),
        (4, "p1", "duplicate"),
    ]
    assert "p0" in shop.feature_hashes("Product", "audio")


def test_another_width_must_be_there_for_all(shop: Store, home: Path) -> None:
    bring(shop, home, ["p0", "p1"], vectors(2).tolist())
    count = len(shop.feature_hashes("Product", "audio"))
    with pytest.raises(VectorsError, match=rf"8 numbers, those in the graph {WIDTH}, and {count - 1} nodes"):
        bring(shop, home, ["p0"], vectors(1, 8).tolist())
    ids = sorted(shop.feature_hashes("Product", "audio"))
    assert bring(shop, home, ids, vectors(count, 8).tolist()).written == count
    manifest = pipeline.export(shop, home / "wider")
    assert manifest.features["Product"] == {"audio": 8}
    stored = open_snapshot(home / "wider").features("Product", "audio")
    assert stored is not None and np.any(stored, axis=1).sum() == count
    bring(shop, home, ids, vectors(count).tolist())


def test_a_feature_that_the_ontology_does_not_have_or_makes_itself_is_refused(shop: Store, home: Path) -> None:
    def refused(message: str, **wrong: str) -> None:
        with pytest.raises(VectorsError, match=message):
            bring_vectors(shop, home / "audio.parquet", home=home, **({"modality": "audio"} | wrong))

    refused("no feature smell in the ontology. Add nodes", modality="smell")
    refused("made from title, description by an encoder", modality="text")
    refused("no node type Sound", node_type="Sound")
    refused("Category has no feature audio", node_type="Category")


def test_encoders_leave_vectors_that_were_brought_along_alone(shop: Store, home: Path) -> None:
    before = shop.feature_hashes("Product", "audio")
    assert pipeline.embed(shop, home=home).written == {"Product": 100}
    assert shop.feature_hashes("Product", "audio") == before


def test_the_command_takes_a_matrix_with_the_ids_of_its_rows(shop: Store, home: Path) -> None:
    np.save(home / "audio.npy", vectors(2, seed=7))
    (home / "ids.txt").write_text("p0\nnone\n")
    options = ["--modality", "audio", "--ids", home / "ids.txt", "--home", home, "--json", "-"]
    done = pathrec("embed", "--vectors", home / "audio.npy", *options)
    assert done.returncode == 0, done.stderr
    rejected = {"unknown_id": 1}
    assert json.loads(done.stdout) == {"audio": {"width": WIDTH, "written": 1, "unchanged": 0, "rejected": rejected}}

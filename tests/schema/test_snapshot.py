import json

import numpy as np
import polars as pl
import pytest
from small_shop import checkerboard

from schema.errors import SnapshotError
from schema.pseudonym import pseudonym
from schema.snapshot import open_snapshot


@pytest.fixture
def snapshot(tmp_path):
    return checkerboard().write(tmp_path / "snapshot")


def test_other_tools_open_it_without_code_of_ours(snapshot):
    events = pl.read_parquet(snapshot.path / "events.parquet")
    products = pl.read_parquet(snapshot.path / "nodes/Product.parquet")
    assert len(events) == snapshot.manifest.events
    assert products["id"][int(events["product"][0])].startswith("p")
    assert np.load(snapshot.path / "nodes/Product.text.npy").shape == (40, 8)


def test_the_manifest_gives_the_ontology_back(snapshot):
    assert open_snapshot(snapshot.path).ontology.hash == snapshot.manifest.ontology_hash


def test_a_modality_that_was_not_exported_is_none(snapshot):
    assert snapshot.features("Product", "image") is None
    assert snapshot.features("Brand", "text") is None


def test_a_damaged_or_missing_file_is_named(snapshot):
    events = snapshot.path / "events.parquet"
    events.write_bytes(events.read_bytes()[:-1] + b"x")
    with pytest.raises(SnapshotError, match=r"events\.parquet: is damaged"):
        open_snapshot(snapshot.path)
    events.unlink()
    with pytest.raises(SnapshotError, match=r"events\.parquet: is missing"):
        open_snapshot(snapshot.path)


def test_no_snapshot_and_no_manifest_say_what_to_do(snapshot, tmp_path):
    with pytest.raises(SnapshotError, match="pathrec export"):
        open_snapshot(tmp_path / "nothing")
    (snapshot.path / "manifest.json").write_text("{}")
    with pytest.raises(SnapshotError, match="not a manifest"):
        open_snapshot(snapshot.path)


def test_an_ontology_that_was_changed_by_hand_is_noticed(snapshot):
    file = snapshot.path / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["ontology"]["name"] = "forged"
    file.write_text(json.dumps(manifest))
    with pytest.raises(SnapshotError, match="hash"):
        open_snapshot(snapshot.path)


def test_a_pseudonym_is_stable_and_tells_kinds_apart():
    assert pseudonym("user", "17850") == pseudonym("user", "17850")
    assert pseudonym("user", "17850") != pseudonym("basket", "17850")
    assert len(pseudonym("user", "x" * 1000)) == 24

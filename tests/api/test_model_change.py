"""What the graph keeps when encoders change, and of nodes that say little."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from api import pipeline
from graph import Store
from ingestion.encoders.model_folder import EncoderError
from schema.errors import RecordError
from schema.snapshot import open_snapshot
from tests.support.tiny_models import write_tiny_bert, write_tiny_vit

TITLES = {
    "mug": "red mug",
    "none": None,
    "blank": "  ",
    "cup": "blue cup",
    "tea": "茶杯",
    "dress": "فستان أزرق",
    "x": "🫖",
}
WORDLESS = {"none", "blank"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name, turned in (("mug.png", 0), ("cup.png", 90)):
        file = BytesIO()
        Image.linear_gradient("L").rotate(turned).save(file, "PNG")
        (tmp_path / "images" / name).write_bytes(file.getvalue())
    return tmp_path


@pytest.fixture
def store(embedded_store: Store) -> Store:
    images = {"mug": "mug.png", "cup": "cup.png"}
    rows = [(key, title, images.get(key)) for key, title in TITLES.items()]
    ids, titles, pictures = map(list, zip(*rows, strict=True))
    embedded_store.load_nodes("Product", pa.table({"id": ids, "title": titles, "image": pictures}))
    return embedded_store


def features(store: Store, out: Path, modality: str) -> dict[str, np.ndarray]:
    pipeline.export(store, out)
    snapshot = open_snapshot(out)
    matrix, ids = snapshot.features("Product", modality), snapshot.nodes("Product").column("id").to_pylist()
    assert matrix is not None
    return {key: row for key, row in zip(ids, matrix, strict=True) if np.any(row)}


def test_all_scripts_have_vectors_and_a_product_without_a_title_has_none(store: Store, home: Path) -> None:
    assert pipeline.embed(store, home=home).written == {"Product": 5}
    vectors = features(store, home / "snapshot", "text")
    assert vectors.keys() == TITLES.keys() - WORDLESS
    assert np.linalg.norm(list(vectors.values()), axis=1) == pytest.approx(1, abs=1e-3)
    store.load_nodes("Product", pa.table({"id": ["none"], "title": ["a dress"]}))
    assert pipeline.embed(store, home=home).written == {"Product": 1}


def test_models_of_other_widths_replace_all_vectors(store: Store, home: Path) -> None:
    pipeline.embed(store, home=home)
    pipeline.embed_pictures(store, home=home)
    texts, pictures = str(write_tiny_bert(home / "bert")), str(write_tiny_vit(home / "vit"))
    assert pipeline.embed(store, home=home, model=texts).written == {"Product": 5}
    done = pipeline.embed_pictures(store, home=home, model=pictures)
    assert done is not None and done.written == {"Product": 2}
    assert {len(v) for v in features(store, home / "snapshot", "text").values()} == {16}
    assert {key: len(v) for key, v in features(store, home / "snapshot", "image").items()} == {"mug": 16, "cup": 16}
    assert pipeline.embed(store, home=home).written == {"Product": 5}
    assert {len(v) for v in features(store, home / "snapshot", "text").values()} == {384}


def test_a_change_that_was_interrupted_is_finished_by_the_next_run(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.embed(store, home=home)
    monkeypatch.setattr(pipeline, "PIECE", 2)
    model, load = str(write_tiny_bert(home / "bert")), Store.load_features
    calls: list[int] = []

    def breaks_off(*arguments: object, **more: object) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return load(*arguments, **more)

    monkeypatch.setattr(Store, "load_features", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        pipeline.embed(store, home=home, model=model)
    # What is left of the old model is not mixed with the new one's.
    assert {len(v) for v in features(store, home / "half", "text").values()} == {16}
    pipeline.embed(store, home=home, model=model)
    assert len(features(store, home / "whole", "text")) == 5


def test_values_that_are_not_finite_never_reach_the_graph(store: Store, home: Path) -> None:
    vector = np.array([[1, np.nan, 0]], np.float32)
    with pytest.raises(RecordError, match=r"Product\.text: the vector of mug is not of finite numbers"):
        store.load_features("Product", "text", ["mug"], vector, ["hash"])


@pytest.mark.parametrize("what", ["texts", "pictures"])
def test_a_model_whose_weights_are_broken_is_found_out(store: Store, home: Path, what: str) -> None:
    from safetensors.torch import load_file, save_file

    folder = write_tiny_bert(home / "m") if what == "texts" else write_tiny_vit(home / "m")
    weights = {name: weight * np.nan for name, weight in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    embed = pipeline.embed if what == "texts" else pipeline.embed_pictures
    with pytest.raises(EncoderError, match="not finite numbers"):
        embed(store, home=home, model=str(folder))

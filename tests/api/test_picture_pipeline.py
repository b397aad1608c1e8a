"""Pictures from a shop's folder to node features of the graph, and back out in a snapshot."""

import csv
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from api import pipeline
from graph import Store
from ingestion.encoders.archive import ArchiveError
from ingestion.encoders.vision import load_image_encoder
from schema.snapshot import open_snapshot
from tests.support.picture_server import Page, serving
from tests.support.shop_files import write_shop

PICTURES = ("p0.png", "p1.png", "p2.png")


def shop_of(folder: Path, pictures: Sequence[str]) -> Path:
    """A shop of a hundred products, of which the first name a picture; little has happened in it."""
    mapping = write_shop(folder, events=20)
    products = folder / "products.csv"
    header, *rows = csv.reader(products.read_text().splitlines())
    column = header.index("picture")
    for number, row in enumerate(rows):
        row[column] = pictures[number] if number < len(pictures) else ""
    with products.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return mapping


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(embedded_store: Store, home: Path, tmp_path: Path) -> Store:
    mapping = shop_of(tmp_path / "shop", PICTURES)
    Image.linear_gradient("L").save(tmp_path / "shop" / "pictures" / "p0.png")
    (tmp_path / "shop" / "pictures" / "p1.png").write_bytes(b"hello")
    pipeline.ingest(embedded_store, mapping, home=home)
    return embedded_store


def refused(home: Path) -> dict[str, str]:
    lines = (home / "quarantine" / "pictures.jsonl").read_text().splitlines()
    return {entry["id"]: entry["reason"] for entry in map(json.loads, lines)}


def image_vectors(store: Store, out: Path) -> dict[str, np.ndarray]:
    pipeline.export(store, out)
    snapshot = open_snapshot(out)
    matrix = snapshot.features("Product", "image")
    ids = snapshot.nodes("Product").column("id").to_pylist()
    return {} if matrix is None else {key: row for key, row in zip(ids, matrix, strict=True) if np.any(row)}


def test_pictures_become_features_and_the_rest_is_in_quarantine(store: Store, home: Path, tmp_path: Path) -> None:
    done = pipeline.embed_pictures(store, home=home)
    assert done is not None
    assert (done.encoder, done.written, done.rejected) == ("EfficientNet-Lite0", {"Product": 1}, {"Product": 2})
    assert refused(home) == {"p1": "no_picture", "p2": "missing"}
    vectors = image_vectors(store, tmp_path / "snapshot")
    assert list(vectors) == ["p0"]
    expected = load_image_encoder(device="cpu").encode([(home / "images" / "p0.png").read_bytes()]).matrix[0]
    np.testing.assert_allclose(np.asarray(vectors["p0"], np.float32), expected, atol=2e-3)


def test_a_second_run_writes_nothing_and_a_changed_picture_is_written_alone(store: Store, home: Path) -> None:
    pipeline.embed_pictures(store, home=home)
    again = pipeline.embed_pictures(store, home=home)
    assert again is not None and again.written == {"Product": 0}
    assert refused(home) == {"p1": "no_picture", "p2": "missing"}
    Image.radial_gradient("L").save(home / "images" / "p2.png")
    mended = pipeline.embed_pictures(store, home=home)
    assert mended is not None and (mended.written, mended.rejected) == ({"Product": 1}, {"Product": 1})


def test_a_picture_that_is_gone_takes_its_feature_with_it(store: Store, home: Path, tmp_path: Path) -> None:
    pipeline.embed_pictures(store, home=home)
    (home / "images" / "p0.png").unlink()
    done = pipeline.embed_pictures(store, home=home)
    assert done is not None and done.written == {"Product": 1}
    assert image_vectors(store, tmp_path / "snapshot") == {}


def test_a_shop_without_pictures_loads_no_model(
    embedded_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping, home = shop_of(tmp_path / "shop", ()), tmp_path / "home"
    monkeypatch.setattr("ingestion.encoders.vision.load_image_encoder", lambda model: pytest.fail("a model was loaded"))
    pipeline.ingest(embedded_store, mapping, home=home)
    assert pipeline.embed_pictures(embedded_store, home=home) is None


def test_pictures_come_from_the_web_and_a_second_run_downloads_none(embedded_store: Store, tmp_path: Path) -> None:
    file = BytesIO()
    Image.linear_gradient("L").save(file, "JPEG")
    whole = file.getvalue()
    pages = {"/a.jpg": Page((whole,), headers={"ETag": '"a"'}), "/half.jpg": Page((whole[: len(whole) // 2],))}
    store, home = embedded_store, tmp_path / "home"
    with serving(pages) as server:
        names = [f"{server.url}/{name}" for name in ("a.jpg", "half.jpg", "none.jpg")]
        pipeline.ingest(store, shop_of(tmp_path / "shop", names), home=home)
        strict = pipeline.embed_pictures(store, home=home)
        assert strict is not None and strict.rejected == {"Product": 3}
        assert set(refused(home).values()) == {"private"} and server.asked == []
        done = pipeline.embed_pictures(store, home=home, allow_private=True)
        assert done is not None and (done.written, done.rejected) == ({"Product": 1}, {"Product": 2})
        assert refused(home) == {"p1": "damaged", "p2": "missing"}
        again = pipeline.embed_pictures(store, home=home, allow_private=True)
        assert again is not None and again.written == {"Product": 0}
        assert [headers.get("if-none-match") for path, headers in server.asked if path == "/a.jpg"] == [None, '"a"']


def test_pictures_come_out_of_an_archive(embedded_store: Store, tmp_path: Path) -> None:
    store, home = embedded_store, tmp_path / "home"
    mapping = shop_of(tmp_path / "shop", ("15970.png", "15971.png"))
    mapping.write_text(mapping.read_text().replace("images: pictures", "images: images.npz"))
    (tmp_path / "shop" / "images.npz").write_bytes(b"hello")
    with pytest.raises(ArchiveError, match=r"images\.npz"):
        pipeline.ingest(store, mapping, home=home)
    assert store.counts()["Product"] == 0
    file = BytesIO()
    Image.linear_gradient("L").save(file, "PNG")
    content = np.frombuffer(file.getvalue(), np.uint8)
    np.savez(tmp_path / "shop" / "images.npz", ids=[15970], off=[0, len(content)], buf=content)
    assert pipeline.ingest(store, mapping, home=home).pictures == 1
    done = pipeline.embed_pictures(store, home=home)
    assert done is not None and (done.written, done.rejected) == ({"Product": 1}, {"Product": 1})
    assert refused(home) == {"p1": "missing"}

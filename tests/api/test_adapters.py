import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from themed_shop import quick_adapter, titles

from api import adapters, encoding, pipeline
from api.doctor import examine
from api.settings import Settings
from graph import Store
from ingestion.encoders.adapter import AdapterError, open_adapter
from ingestion.encoders.text import load_text_encoder
from tests.support.commands import pathrec, pathrec_apart


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quick_adapter(tmp_path_factory.mktemp("made"))[0]


def text_encoder(home: Path) -> str:
    return next(f"{f.state}: {f.says}" for f in examine(Settings(home=home)) if f.subject == "text encoder")


def test_a_shop_begins_without_an_adapter(tmp_path: Path) -> None:
    assert adapters.in_use(tmp_path) is None
    adapters.use(tmp_path, None)
    assert not adapters.adapters_folder(tmp_path).exists()


def test_an_adapter_in_use_is_a_copy_of_its_own(tmp_path: Path, made: Path) -> None:
    adapters.use(tmp_path, made)
    kept = adapters.in_use(tmp_path)
    assert kept is not None and kept.parent == tmp_path / "adapters"
    assert (kept / "manifest.json").read_bytes() == (made / "manifest.json").read_bytes()
    adapters.use(tmp_path, kept)
    assert adapters.in_use(tmp_path) == kept
    assert text_encoder(tmp_path).startswith("ok: ") and "with adapter" in text_encoder(tmp_path)


def test_the_shop_goes_back_to_the_model_alone_and_the_adapter_stays(tmp_path: Path, made: Path) -> None:
    adapters.use(tmp_path, made)
    kept = adapters.in_use(tmp_path)
    adapters.use(tmp_path, None)
    assert adapters.in_use(tmp_path) is None
    assert kept is not None and kept.is_dir()


def test_a_damaged_pointer_is_named(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "current.json").write_text("{")
    with pytest.raises(AdapterError, match=r"current\.json"):
        adapters.in_use(tmp_path)
    assert text_encoder(tmp_path).startswith("problem: ")


def test_embedding_with_an_adapter_puts_it_in_use(embedded_store: Store, tmp_path: Path, made: Path) -> None:
    texts = titles()[:6]
    embedded_store.load_nodes("Product", pa.table({"id": [f"p{n}" for n in range(6)], "title": texts}))
    model = str(made.parent / "model")
    assert pipeline.embed(embedded_store, home=tmp_path, model=model).written == {"Product": 6}
    assert adapters.in_use(tmp_path) is None
    # Another encoder: every vector is another, and those of the model alone stay in the cache.
    tuned = pipeline.embed(embedded_store, home=tmp_path, adapter=made)
    assert tuned.written == {"Product": 6} and "adapter" in tuned.encoder
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert pipeline.embed(embedded_store, home=tmp_path).unchanged == {"Product": 6}
    assert pipeline.embed(embedded_store, home=tmp_path, model=model).written == {"Product": 6}
    assert adapters.in_use(tmp_path) is None


def test_the_encoder_of_a_server_uses_the_adapter_of_its_shop(tmp_path: Path, made: Path) -> None:
    adapters.use(tmp_path, made)
    process = encoding.text_encoder(None, tmp_path / "cache", tmp_path)
    process.start()
    try:
        deadline = time.monotonic() + 120
        while process.check() == "starting" and time.monotonic() < deadline:
            time.sleep(0.1)
        assert process.state == "ready", process.problem
        found = process.encode([[text, None] for text in titles()[:3]]).matrix
    finally:
        process.stop()
    expected = load_text_encoder(adapter=made, device="cpu").encode(titles()[:3])
    assert found == pytest.approx(np.asarray(expected), abs=1e-5)


def test_the_command_goes_on_from_the_adapter_in_use(tmp_path: Path, made: Path) -> None:
    adapters.use(tmp_path / "home", made)
    done = pathrec_apart(
        *("finetune-text", made.parent / "snapshot", "--out", tmp_path / "new", "--home", tmp_path / "home"),
        *("--budget", 0.1, "--json", "-"),
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["earlier"] == open_adapter(made).version
    assert said["version"] == open_adapter(tmp_path / "new").version
    assert set(said["figures"]) == {"before", "earlier", "after", "old_earlier", "old_after"}
    for word in ("Going on from", "this adapter", "Forgotten of what was held out before"):
        assert word in done.stderr
    # Only embedding puts it in use: until then the stored vectors are those of the old one.
    assert adapters.in_use(tmp_path / "home") != tmp_path / "new"


def test_the_command_replaces_no_folder_that_is_not_an_adapter(tmp_path: Path, made: Path) -> None:
    snapshot = made.parent / "snapshot"
    refused = pathrec("finetune-text", snapshot, "--out", snapshot, "--home", tmp_path)
    assert refused.returncode == 1
    assert f"{snapshot}: exists and is not one of ours" in refused.stderr

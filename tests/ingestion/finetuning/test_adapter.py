import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from themed_shop import titles, write_model
from transformers import BertModel

from ingestion.encoders import EmbeddingCache, encode_cached
from ingestion.encoders.adapter import CONFIG, MANIFEST, WEIGHTS, AdapterError, AdapterManifest, open_adapter
from ingestion.encoders.text import load_text_encoder

Trained = tuple[Path, AdapterManifest]

WITHOUT_PEFT = """
import sys
import api, ingestion.finetuning
from ingestion.encoders.adapter import open_adapter
open_adapter(__import__("pathlib").Path(sys.argv[1]))
print("torch" in sys.modules)
from ingestion.encoders.text import load_text_encoder
load_text_encoder(sys.argv[2]).encode(["t0w0"])
print("peft" in sys.modules)
"""


@pytest.fixture
def copy(trained: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained[0], tmp_path / "copy"))


def test_lora_is_merged_into_the_weights_so_that_nothing_is_run_beside_them(trained: Trained) -> None:
    assert type(load_text_encoder(adapter=trained[0], device="cpu").network) is BertModel


def test_an_adapter_finds_its_model_and_may_be_moved(trained: Trained, copy: Path) -> None:
    here, there = (load_text_encoder(adapter=folder, device="cpu") for folder in (trained[0], copy))
    assert here.version == there.version == trained[1].version
    assert trained[1].version[:12] in here.name
    assert np.array_equal(here.encode(titles()[:5]), there.encode(titles()[:5]))


def test_vectors_with_and_without_an_adapter_do_not_mix(trained: Trained, model: Path, tmp_path: Path) -> None:
    plain, tuned = load_text_encoder(str(model), device="cpu"), load_text_encoder(adapter=trained[0], device="cpu")
    cache, texts = EmbeddingCache(tmp_path), titles()[:3]
    before, keys = encode_cached(plain, texts, cache)
    after, other_keys = encode_cached(tuned, texts, cache)
    assert not np.allclose(before, after, atol=0.01)
    assert not set(keys) & set(other_keys)
    # What was encoded without it is still there: taking an adapter away costs nothing.
    assert len(cache.get(plain.version, keys)) == len(cache.get(tuned.version, other_keys)) == 3


def test_an_adapter_for_another_model_says_which_one_it_needs(trained: Trained, tmp_path: Path) -> None:
    other = write_model(tmp_path / "other", seed=1)
    with pytest.raises(AdapterError, match=rf"was trained for {trained[1].base.model} .* does not fit {other}"):
        load_text_encoder(str(other), adapter=trained[0], device="cpu")


def test_an_adapter_that_is_only_a_pickle_is_refused(copy: Path) -> None:
    (copy / WEIGHTS).rename(copy / "adapter_model.bin")
    with pytest.raises(AdapterError, match=f"no {WEIGHTS} .* can run code"):
        open_adapter(copy)
    (copy / MANIFEST).unlink()
    with pytest.raises(AdapterError, match="can run code"):
        open_adapter(copy)


@pytest.mark.parametrize("file", [WEIGHTS, CONFIG, "held_out/partners.parquet"])
def test_a_damaged_adapter_is_refused_with_its_place(copy: Path, file: str) -> None:
    with (copy / file).open("ab") as damaged:
        damaged.write(b" ")
    with pytest.raises(AdapterError, match=f"{file}: is missing or damaged"):
        open_adapter(copy)
    (copy / file).unlink()
    with pytest.raises(AdapterError, match=f"{file}: is missing or damaged"):
        load_text_encoder(adapter=copy)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [("method", "ia3", "does not fit"), ("version", "0" * 64, "does not fit"), ("format", 2, "not the manifest")],
)
def test_a_manifest_of_something_else_is_refused(copy: Path, name: str, value: object, word: str) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps(manifest | {name: value}))
    with pytest.raises(AdapterError, match=word):
        open_adapter(copy)


def test_a_folder_without_an_adapter_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="pathrec finetune-text"):
        open_adapter(tmp_path)


def test_nothing_of_peft_is_loaded_without_an_adapter(trained: Trained, model: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT_PEFT, str(trained[0]), str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "False"], done.stderr

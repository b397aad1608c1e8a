import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.encoders.model_folder import PACKAGE, EncoderError, find_model

FIND = "import sys; from ingestion.encoders.model_folder import find_model; print(find_model(sys.argv[1]).version)"


def find_elsewhere(model: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, whose Hugging Face is a closed port: nothing can be downloaded."""
    env = os.environ | {"HF_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9"} | environment
    return subprocess.run([sys.executable, "-c", FIND, model], env=env, capture_output=True, text=True, check=False)


def test_the_packaged_model_is_what_it_should_be() -> None:
    found = find_model()
    assert (found.name, found.pooling, found.max_tokens) == ("all-MiniLM-L6-v2", "mean", 256)


def test_changed_packaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PACKAGE / "model").mkdir(parents=True)
    (tmp_path / PACKAGE / "__init__.py").touch()
    (tmp_path / PACKAGE / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    with pytest.raises(EncoderError, match="sha256 must be"):
        find_model()


def test_a_model_that_was_downloaded_before_is_found_without_a_network(tiny_bert: Path, tmp_path: Path) -> None:
    kept = tmp_path / "hub" / "models--somebody--tiny"
    shutil.copytree(tiny_bert, kept / "snapshots" / "0123456789abcdef0123456789abcdef01234567")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("0123456789abcdef0123456789abcdef01234567")
    for environment in ({}, {"HF_HUB_OFFLINE": "1"}):
        found = find_elsewhere("somebody/tiny", tmp_path, **environment)
        assert found.stdout.strip() == find_model(str(tiny_bert)).version, found.stderr


def test_a_model_that_cannot_be_downloaded_says_what_would_do(tmp_path: Path) -> None:
    for environment in ({}, {"HF_HUB_OFFLINE": "1"}):
        refused = find_elsewhere("somebody/absent", tmp_path, **environment)
        assert "EncoderError: somebody/absent: cannot be downloaded" in refused.stderr
        assert "name a local folder" in refused.stderr


def test_what_is_neither_a_folder_nor_an_id_is_said_to_be_so() -> None:
    with pytest.raises(EncoderError, match="neither a folder nor"):
        find_model("/no/such/folder/here")

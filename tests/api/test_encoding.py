import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_models import write_tiny_bert

from api.encoding import EncoderProcess, EncoderUnavailableError, Sought, picture_encoder, text_encoder
from ingestion.encoders.text import load_text_encoder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with an instruction for queries and one for what is described."""
    folder = write_tiny_bert(tmp_path_factory.mktemp("model"))
    prompts = '{"prompts": {"query": "for ", "document": "tea "}}'
    (folder / "config_sentence_transformers.json").write_text(prompts)
    return folder


@pytest.fixture(scope="module")
def encoder(model: Path, cache: Path) -> Iterator[EncoderProcess]:
    process = text_encoder(str(model), cache)
    process.start()
    yield process
    process.stop()


def wait(encoder: EncoderProcess, seconds: float = 90.0) -> str:
    deadline = time.monotonic() + seconds
    while encoder.check() == "starting" and time.monotonic() < deadline:
        time.sleep(0.1)
    return encoder.state


def test_until_the_child_is_ready_texts_cannot_be_encoded(encoder: EncoderProcess) -> None:
    if encoder.check() == "starting":
        with pytest.raises(EncoderUnavailableError, match="starting"):
            encoder.encode([["a mug"]])


def test_properties_become_one_vector_a_node_with_its_hash(encoder: EncoderProcess) -> None:
    assert wait(encoder) == "ready"
    encoded = encoder.encode([["Red mug", "For coffee."], ["Red mug", None], ["", None]])
    assert encoded.matrix.shape[0] == len(encoded.hashes) == 3
    assert np.linalg.norm(encoded.matrix, axis=1) == pytest.approx([1, 1, 0], abs=1e-5)
    assert len(set(encoded.hashes)) == 3


def test_what_is_sought_goes_after_the_instruction_for_queries_and_is_not_kept(
    encoder: EncoderProcess, model: Path, cache: Path
) -> None:
    def files() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in cache.rglob("*") if file.is_file()}

    assert wait(encoder) == "ready"
    before = files()
    found = encoder.encode([Sought("red mug")])
    assert files() == before
    kept = encoder.encode([["red mug"]])
    assert files() != before
    here = load_text_encoder(str(model))
    assert found.matrix == pytest.approx(here.for_queries().encode(["red mug"]), abs=1e-5)
    assert kept.matrix == pytest.approx(here.encode(["red mug"]), abs=1e-5)
    assert abs(found.matrix - kept.matrix).max() > 1e-3
    assert found.hashes == ()


def test_a_child_that_is_killed_is_replaced(encoder: EncoderProcess) -> None:
    assert wait(encoder) == "ready"
    process = encoder._process
    assert process is not None and process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with pytest.raises(EncoderUnavailableError):
        encoder.encode([["a mug"]])
    assert wait(encoder) == "ready"
    assert encoder.encode([["a mug"]]).matrix.shape[0] == 1


def test_a_model_that_cannot_be_opened_is_said_and_not_tried_again(tmp_path: Path) -> None:
    process = text_encoder(str(tmp_path / "no such model"), tmp_path / "cache")
    process.start()
    try:
        assert wait(process) == "failed"
        assert process.problem
        with pytest.raises(EncoderUnavailableError, match="no such model"):
            process.encode([["a mug"]])
    finally:
        process.stop()


def test_pictures_have_an_encoder_of_their_own_that_starts_when_it_is_needed(tmp_path: Path) -> None:
    Image.linear_gradient("L").save(tmp_path / "grey.png")
    (tmp_path / "bad.png").write_bytes(b"hello")
    process = picture_encoder(None, tmp_path / "cache", tmp_path)
    try:
        assert process.check() == "stopped"
        assert process.wake(90.0) == "ready"
        encoded = process.encode([["grey.png"], ["bad.png"], [None], ["gone.png"]] * 10)
    finally:
        process.stop()
    assert np.linalg.norm(encoded.matrix[:4], axis=1) == pytest.approx([1, 0, 0, 0], abs=1e-5)
    assert {row: problem.reason for row, problem in encoded.problems.items() if row < 4} == {
        1: "no_picture",
        3: "missing",
    }
    assert sorted(encoded.problems) == sorted([*range(1, 40, 4), *range(3, 40, 4)])

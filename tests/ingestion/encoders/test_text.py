import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from ingestion.encoders.model_folder import EncoderError
from ingestion.encoders.text import TextEncoder, load_text_encoder, pool

TEXTS = ["red mug", "blue cup for tea", "dress", "a blue dress for tea for tea", "mug"]


@pytest.fixture(scope="module")
def packaged() -> TextEncoder:
    return load_text_encoder(device="cpu")


def with_modules(tiny: Path, folder: Path, pooling: dict[str, object], *more: str) -> Path:
    """The same model in the sentence-transformers layout."""
    shutil.copytree(tiny, folder)
    names = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"} | {name: name for name in more}
    kinds = [{"type": f"sentence_transformers.models.{name}", "path": path} for name, path in names.items()]
    (folder / "modules.json").write_text(json.dumps(kinds))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def last_layer(folder: Path, text: str) -> np.ndarray:
    """(t, d) straight from transformers, one text alone."""
    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        return AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[0].numpy()


def test_the_packaged_model_knows_that_a_mug_is_nearer_to_a_cup_than_to_a_dress(packaged: TextEncoder) -> None:
    mug, cup, dress = packaged.encode(["a coffee mug", "a cup for tea", "a summer dress"])
    assert mug @ cup == pytest.approx(0.6063, abs=2e-3)
    assert mug @ dress == pytest.approx(0.1720, abs=2e-3)
    assert cup @ dress == pytest.approx(0.1222, abs=2e-3)


def test_vectors_are_float32_of_length_one_and_a_text_without_words_has_none(packaged: TextEncoder) -> None:
    matrix = packaged.encode(["mug", "", "  \n", "茶杯"])
    assert matrix.shape == (4, packaged.width) and matrix.dtype == np.float32
    assert np.linalg.norm(matrix, axis=1) == pytest.approx([1, 0, 0, 1], abs=1e-5)


def test_no_texts_give_no_rows(packaged: TextEncoder) -> None:
    assert packaged.encode([]).shape == (0, packaged.width)


def test_the_company_of_a_text_in_a_batch_does_not_change_its_vector(packaged: TextEncoder) -> None:
    texts = [f"{'very ' * (i % 37)}pleasant teapot {i}" for i in range(150)]
    together = packaged.encode(texts)
    alone = np.concatenate([packaged.encode([texts[i]]) for i in range(0, 150, 29)])
    assert together[::29] == pytest.approx(alone, abs=1e-5)
    assert packaged.encode(texts[::-1])[::-1] == pytest.approx(together, abs=1e-5)


def test_a_very_long_text_is_cut_and_not_refused(packaged: TextEncoder) -> None:
    assert np.linalg.norm(packaged.encode(["teapot " * 5000])) == pytest.approx(1, abs=1e-5)


def test_encoding_leaves_the_threads_of_torch_as_they_were(packaged: TextEncoder) -> None:
    before = torch.get_num_threads()
    packaged.encode(["mug", "cup"] * 50)
    assert torch.get_num_threads() == before


def test_progress_ends_at_the_number_of_texts(packaged: TextEncoder) -> None:
    news: list[tuple[str, int, int]] = []
    packaged.encode(["mug", "", "cup"] * 50, lambda *step: news.append(step))
    assert news[-1] == ("encode", 150, 150)
    assert news == sorted(news)


def test_a_bare_transformers_folder_is_pooled_by_the_mean(tiny_bert: Path) -> None:
    encoder = load_text_encoder(str(tiny_bert), device="cpu")
    for text, vector in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        mean = last_layer(tiny_bert, text).mean(0)
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


@pytest.mark.parametrize(
    ("config", "position"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, 0),
        ({"pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": False}, -1),
        ({"pooling_mode": "lasttoken"}, -1),
    ],
)
def test_pooling_follows_the_sentence_transformers_configuration(
    tiny_bert: Path, tmp_path: Path, config: dict[str, object], position: int
) -> None:
    folder = with_modules(tiny_bert, tmp_path / "model", config)
    for text, vector in zip(TEXTS, load_text_encoder(str(folder), device="cpu").encode(TEXTS), strict=True):
        token = last_layer(tiny_bert, text)[position]
        assert vector == pytest.approx(token / np.linalg.norm(token), abs=1e-5)


def test_pooling_by_hand() -> None:
    states = torch.tensor([[[1.0, 0.0], [3.0, 2.0], [9.0, 9.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert pool(states, mask, "mean").tolist() == [[2.0, 1.0]]
    assert pool(states, mask, "cls").tolist() == [[1.0, 0.0]]
    assert pool(states, mask, "lasttoken").tolist() == [[3.0, 2.0]]


def test_the_limit_of_tokens_is_the_models_own(tiny_bert: Path, tmp_path: Path) -> None:
    folder = with_modules(tiny_bert, tmp_path / "model", {"pooling_mode_mean_tokens": True})
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    long, short = load_text_encoder(str(folder), device="cpu").encode(["red mug for tea", "red mug"])
    assert long == pytest.approx(short, abs=1e-6)


def test_other_weights_are_another_version(tiny_bert: Path, tmp_path: Path) -> None:
    first = load_text_encoder(str(tiny_bert), device="cpu")
    again = Path(shutil.copytree(tiny_bert, tmp_path / "copy"))
    assert load_text_encoder(str(again), device="cpu").version == first.version
    model = AutoModel.from_pretrained(again)
    model.embeddings.word_embeddings.weight.data[5] += 0.1
    model.save_pretrained(again)
    assert load_text_encoder(str(again), device="cpu").version != first.version


@pytest.mark.parametrize(
    ("config", "more", "word"),
    [
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, (), "max_tokens"),
        ({"pooling_mode_mean_tokens": True}, ("Dense",), "Dense"),
    ],
)
def test_modules_that_are_not_supported_are_named(
    tiny_bert: Path, tmp_path: Path, config: dict[str, object], more: tuple[str, ...], word: str
) -> None:
    folder = with_modules(tiny_bert, tmp_path / "model", config, *more)
    with pytest.raises(EncoderError, match=word):
        load_text_encoder(str(folder))


def test_a_model_that_is_only_a_pickle_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "pickle"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"no \*\.safetensors"):
        load_text_encoder(str(folder))


@pytest.mark.parametrize(("file", "content"), [("model.safetensors", b"broken"), ("config.json", b"{")])
def test_a_damaged_model_is_refused_with_its_place(tiny_bert: Path, tmp_path: Path, file: str, content: bytes) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "damaged"))
    (folder / file).write_bytes(content)
    with pytest.raises(EncoderError, match="damaged"):
        load_text_encoder(str(folder))


def test_weights_with_a_gap_are_refused_and_not_filled_with_chance(tiny_bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "gap"))
    weights = load_file(folder / "model.safetensors")
    del weights["embeddings.word_embeddings.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match="lack embeddings"):
        load_text_encoder(str(folder))


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"no config\.json"):
        load_text_encoder(str(tmp_path))

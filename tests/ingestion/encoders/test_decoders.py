"""Embedding models of the size of a language model: causal decoders, last-token pooling, instructions.

What a download would bring is built here from its configuration, tiny and with random weights.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModel,
    AutoTokenizer,
    LlamaConfig,
    LlamaModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
)

from ingestion.encoders.model_folder import EncoderError
from ingestion.encoders.text import load_text_encoder

WORDS = ["[PAD]", "[UNK]", "[END]", "find", "keep", ":", "red", "blue", "mug", "cup", "dress", "for", "tea"]
TEXTS = ["red mug", "blue cup for tea", "dress", "a blue dress for tea for tea", "mug 茶杯"]
PROMPTS = {"prompts": {"query": "find : ", "document": "keep : "}}
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"num_key_value_heads": 2, "vocab_size": len(WORDS), "max_position_embeddings": 64}
DECODERS = {
    "qwen": lambda: Qwen3Model(Qwen3Config(**SIZES, head_dim=8)),
    "llama": lambda: LlamaModel(LlamaConfig(**SIZES)),
}


@pytest.fixture(scope="module", params=DECODERS)
def decoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the sentence-transformers layout, whose tokenizer ends each text with [END] and pads on the left."""
    folder = tmp_path_factory.mktemp(request.param)
    words = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    words.post_processor = TemplateProcessing(single="$A [END]", special_tokens=[("[END]", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", eos_token="[END]", padding_side="left"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    DECODERS[request.param]().save_pretrained(folder)
    modules = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    kinds = [{"type": f"sentence_transformers.models.{name}", "path": path} for name, path in modules.items()]
    (folder / "modules.json").write_text(json.dumps(kinds))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_lasttoken": true, "include_prompt": true}')
    return folder


@pytest.fixture
def told(decoder: Path) -> Path:
    """The same with instructions."""
    (decoder / "config_sentence_transformers.json").write_text(json.dumps(PROMPTS))
    return decoder


def alone(folder: Path, text: str) -> np.ndarray:
    """The last token of one text without any padding, at length 1."""
    network = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        state = network(**AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")).last_hidden_state[0, -1]
    return (state / state.norm()).numpy()


def padded_left(folder: Path, texts: list[str]) -> np.ndarray:
    """As the models' own cards do it: padding on the left, the last column, positions by the mask."""
    network = AutoModel.from_pretrained(folder).eval()
    batch = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    positions = (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
    with torch.inference_mode():
        states = network(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], position_ids=positions
        ).last_hidden_state[:, -1]
    return (states / states.norm(dim=1, keepdim=True)).numpy()


def test_the_last_token_is_that_of_the_text_and_not_of_the_padding(decoder: Path) -> None:
    (decoder / "config_sentence_transformers.json").unlink(missing_ok=True)
    matrix = load_text_encoder(str(decoder), device="cpu").encode(TEXTS)
    assert matrix == pytest.approx(np.stack([alone(decoder, text) for text in TEXTS]), abs=1e-5)
    assert matrix == pytest.approx(padded_left(decoder, TEXTS), abs=1e-5)


def test_the_end_is_there_after_a_cut(decoder: Path) -> None:
    (decoder / "config_sentence_transformers.json").unlink(missing_ok=True)
    (decoder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')
    (vector,) = load_text_encoder(str(decoder), device="cpu").encode(["red mug for tea for tea"])
    (decoder / "sentence_bert_config.json").unlink()
    assert vector == pytest.approx(alone(decoder, "red mug for"), abs=1e-5)


def test_each_text_has_the_instruction_of_its_kind_before_it(told: Path) -> None:
    encoder = load_text_encoder(str(told), device="cpu")
    assert encoder.encode(["red mug"])[0] == pytest.approx(alone(told, "keep : red mug"), abs=1e-5)
    queries = encoder.for_queries()
    assert queries.encode(["red mug"])[0] == pytest.approx(alone(told, "find : red mug"), abs=1e-5)
    assert queries.version != encoder.version
    assert not encoder.encode([" "]).any() and not queries.encode([""]).any()


@pytest.mark.parametrize(
    ("config", "document", "query"),
    [
        ({"prompts": {"query": "find : ", "passage": "keep : "}}, "keep : ", "find : "),
        ({"prompts": {"query": "find : "}}, "", "find : "),
        ({"prompts": {"all": "keep : "}, "default_prompt_name": "all"}, "keep : ", "keep : "),
        ({"prompts": {"query": "find : ", "all": "keep : "}, "default_prompt_name": "all"}, "keep : ", "find : "),
        ({"prompts": {"all": "keep : "}, "default_prompt_name": None}, "", ""),
        ({"prompts": None}, "", ""),
    ],
)
def test_the_default_instruction_stands_in(decoder: Path, config: object, document: str, query: str) -> None:
    (decoder / "config_sentence_transformers.json").write_text(json.dumps(config))
    encoder = load_text_encoder(str(decoder), device="cpu")
    assert (encoder.prompt, encoder.for_queries().prompt) == (document, query)
    assert (encoder.for_queries() is encoder) == (document == query)


def test_instructions_that_cannot_be_followed_are_refused(told: Path) -> None:
    pooling = told / "1_Pooling" / "config.json"
    before = pooling.read_text()
    pooling.write_text('{"pooling_mode_lasttoken": true, "include_prompt": false}')
    with pytest.raises(EncoderError, match="include_prompt"):
        load_text_encoder(str(told))
    pooling.write_text(before)
    (told / "config_sentence_transformers.json").write_text('{"prompts": {}, "default_prompt_name": "all"}')
    with pytest.raises(EncoderError, match="default prompt all"):
        load_text_encoder(str(told))

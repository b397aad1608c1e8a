"""A shop whose customers stay within one theme, and a text model of random weights that knows nothing of it."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from small_shop import SmallShop
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from ingestion.encoders.adapter import AdapterManifest
from ingestion.finetuning import Course, finetune

THEMES, WORDS, FILLERS = 12, 4, 9
STEPS = 60
"""Of training, which are enough to learn the themes."""


def titles() -> list[str]:
    """A word of a theme, and one that may be in any title; the products of a theme one after the other."""
    return [
        f"t{theme}w{word} f{(3 * theme + 2 * word + n) % FILLERS}"
        for theme, word, n in itertools.product(range(THEMES), range(WORDS), range(3))
    ]


def themed_shop(seed: int = 0, baskets: int = 2_000) -> SmallShop:
    """Each basket has four products of one theme."""
    chance, names = np.random.default_rng(seed), titles()
    size = len(names) // THEMES
    events = [
        (basket % 50, int(product), "purchase", basket / baskets * 100, f"b{basket}")
        for basket in range(baskets)
        for product in chance.choice(size, 4, replace=False) + size * (basket % THEMES)
    ]
    return SmallShop(len(names), 50, events, titles=names)


def quick_adapter(folder: Path) -> tuple[Path, AdapterManifest]:
    """An adapter after a few steps, for tests that do not ask how good it is; its model and snapshot are beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingestion.finetuning.train.STEPS", 8)
        patch.setattr("ingestion.finetuning.train.EVERY", 4)
        snapshot, model = themed_shop().write(folder / "snapshot"), write_model(folder / "model")
        return folder / "adapter", finetune(snapshot, folder / "adapter", Course(str(model), device="cpu"))


def write_model(folder: Path, seed: int = 0) -> Path:
    """A bare transformers folder: a BERT of random weights that knows the words of the titles."""
    own = [f"t{theme}w{word}" for theme, word in itertools.product(range(THEMES), range(WORDS))]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *own, *(f"f{n}" for n in range(FILLERS))]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertModel(config).save_pretrained(folder)
    return folder

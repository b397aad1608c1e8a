"""Models of random weights, as folders that transformers can open."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "blue", "mug", "cup", "dress", "for", "tea"]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def write_tiny_bert(folder: Path) -> Path:
    """A bare transformers folder: a BERT of width 16 and a vocabulary of eleven words."""
    words = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    words.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(WORDS), **SIZES)).save_pretrained(folder)
    return folder


def write_tiny_vit(folder: Path) -> Path:
    """A vision transformer of width 16 that sees 32 x 32 pixels."""
    torch.manual_seed(0)
    ViTModel(ViTConfig(**SIZES, image_size=32, patch_size=8)).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder

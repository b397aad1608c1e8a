"""Texts to vectors with any transformers model; by default the packaged MiniLM, without a download.

An adapter that was trained on the shop's own pairs (`ingestion.finetuning`) may go with the model.

**Shapes**: b texts of a batch, t tokens of the longest of them, d the model's width.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ingestion.encoders.adapter import adapted, open_adapter, require_base
from ingestion.encoders.cores import on_cores
from ingestion.encoders.model_folder import Pooling, find_model
from ingestion.encoders.transformer import at_length_one, open_model, precision
from schema.progress import Report, silent

_BATCH = {"cpu": 32, "cuda": 256}


def load_text_encoder(
    model: str | None = None, *, adapter: Path | None = None, device: str | None = None
) -> "TextEncoder":
    """An encoder ready for use.

    Args:
        model: a folder (sentence-transformers or bare transformers) or a Hugging Face id; the
            packaged MiniLM if None, or the adapter's own.
        adapter: folder of an adapter that was trained for the model.
        device: "cpu" or "cuda"; the GPU if there is one.

    Raises:
        EncoderError: the model cannot be had or opened; the message says what would do.
    """
    trained = None if adapter is None else open_adapter(adapter)
    found = find_model(model or (trained.manifest.base.model if trained else None))
    if trained:
        require_base(trained, found.name, found.version)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    tokenizer, network, _ = open_model(found.weights, AutoTokenizer)
    kind, width = precision(network, place), int(network.config.hidden_size)
    whole = adapted(network, trained) if trained else network
    return TextEncoder(
        name=f"{found.name} with adapter {trained.version[:12]}" if trained else found.name,
        version=trained.version if trained else found.version,
        width=width,
        pooling=found.pooling,
        max_tokens=found.max_tokens,
        prompt=found.prompts.document,
        query_prompt=found.prompts.query,
        tokenizer=tokenizer,
        network=torch.nn.Module.to(whole, place, kind),
        device=place,
    )


@dataclass(frozen=True)
class TextEncoder:
    """A text model with its tokenizer. Vectors have length 1; a text without words has the zero vector.

    Attributes:
        prompt: goes before each text.
        query_prompt: goes before what people search for instead.
    """

    name: str
    version: str
    width: int
    pooling: Pooling
    max_tokens: int
    prompt: str
    query_prompt: str
    tokenizer: PreTrainedTokenizerBase = field(repr=False)
    network: torch.nn.Module = field(repr=False)
    device: torch.device

    def encode(self, texts: Sequence[str], report: Report = silent) -> NDArray[np.float32]:
        """Vectors of texts, in their order.

        Returns:
            (n, width) float32, rows of length 1; zero where a text is empty: no text is no feature.
        """
        matrix = np.zeros((len(texts), self.width), np.float32)
        spoken = [row for row, text in enumerate(texts) if text.strip()]
        tokens = self.tokens([texts[row] for row in spoken])
        done = len(texts) - len(spoken)
        batches = list(_batches(tokens, _BATCH[self.device.type]))
        for batch, vectors in zip(batches, self._run_all(batches, tokens), strict=True):
            matrix[[spoken[i] for i in batch]] = vectors
            done += len(batch)
            report("encode", done, len(texts))
        return matrix

    def for_queries(self) -> "TextEncoder":
        """The same model for what people search for: the instruction before a text may be another."""
        if self.query_prompt == self.prompt:
            return self
        version = hashlib.sha256(f"{self.version}\x1f{self.query_prompt}".encode()).hexdigest()
        return replace(self, prompt=self.query_prompt, version=version)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Numbers of the tokens of each text after the instruction, cut at the model's limit."""
        if not texts:
            return []
        told = [self.prompt + text for text in texts]
        encoded = self.tokenizer(told, truncation=True, max_length=self.max_tokens, return_attention_mask=False)
        return list(encoded["input_ids"])

    def _run_all(self, batches: list[list[int]], tokens: list[list[int]]) -> Iterator[NDArray[np.float32]]:
        """Vectors of each batch, in their order."""
        runs = [[tokens[i] for i in batch] for batch in batches]
        yield from map(self._run, runs) if self.device.type != "cpu" or len(runs) == 1 else on_cores(self._run, runs)

    def _run(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return at_length_one(self.vectors(tokens))

    def vectors(self, tokens: Sequence[list[int]]) -> torch.Tensor:
        """(b, d) of one batch, rows of length 1; what is trained is trained through them."""
        lengths = torch.tensor([len(row) for row in tokens])
        padded = torch.zeros((len(tokens), int(lengths.max())), dtype=torch.long)  # (b, t)
        for row, ids in enumerate(tokens):
            padded[row, : len(ids)] = torch.tensor(ids)
        mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long()  # (b, t)
        states = self.network(input_ids=padded.to(self.device), attention_mask=mask.to(self.device)).last_hidden_state
        # A trained prompt goes before the text and is no part of it.
        states = states[:, -padded.shape[1] :]  # (b, t, d)
        return torch.nn.functional.normalize(pool(states.float(), mask.to(self.device), self.pooling), dim=1)


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """One vector of the vectors of a text's tokens.

    Args:
        states: (b, t, d) the network's last layer.
        mask: (b, t) 1 for tokens, then 0 for padding.

    Returns:
        (b, d).
    """
    if pooling == "cls":
        return states[:, 0]
    if pooling == "lasttoken":
        return states[torch.arange(len(states), device=states.device), mask.sum(1) - 1]
    weights = mask.unsqueeze(-1).to(states.dtype)  # (b, t, 1)
    return (states * weights).sum(1) / weights.sum(1)


def _batches(tokens: list[list[int]], size: int) -> Iterator[list[int]]:
    """Positions of texts of like length, the longest first, so that little is padded."""
    order = sorted(range(len(tokens)), key=lambda i: -len(tokens[i]))
    for start in range(0, len(order), size):
        yield order[start : start + size]

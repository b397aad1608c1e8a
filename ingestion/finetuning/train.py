"""Training an adapter: texts of products that go together come near to each other.

InfoNCE in both directions with the other pairs of a step as negatives; those that are no negatives are left out.

**Shapes**: B pairs of a step, T their different texts, d width of a vector.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ingestion.encoders.adapter import Method
from ingestion.encoders.text import TextEncoder
from ingestion.finetuning.exam import take_exam
from ingestion.finetuning.lessons import Lessons
from ingestion.finetuning.methods import RATES
from ingestion.finetuning.pairs import IntArray
from schema.progress import Report, silent

BATCH = 128
STEPS = 150
EVERY = 30
"""Steps between two looks at the held-out products that decide when to stop."""
PATIENCE = 3
"""Looks without gain after which training stops."""
TEMPERATURE = 0.05
TOKENS = 64
"""Where texts are cut in training, which takes as long as they are."""
_WARM_UP = 0.1
_TOGETHER = 32


@dataclass(frozen=True)
class Trained:
    """What training did: the step whose weights were kept, how many there were, and what was found on the way."""

    best: int
    steps: int
    looks: tuple[float, ...]


def info_nce(left: Tensor, right: Tensor, masked: Tensor) -> Tensor:
    """How badly pairs are told from others, the mean of both directions.

    Args:
        left, right: (B, d) the two sides of each pair, rows of length 1.
        masked: (B, B) which left and right ones of different pairs are no negatives for each other.
    """
    logits = (left @ right.T / TEMPERATURE).masked_fill(masked, -torch.inf)  # (B, B)
    own = torch.arange(len(left), device=left.device)
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def train(
    encoder: TextEncoder, lessons: Lessons, *, method: Method, seed: int, seconds: float, report: Report = silent
) -> Trained:
    """Trains the adapter of an encoder, and leaves it with the weights that found most on the way.

    Args:
        encoder: its network is peft's, with an adapter that can be trained.
        lessons: pairs and questions.
        method: by which the adapter is made; says how far a step goes.
        seed: of what is drawn.
        seconds: the longest that it may take.
        report: told how far it is.
    """
    torch.manual_seed(seed)
    chance, tokens = np.random.default_rng(seed), encoder.tokens(lessons.texts)
    weights = [weight for weight in encoder.network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, RATES[method])
    started = time.monotonic()
    looks, best = [_look(encoder, lessons)], 0
    kept = [weight.detach().clone() for weight in weights]
    for step in range(1, STEPS + 1):
        optimiser.param_groups[0]["lr"] = RATES[method] * _rate(_done(step - 1, time.monotonic() - started, seconds))
        encoder.network.train()
        loss = _step(encoder, lessons, lessons.draw(BATCH, chance), tokens)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
        report("fine-tune", step, STEPS)
        over = step == STEPS or time.monotonic() - started > seconds
        if over or step % EVERY == 0:
            looks.append(_look(encoder, lessons))
            if looks[-1] > looks[best]:
                best, kept = len(looks) - 1, [weight.detach().clone() for weight in weights]
            if over or len(looks) - 1 - best >= PATIENCE:
                break
    with torch.no_grad():
        for weight, good in zip(weights, kept, strict=True):
            weight.copy_(good)
    return Trained(min(best * EVERY, step), step, tuple(looks))


def _done(steps: int, spent: float, seconds: float) -> float:
    """The share of training that is done: of the steps where there is time for all of them, else of the time."""
    share = steps / STEPS
    return share if spent * STEPS <= seconds * max(steps, 1) else max(share, spent / seconds)


def _rate(done: float) -> float:
    """What the learning rate is multiplied with when a share of training is done: up, then down to nothing."""
    return max(min((done + 0.01) / _WARM_UP, (1 - done) / (1 - _WARM_UP)), 0.0)


def _look(encoder: TextEncoder, lessons: Lessons) -> float:
    encoder.network.eval()
    return take_exam(lessons.stopping, encoder).recall


def _step(encoder: TextEncoder, lessons: Lessons, drawn: IntArray, tokens: Sequence[list[int]]) -> Tensor:
    left, right = lessons.left[drawn], lessons.right[drawn]
    used, place = np.unique(np.concatenate([left, right]), return_inverse=True)
    vectors = _vectors(encoder, [tokens[text][:TOKENS] for text in used])  # (T, d)
    first, second = (torch.from_numpy(side) for side in np.split(place, 2))
    masked = torch.from_numpy(lessons.no_negatives(drawn)).to(vectors.device)
    return info_nce(vectors[first], vectors[second], masked)


def _vectors(encoder: TextEncoder, tokens: Sequence[list[int]]) -> Tensor:
    """(T, d), some texts of like length at a time: filled up to the longest of all, titles would take twice as long."""
    order = sorted(range(len(tokens)), key=lambda text: len(tokens[text]))
    batches = [order[start : start + _TOGETHER] for start in range(0, len(order), _TOGETHER)]
    vectors = torch.cat([encoder.vectors([tokens[text] for text in batch]) for batch in batches])
    return vectors[torch.tensor(order).argsort()]

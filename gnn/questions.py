"""Questions for fitting: users with their paths to what they bought next and to sampled others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnn.data import Shop
from gnn.histories import histories
from gnn.paths import FloatArray, IntArray
from gnn.scoring import MS_PER_DAY, History
from gnn.splits import Split

MOST_USERS = 1_500
MOST_UNITS = 200
MOST_TARGETS = 40
NEGATIVES = 400
BATCH = 64
# Path values held in memory at once, over all users: half a gigabyte.
MOST_VALUES = 120_000_000


class Between(Protocol):
    """C between products of one term: `PathTerm.between` and the latent one's."""

    def __call__(self, starts: IntArray, ends: IntArray, person: int) -> FloatArray:
        """(J, I) without any path through the person."""


@dataclass(frozen=True)
class Batch:
    """B users, padded to J units and I candidates; the first candidates of each are what was bought.

    Shapes:
        paths: (R, B, J, I), zero where padded.
        products, behaviours, events, age: (B, J); age in days.
        present: (B, J) 1 for a unit, 0 for padding.
        candidates, log_q: (B, I); log_q is +inf where padded and 0 for what was bought.
        bought: (B, I) 1 for what was bought.
    """

    paths: Tensor
    products: Tensor
    behaviours: Tensor
    events: Tensor
    age: Tensor
    present: Tensor
    candidates: Tensor
    log_q: Tensor
    bought: Tensor


@dataclass(frozen=True)
class _Question:
    history: History
    candidates: IntArray
    log_q: FloatArray
    targets: int
    person: int


def batches(split: Split, terms: Sequence[Between], generator: np.random.Generator) -> list[Batch]:
    """Users that first bought something after the cut, as many as fit into memory, in padded batches."""
    questions = []
    room = MOST_VALUES
    for question in _questions(split, generator):
        room -= len(terms) * len(question.history) * len(question.candidates)
        if room < 0:
            break
        questions.append(question)
    questions.sort(key=lambda question: len(question.history))
    return [_batch(split, terms, questions[at : at + BATCH]) for at in range(0, len(questions), BATCH)]


def _questions(split: Split, generator: np.random.Generator) -> Iterator[_Question]:
    past, shop = histories(split.seen), split.seen
    share = _sampling(shop)
    log_share = np.log(NEGATIVES * share)
    users = generator.permutation(np.unique(split.first.user))[:MOST_USERS]
    for user in users:
        history = past.of(user)
        history = history.take(np.sort(np.argsort(-history.last_ms, kind="stable")[:MOST_UNITS]))
        targets = split.first.product[split.first.user == user]
        targets = generator.permutation(targets)[:MOST_TARGETS]
        others = np.unique(generator.choice(shop.products, NEGATIVES, p=share))
        owned = history.products[history.behaviours == shop.target]
        others = others[~np.isin(others, np.concatenate([targets, owned]))]
        yield _Question(
            history,
            np.concatenate([targets, others]),
            np.concatenate([np.zeros(len(targets)), log_share[others]]),
            len(targets),
            int(user),
        )


def _sampling(shop: Shop) -> FloatArray:
    """(N,) half uniform, half by popularity."""
    counts = np.bincount(shop.events.product, minlength=shop.products)
    return np.asarray(0.5 / shop.products + 0.5 * counts / counts.sum())


def _batch(split: Split, terms: Sequence[Between], questions: Sequence[_Question]) -> Batch:
    shape = (len(questions), max(len(q.history) for q in questions))
    wide = (len(questions), max(len(q.candidates) for q in questions))
    paths = np.zeros((len(terms), *shape, wide[1]), np.float32)
    for row, q in enumerate(questions):
        for number, between in enumerate(terms):
            values = between(q.history.products, q.candidates, q.person)
            paths[number, row, : values.shape[0], : values.shape[1]] = values
    bought = [np.arange(len(q.candidates)) < q.targets for q in questions]
    return Batch(
        paths=torch.from_numpy(paths),
        products=_padded([q.history.products for q in questions], shape[1], 0).long(),
        behaviours=_padded([q.history.behaviours for q in questions], shape[1], 0).long(),
        events=_padded([q.history.events for q in questions], shape[1], 1.0),
        age=_padded([(split.cut_ms - q.history.last_ms) / MS_PER_DAY for q in questions], shape[1], 0.0),
        present=_padded([np.ones(len(q.history)) for q in questions], shape[1], 0.0),
        candidates=_padded([q.candidates for q in questions], wide[1], 0).long(),
        log_q=_padded([q.log_q for q in questions], wide[1], np.inf),
        bought=_padded(bought, wide[1], 0.0),
    )


def _padded(rows: Sequence[npt.NDArray[np.generic]], width: int, filling: float) -> Tensor:
    table = np.full((len(rows), width), filling, np.float32)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return torch.from_numpy(table)

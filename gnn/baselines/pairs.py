"""Batches of (user, product met, product not met), and the loss on them (BPR, Rendle et al. 2009)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from gnn.data import Int64

BATCH = 2_048
_FEWEST_STEPS, _MOST_STEPS = 20, 50
_REDRAWS = 20


@dataclass(frozen=True)
class Pairs:
    """Distinct pairs that met, ordered by user and product; (P,) each."""

    user: Int64
    product: Int64
    products: int

    def __len__(self) -> int:
        return len(self.user)

    def met(self, user: Int64, product: Int64) -> npt.NDArray[np.bool_]:
        """Which of the given pairs are among these."""
        keys, asked = self.user * self.products + self.product, user * self.products + product
        at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        return np.asarray(keys[at] == asked)

    def negatives(self, user: Int64, generator: np.random.Generator) -> Int64:
        """A product for each user that the user did not meet, as far as a few draws find one."""
        drawn = generator.integers(self.products, size=len(user))
        for _ in range(_REDRAWS):
            wrong = np.flatnonzero(self.met(user, drawn))
            if not len(wrong):
                break
            drawn[wrong] = generator.integers(self.products, size=len(wrong))
        return drawn


def pairs_of(matrix: sp.csr_array) -> Pairs:
    """The pairs of a (U, N) matrix of interactions whose columns are in order."""
    user = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return Pairs(user, matrix.indices.astype(np.int64), matrix.shape[1])


def batch_size(pairs: int) -> int:
    """2,048 as in the paper of LightGCN, within 20 to 50 steps an epoch.

    Each step propagates over the whole graph, so that many small steps would be spent on that.
    """
    return int(np.ceil(np.clip(BATCH, pairs / _MOST_STEPS, pairs / _FEWEST_STEPS)))


def batches(pairs: Pairs, rows: Int64, generator: np.random.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(B,) users, products they met and products they did not meet, over the given rows in random order."""
    shuffled = generator.permutation(rows)
    size = batch_size(len(rows))
    negative = pairs.negatives(pairs.user[shuffled], generator)
    for start in range(0, len(shuffled), size):
        batch = shuffled[start : start + size]
        yield (
            torch.from_numpy(pairs.user[batch]),
            torch.from_numpy(pairs.product[batch]),
            torch.from_numpy(negative[start : start + size]),
        )


def bpr_loss(users: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Mean -log sigmoid of how far each (B, d) positive stands above its negative."""
    return -logsigmoid((users * (positives - negatives)).sum(dim=1)).mean()

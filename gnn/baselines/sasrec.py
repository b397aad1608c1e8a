"""SASRec: self-attention over what a user did, in order (Kang and McAuley 2018).

The loss is cross-entropy over sampled products instead of the paper's one negative a step, with which
SASRec is known to stay below its means (Klenitskiy and Vasilev 2023).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gnn.baselines.common import Deadline, Fitted, Goal, Skipped, interactions, with_popularity
from gnn.baselines.epochs import Patience, Settings, Training, fit_in_epochs
from gnn.data import Float32, Int64, Shop
from gnn.tasks import Questions, Ragged, Ranker, Split
from gnn.tensors import training_device

SIZE = 64
LENGTH = 50
BLOCKS = 2
DROPOUT = 0.2
RATE = 1e-3
NEGATIVES = 256
_BATCH = 128
_FEWEST_STEPS = 20
_PATIENCE = Patience(every=1, epochs=20)


class SASRec(nn.Module):
    """Causal attention; the padding, product N, stands behind the sequence, where nothing looks at it."""

    def __init__(self, products: int) -> None:
        super().__init__()
        self.product = nn.Parameter(nn.init.normal_(torch.empty(products + 1, SIZE), std=0.05))
        self.position = nn.Parameter(nn.init.normal_(torch.empty(LENGTH, SIZE), std=0.05))
        self.dropout = nn.Dropout(DROPOUT)
        layer = nn.TransformerEncoderLayer(
            SIZE, 1, dim_feedforward=SIZE, dropout=DROPOUT, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, BLOCKS, norm=nn.LayerNorm(SIZE), enable_nested_tensor=False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(LENGTH), persistent=False)

    def forward(self, sequences: Tensor) -> Tensor:
        """(B, L) products -> (B, L, SIZE) what is wanted after each of them."""
        length = sequences.shape[1]
        x = self.dropout(self.product[sequences] * SIZE**0.5 + self.position[:length])
        states: Tensor = self.blocks(x, mask=self.get_buffer("mask")[:length, :length], is_causal=True)
        return states


def sequences_of(shop: Shop) -> Ragged:
    """What each user met, in order of time, without immediate repetitions; user by user."""
    known = shop.events.user >= 0
    events = Ragged.from_rows(shop.events.user[known], shop.events.product[known], shop.users)
    rows = events.rows()
    repeated = np.zeros(len(rows), bool)
    repeated[1:] = (rows[1:] == rows[:-1]) & (events.products[1:] == events.products[:-1])
    return Ragged.from_rows(rows[~repeated], events.products[~repeated], shop.users)


def has_order(shop: Shop) -> bool:
    """Whether anybody met two products one after the other."""
    known = shop.events.take(shop.events.user >= 0)
    order = np.lexsort((known.time_ms, known.user))
    user, product, moment = known.user[order], known.product[order], known.time_ms[order]
    later = (user[1:] == user[:-1]) & (product[1:] != product[:-1]) & (moment[1:] > moment[:-1])
    return bool(later.any())


def padded(sequences: Ragged, users: Int64, length: int, padding: int) -> Int64:
    """(B, length) the last products of each user, then padding."""
    table = np.full((len(users), length), padding, np.int64)
    for row, user in enumerate(users):
        last = sequences.of(user)[-length:]
        table[row, : len(last)] = last
    return table


def sampled_softmax(states: Tensor, right: Tensor, drawn: Tensor, vectors: Tensor) -> Tensor:
    """Mean cross-entropy of the right product among itself and the drawn ones.

    Args:
        states: (P, d).
        right: (P,) products.
        drawn: (K,) products.
        vectors: (N + 1, d).
    """
    own = (states * vectors[right]).sum(dim=1, keepdim=True)  # (P, 1)
    others = states @ vectors[drawn].T  # (P, K)
    others = others.masked_fill(right[:, None] == drawn, -torch.inf)
    return cross_entropy(torch.cat([own, others], dim=1), torch.zeros_like(right))


class _SASRecTraining:
    def __init__(self, shop: Shop, seed: int) -> None:
        torch.manual_seed(seed)
        self._generator = np.random.default_rng(seed)
        self._device = training_device()
        self._products = shop.products
        self._matrix = interactions(shop)
        self._sequences = sequences_of(shop)
        self._users = np.flatnonzero(self._sequences.lengths() > 1)
        self._model = SASRec(shop.products).to(self._device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=RATE, betas=(0.9, 0.98))

    def epoch(self, deadline: Deadline) -> bool:
        self._model.train()
        users = self._generator.permutation(self._users)
        size = min(_BATCH, -(-len(users) // _FEWEST_STEPS))
        for start in range(0, len(users), size):
            if deadline.over():
                return False
            self._step(users[start : start + size])
        return True

    def ranker(self) -> Ranker:
        return with_popularity(self._answer, self._matrix)

    def _step(self, users: Int64) -> None:
        table = self._tensor(padded(self._sequences, users, LENGTH + 1, self._products))
        drawn = self._tensor(self._generator.integers(self._products, size=NEGATIVES))
        real = table[:, 1:] < self._products
        self._optimizer.zero_grad()
        states = self._model(table[:, :-1])[real]
        sampled_softmax(states, table[:, 1:][real], drawn, self._model.product).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def _answer(self, questions: Questions) -> Float32:
        self._model.eval()
        users = questions.user.astype(np.int64)
        last = np.clip(self._sequences.lengths()[users], 1, LENGTH) - 1
        with torch.no_grad():
            states = self._model(self._tensor(padded(self._sequences, users, LENGTH, self._products)))
            wanted = states[torch.arange(len(users), device=self._device), self._tensor(last)]
            scores = wanted @ self._model.product[: self._products].T
        return np.asarray(scores.cpu().numpy(), np.float32)

    def _tensor(self, values: Int64) -> Tensor:
        return torch.from_numpy(values).to(self._device)


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted | Skipped:
    """SASRec, stopped early on the validation part; skipped where the events have no order."""
    if not (has_order(shop) and has_order(validation.seen)):
        return Skipped("no user's events have different times; SASRec needs their order")

    def start(shop: Shop, _: Settings) -> Training:
        return _SASRecTraining(shop, seed)

    return fit_in_epochs(start, [{}], _PATIENCE, shop, validation, goal, seconds=seconds, seed=seed)

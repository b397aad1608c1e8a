"""LightGCN: embeddings smoothed over the graph of users and products, without any layer (He et al. 2020).

Two forms of one model: PyG's `LGConv` over `edge_index`, as one reads it in the paper's eq. 3, and
`SymmetricConv` over a CSR adjacency, which is faster and is what is trained.

Shapes: nodes are the U users and then the N products; every x is (U + N, d).
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch_geometric.nn import LGConv, MessagePassing

from gnn.baselines.common import Deadline, Fitted, Goal, dot_ranker, interactions
from gnn.baselines.epochs import Patience, Settings, Training, fit_in_epochs
from gnn.baselines.pairs import batches, bpr_loss, pairs_of
from gnn.data import Shop
from gnn.tasks import Ranker, Split
from gnn.tensors import csr_tensor, training_device

SIZE = 64
LAYERS = 3
RATE = 1e-2
"""Of Adam. With the paper's 0.001, recall stays at that of popularity for the first hundreds of steps and a time
budget is over before it rises."""
PENALTY = 1e-4
# Longer than recall stays at that of popularity in the beginning.
_PATIENCE = Patience(every=1, epochs=20)


class _SymmetricProduct(torch.autograd.Function):
    """A x for a CSR matrix that is its own transpose, so that the gradient needs no sorting."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(matrix)
        return torch.mm(matrix, x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        (matrix,) = ctx.saved_tensors
        return None, torch.mm(matrix, gradient.contiguous())


class SymmetricConv(MessagePassing):  # type: ignore[misc]
    """One layer over the normalised adjacency in CSR: the same sum as LGConv's."""

    def __init__(self) -> None:
        super().__init__(aggr="sum")

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        """(U + N, d) -> (U + N, d)."""
        smoothed: Tensor = self.propagate(adjacency, x=(x, None))
        return smoothed

    def message_and_aggregate(self, edge_index: Tensor, x: tuple[Tensor, None]) -> Tensor:
        """All messages and their sums as one sparse product."""
        product: Tensor = _SymmetricProduct.apply(edge_index, x[0])
        return product


class LightGCN(nn.Module):
    """The mean of the embeddings and their smoothed forms.

    Args:
        nodes: U + N.
        conv: `LGConv()`, then `graph` is an `edge_index` with both directions; or `SymmetricConv()`,
            then it is the `adjacency`.
    """

    def __init__(self, nodes: int, conv: nn.Module, size: int = SIZE, layers: int = LAYERS) -> None:
        super().__init__()
        self.embedding = nn.Parameter(nn.init.normal_(torch.empty(nodes, size), std=0.1))
        self.conv = conv
        self.layers = layers

    def forward(self, graph: Tensor) -> Tensor:
        """(U + N, d) final embeddings."""
        x = total = self.embedding
        for _ in range(self.layers):
            x = self.conv(x, graph)
            total = total + x
        return total / (self.layers + 1)


def edge_index_of(matrix: sp.csr_array) -> Tensor:
    """(2, 2 P) edges in both directions of a (U, N) matrix of interactions; for `LGConv`."""
    pairs = pairs_of(matrix)
    ends = torch.from_numpy(np.stack([pairs.user, matrix.shape[0] + pairs.product]))
    return torch.cat([ends, ends.flip(0)], dim=1)


def adjacency_of(matrix: sp.csr_array) -> Tensor:
    """(U + N, U + N) D^-1/2 A D^-1/2 in CSR; for `SymmetricConv`."""
    both = sp.block_array([[None, matrix], [matrix.T, None]], format="csr")
    root = sp.diags_array(1.0 / np.sqrt(np.maximum(both.sum(axis=1), 1.0)))
    return csr_tensor(sp.csr_array(root @ both @ root))


def edge_index_form(matrix: sp.csr_array) -> tuple[LightGCN, Tensor]:
    """The model over `edge_index`, untrained, and its graph."""
    return LightGCN(sum(matrix.shape), LGConv()), edge_index_of(matrix)


def csr_form(matrix: sp.csr_array) -> tuple[LightGCN, Tensor]:
    """The model over CSR, untrained, and its graph."""
    return LightGCN(sum(matrix.shape), SymmetricConv()), adjacency_of(matrix)


class _LightGCNTraining:
    def __init__(self, shop: Shop, seed: int) -> None:
        torch.manual_seed(seed)
        self._generator = np.random.default_rng(seed)
        self._device = training_device()
        self._matrix = interactions(shop)
        self._pairs = pairs_of(self._matrix)
        model, graph = csr_form(self._matrix)
        self._model, self._graph = model.to(self._device), graph.to(self._device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=RATE)

    def epoch(self, deadline: Deadline) -> bool:
        for batch in batches(self._pairs, np.arange(len(self._pairs)), self._generator):
            if deadline.over():
                return False
            self._step(*(part.to(self._device) for part in batch))
        return True

    def ranker(self) -> Ranker:
        with torch.no_grad():
            final = self._model(self._graph).cpu().numpy()
        users = self._matrix.shape[0]
        return dot_ranker(final[:users], final[users:], self._matrix)

    def _step(self, users: Tensor, positives: Tensor, negatives: Tensor) -> None:
        rows = torch.stack([users, positives + self._matrix.shape[0], negatives + self._matrix.shape[0]])
        self._optimizer.zero_grad()
        loss = bpr_loss(*self._model(self._graph)[rows])
        # The penalty is on the embeddings themselves, before smoothing, as in the authors' code.
        loss = loss + PENALTY * 0.5 * self._model.embedding[rows].square().sum() / len(users)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted:
    """LightGCN with 3 layers and embeddings of 64, stopped early on the validation part."""

    def start(shop: Shop, _: Settings) -> Training:
        return _LightGCNTraining(shop, seed)

    return fit_in_epochs(start, [{}], _PATIENCE, shop, validation, goal, seconds=seconds, seed=seed)

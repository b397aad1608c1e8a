"""Linear propagation over the graph between products, as PyG message passing.

One hop through a relation is S_r = D^-1/2 A A^T D^-1/2 with A the links to the middle nodes (users,
categories …) divided by the root of the middle's degree, or, for relations between products,
S_r = D^-1/2 (L + L^T) D^-1/2. (LightGCN, He et al. 2020, eq. 3, without the self loop; the
heterogeneous sum with one gate a relation follows R-GCN, Schlichtkrull et al. 2018, eq. 2, with
scalar weights so that the result stays an exact sum over paths.)

Shapes: x and every result are (N, d).
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.nn import MessagePassing

from gnn.incidence import Incidence
from gnn.tensors import csr_tensor


class _SparseProduct(torch.autograd.Function):
    """A x for a fixed CSR matrix A whose transpose is at hand, so that the gradient needs no sorting."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, transpose: Tensor) -> Tensor:
        ctx.save_for_backward(transpose)
        return torch.mm(matrix, x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (transpose,) = ctx.saved_tensors
        return torch.mm(transpose, gradient.contiguous()), None, None


class Hop(MessagePassing):  # type: ignore[misc]
    """S_r x: from products through one relation to products."""

    def __init__(self, incidence: Incidence) -> None:
        super().__init__(aggr="sum")
        inwards = normalised(incidence)
        self.two_steps = incidence.term.two_steps
        self.register_buffer("outwards", csr_tensor(inwards), persistent=False)
        self.register_buffer("inwards", csr_tensor(inwards.T.tocsr()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, d) -> (N, d)."""
        # `inwards` and `outwards` are each other's transpose; of a direct relation they are equal.
        reached: Tensor = self.propagate(self.inwards, x=(x, None), transpose=self.outwards)
        if self.two_steps:
            reached = self.propagate(self.outwards, x=(reached, None), transpose=self.inwards)
        return reached

    def message_and_aggregate(self, edge_index: Tensor, x: tuple[Tensor, None], transpose: Tensor) -> Tensor:
        """The sum over neighbours as one sparse product."""
        product: Tensor = _SparseProduct.apply(x[0], edge_index, transpose)
        return product


def normalised(incidence: Incidence) -> sp.csr_array:
    """(N, M) P with S_r = P P^T for two steps, (N, N) S_r itself for a direct relation."""
    if incidence.term.two_steps:
        return _scaled(incidence.links, incidence.degree, incidence.middle_degree)
    both = (incidence.links + incidence.links.T).tocsr()
    degree = incidence.out_degree + incidence.degree
    return _scaled(both, degree, degree)


def _scaled(links: sp.csr_array, rows: "np.ndarray[Any, Any]", columns: "np.ndarray[Any, Any]") -> sp.csr_array:
    left = sp.diags_array(1.0 / np.sqrt(np.maximum(rows, 1.0)))
    right = sp.diags_array(1.0 / np.sqrt(np.maximum(columns, 1.0)))
    scaled: sp.csr_array = (left @ links @ right).tocsr()
    return scaled

"""The graph network behind the latent term.

    Z = Σ_k β_k S^k (E + Σ_m α_m W_m x_m),   S = Σ_r γ_r S_r

E are free vectors, W_m projections of the products' text and picture embeddings, α one gate a product and
modality (`gnn.fusion`), γ one gate a relation, β one weight a hop; all three are softmaxes of learned logits.
A user has no parameters: their vector is a weighted sum of the products they met.

Shapes: N products, d width, R relations, K + 1 layers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gnn.incidence import Incidence
from gnn.latent import FREE
from gnn.propagation import Hop

HOPS = 2
# Columns are propagated some at a time where that keeps what a hop gathers from in the processor's cache, if these
# are at least two cache lines of each row: on gowalla a hop takes 12 ms instead of 30.
CACHE_BYTES, FEWEST_COLUMNS = 8 * 2**20, 32


class _GatedSum(torch.autograd.Function):
    """Σ_r γ_r S_r x. Each S_r is symmetric, so that <g, S_r x> = <S_r g, x> and no S_r x needs to be kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gates: Tensor, hops: Sequence[Hop]) -> Tensor:
        ctx.save_for_backward(x, gates)
        ctx.hops = hops
        total = torch.zeros_like(x)
        for gate, hop in zip(gates.tolist(), hops, strict=True):
            total.add_(hop(x), alpha=gate)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, gates = ctx.saved_tensors
        total, of_gates = torch.zeros_like(x), []
        for gate, hop in zip(gates.tolist(), ctx.hops, strict=True):
            back = hop(gradient.contiguous())
            of_gates.append(torch.dot(back.flatten(), x.flatten()))
            total.add_(back, alpha=gate)
        return total, torch.stack(of_gates), None


class LinearPropagation(nn.Module):
    """Vectors of all products from free vectors, features and the graph."""

    def __init__(
        self,
        start: npt.NDArray[np.float32],
        features: Mapping[str, npt.NDArray[np.float32]],
        incidences: Sequence[Incidence],
        behaviours: int,
    ) -> None:
        super().__init__()
        n, d = start.shape
        self.free = nn.Parameter(torch.from_numpy(start.copy()))
        self.modalities = tuple(features)
        for name, matrix in features.items():
            self.register_buffer(f"feature_{name}", torch.from_numpy(np.array(matrix, np.float32)), persistent=False)
        widths = {name: matrix.shape[1] for name, matrix in features.items()}
        self.projections = nn.ParameterDict({name: nn.Parameter(torch.zeros(w, d)) for name, w in widths.items()})
        self.openings = nn.ParameterDict({name: nn.Parameter(torch.zeros(w + 1)) for name, w in widths.items()})
        self.relations = tuple(incidence.term.relation for incidence in incidences)
        self.hops = nn.ModuleList(Hop(incidence) for incidence in incidences)
        self.gate_logits = nn.Parameter(torch.zeros(len(incidences)))
        self.hop_logits = nn.Parameter(torch.zeros(HOPS + 1 if incidences else 1))
        self.bias = nn.Parameter(torch.zeros(n))
        self.behaviour_logits = nn.Parameter(torch.zeros(behaviours))

    def forward(self, keep: Tensor | None = None) -> Tensor:
        """(N, d) Z; rows of E where `keep` (N,) is 0 are left out, as for cold products."""
        x = self.free if keep is None else self.free * keep[:, None]
        for part in self._content().values():
            x = x + part
        weights = self.layer_weights()
        blocks = [self._mixed(block.contiguous(), weights) for block in torch.split(x, columns_at_once(x), dim=1)]
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=1)

    def layer_weights(self) -> Tensor:
        """(K + 1,) β."""
        return torch.softmax(self.hop_logits, 0)

    def gates(self) -> Tensor:
        """(R,) γ."""
        return torch.softmax(self.gate_logits, 0)

    def shares(self) -> dict[str, Tensor]:
        """Modality -> (N,) α: sums to one over the modalities that a product has, 0 for those that it has not."""
        if not self.modalities:
            return {}
        features = [getattr(self, f"feature_{name}") for name in self.modalities]
        logits = [
            (matrix @ self.openings[name][:-1] + self.openings[name][-1]).masked_fill(~matrix.any(dim=1), -torch.inf)
            for name, matrix in zip(self.modalities, features, strict=True)
        ]
        # All are -inf where a product has no modality, and their softmax is no number.
        shares = torch.softmax(torch.stack(logits), dim=0).nan_to_num(0.0)
        return dict(zip(self.modalities, shares, strict=True))

    def _content(self) -> dict[str, Tensor]:
        """Modality -> (N, d) α W x."""
        shares = self.shares()
        return {
            name: shares[name][:, None] * (getattr(self, f"feature_{name}") @ self.projections[name])
            for name in self.modalities
        }

    @torch.no_grad()
    def parts(self) -> dict[str, npt.NDArray[np.float32]]:
        """Part -> (K + 1, N, d): the layers S^k X of E and of each modality."""
        inputs = {FREE: self.free.detach()} | self._content()
        return {name: torch.stack(self._layers(x)).cpu().numpy() for name, x in inputs.items()}

    def _mixed(self, x: Tensor, weights: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for weight, layer in zip(weights, self._layers(x), strict=True):
            total = total + weight * layer
        return total

    def _layers(self, x: Tensor) -> list[Tensor]:
        layers, gates = [x], self.gates()
        for _ in range(len(self.hop_logits) - 1):
            # One relation needs no gate.
            x = self.hops[0](x) if len(self.hops) == 1 else _GatedSum.apply(x, gates, tuple(self.hops))
            layers.append(x)
        return layers


def columns_at_once(x: Tensor) -> int:
    """How many columns of (N, d) to propagate together."""
    rows, columns = x.shape
    fitting = CACHE_BYTES // (4 * rows)
    if x.is_cuda or fitting < FEWEST_COLUMNS:
        return columns
    return min(columns, fitting // FEWEST_COLUMNS * FEWEST_COLUMNS)

"""Known products that stand in for those that nobody has met.

What people do says nothing of a product that nobody has met, so that it takes a share of what is said of the
products that it resembles:

    personal(i) = own(i) + Σ_n ρ_in · own(n),   ρ_in = Σ_m ρ^m_in

n are the known products most like i, and m says in what: the words, the picture, the place in the graph. This is
linear in the history and splits exactly by unit, by known product and by modality: "its picture resembles n".

Shapes: N products, F products that nobody has met, K known ones for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.paths import FloatArray, IntArray


@dataclass(frozen=True)
class StandIns:
    """Who stands in for whom, and how much.

    Shapes:
        products: (F,) positions, ascending.
        known: (F, K) positions of what each resembles.
        weights: modality -> (F, K) ρ^m; zero where there are fewer than K.
    """

    products: IntArray
    known: IntArray
    weights: Mapping[str, FloatArray]

    @classmethod
    def none(cls) -> "StandIns":
        """Nobody stands in for anybody."""
        return cls(np.empty(0, np.intp), np.empty((0, 0), np.intp), {})

    def __len__(self) -> int:
        return len(self.products)

    @cached_property
    def total(self) -> FloatArray:
        """(F, K) ρ."""
        return np.asarray(sum(self.weights.values(), np.zeros(self.known.shape)))

    def add_to(self, own: npt.NDArray[np.floating[Any]]) -> None:
        """Adds to each product what those that stand in for it give; (..., N) is changed in place."""
        if len(self):
            matrix = self._matrix.astype(own.dtype, copy=False)
            own[..., self.products] += own[..., : matrix.shape[0]] @ matrix

    @cached_property
    def _matrix(self) -> sp.csc_array:
        """(M, F) ρ, M as far as there are products that stand in."""
        count, width = self.known.shape
        indptr = np.arange(0, count * width + 1, width)
        return sp.csc_array((self.total.ravel(), self.known.ravel(), indptr))

    def among(self, products: IntArray) -> tuple[IntArray, IntArray]:
        """(A,) which of some products have stand-ins, and the row of each here."""
        if not len(self):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        row = np.minimum(np.searchsorted(self.products, products), len(self) - 1)
        at = np.flatnonzero(self.products[row] == products)
        return at, row[at]

    def with_rows(self, other: "StandIns") -> "StandIns":
        """These with the rows of another in the place of their own, or beside them."""
        if not len(other):
            return self
        kept = ~np.isin(self.products, other.products)
        if not kept.any():
            return other
        products = np.concatenate([self.products[kept], other.products])
        order = np.argsort(products)

        def joined(own: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[Any]:
            width = max(own.shape[1], others.shape[1])
            rows = [np.pad(half, ((0, 0), (0, width - half.shape[1]))) for half in (own[kept], others)]
            return np.concatenate(rows)[order]

        weights = {m: joined(w, other.weights[m]) for m, w in self.weights.items()}
        return StandIns(products[order], joined(self.known, other.known), weights)

    def without(self, gone: IntArray) -> "StandIns":
        """These without some products as stand-ins."""
        left = ~np.isin(self.known, gone)
        return replace(self, weights={m: w * left for m, w in self.weights.items()})

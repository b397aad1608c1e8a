"""Explicit terms: two-step and direct paths between products, walked on the incidence they come from.

For a term r the score of product i from product j is the sum over paths j - n - i

    C[j, i] = d_j^-a · Σ_n w_jn · d_n^-b · w_ni · d_i^-c / scale        for i ≠ j

with n a user, basket, category, brand … in the middle. A direct relation has no middle: w_ji takes
the place of the sum. A product is no reason for itself, but in the term `self`, which says just that.
Degrees d, exponents and the scale are frozen in the artifact, so that taking an event out of a history
changes nothing but that event's own contributions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from schema.ontology import Term

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PathTerm:
    """One explicit term with its incidence.

    Shapes:
        links: (N, M) for two-step terms, (N, N) from start to end for direct ones, (N, 0) for `self`.
        degree, out_degree: (N,) of a product as the end and as the start of a path. For two-step
            terms they are the same.
        middle_degree: (M,); empty for direct terms.
        keys: M names of the middle nodes, pseudonyms for meetings, ids for shared nodes.
        owner: (M,) position of the person a middle node belongs to, -1 for nobody.
        weights: (B,) θ, one for each behaviour of the history.
    """

    term: Term
    links: sp.csr_array
    out_degree: FloatArray
    degree: FloatArray
    middle_degree: FloatArray
    keys: tuple[str, ...]
    owner: npt.NDArray[np.int32]
    weights: FloatArray
    exponents: tuple[float, float, float]
    scale: float

    @cached_property
    def start_factor(self) -> FloatArray:
        """(N,) d_j^-a / scale."""
        return _power(self.out_degree, self.exponents[0]) / self.scale

    @cached_property
    def middle_factor(self) -> FloatArray:
        """(M,) d_n^-b."""
        return _power(self.middle_degree, self.exponents[1])

    @cached_property
    def end_factor(self) -> FloatArray:
        """(N,) d_i^-c."""
        return _power(self.degree, self.exponents[2])

    @cached_property
    def by_middle(self) -> sp.csr_array:
        """(M, N) the links read from their other end."""
        return self.links.T.tocsr()

    @cached_property
    def key_positions(self) -> dict[str, int]:
        """Column of each middle node."""
        return {key: position for position, key in enumerate(self.keys)}

    @cached_property
    def _owned(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.owner, kind="stable")
        return order, self.owner[order]

    def owned_by(self, person: int | None) -> IntArray:
        """Middle nodes of one person: themself, their baskets."""
        if person is None or not len(self.owner):
            return np.empty(0, dtype=np.intp)
        order, owners = self._owned
        start, stop = np.searchsorted(owners, [person, person + 1])
        return order[start:stop]

    def scores(self, starts: IntArray, amounts: FloatArray, own: IntArray) -> FloatArray:
        """(N,) what the start products give to every product.

        Args:
            starts: (J,) positions of products in the history.
            amounts: (J,) what each carries, before the start factor.
            own: middle nodes of the viewer, through which no path counts.
        """
        amounts = amounts * self.start_factor[starts]
        if self.term.kind == "self":
            return np.bincount(starts, weights=amounts, minlength=len(self.degree)) * self.end_factor
        rows = self.links[starts]
        reached = rows.T @ amounts
        if not self.term.two_steps:
            return np.asarray(reached * self.end_factor)
        middles = reached * self.middle_factor
        middles[own] = 0.0
        total = self._spread(middles)
        np.subtract.at(total, starts, amounts * self._returning(rows, own))
        return np.asarray(total * self.end_factor)

    def between(self, starts: IntArray, ends: IntArray, own: IntArray) -> FloatArray:
        """(J, I) C between some products, before the history's amounts."""
        factors = np.outer(self.start_factor[starts], self.end_factor[ends])
        same = np.equal.outer(starts, ends)
        if self.term.kind == "self":
            return same * factors
        if self.term.two_steps:
            middle = self.middle_factor.copy()
            middle[own] = 0.0
            sums = ((self.links[starts] * middle) @ self.links[ends].T).toarray()
        else:
            sums = self.links[starts][:, ends].toarray()
        return np.asarray(np.where(same, 0.0, sums * factors))

    def middles_between(self, start: int, end: int, own: IntArray) -> tuple[IntArray, FloatArray]:
        """Middle nodes of the paths between two products and what each path amounts to."""
        # Read from the arrays: slicing a sparse matrix costs twenty times as much for rows this short.
        (left, left_weights), (right, right_weights) = self._row(start), self._row(end)
        nodes, at_left, at_right = np.intersect1d(left, right, assume_unique=True, return_indices=True)
        kept = ~np.isin(nodes, own)
        nodes = nodes[kept]
        values = left_weights[at_left[kept]] * right_weights[at_right[kept]] * self.middle_factor[nodes]
        return nodes, values * self.start_factor[start] * self.end_factor[end]

    def _row(self, position: int) -> tuple[IntArray, FloatArray]:
        """Columns and weights of the links of one product."""
        here = slice(self.links.indptr[position], self.links.indptr[position + 1])
        return self.links.indices[here], self.links.data[here]

    def _returning(self, rows: sp.csr_array, own: IntArray) -> FloatArray:
        """(J,) sums over the paths that lead back to the product that they start from."""
        values = rows.data**2 * self.middle_factor[rows.indices]
        values[np.isin(rows.indices, own)] = 0.0
        row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        return np.asarray(np.bincount(row, weights=values, minlength=rows.shape[0]), np.float64)

    def _spread(self, middles: FloatArray) -> FloatArray:
        touched = np.flatnonzero(middles)
        if len(touched) * 4 < len(middles):
            return np.asarray(self.by_middle[touched].T @ middles[touched])
        return np.asarray(self.links @ middles)

    def without_middles(self, columns: IntArray) -> "PathTerm":
        """The term with some middle nodes gone; degrees and keys of the others stay."""
        if not len(columns):
            return self
        kept = np.ones(self.links.shape[1])
        kept[columns] = 0.0
        links = (self.links * kept).tocsr()
        links.eliminate_zeros()
        gone = set(columns.tolist())
        keys = tuple("" if n in gone else key for n, key in enumerate(self.keys))
        return replace(self, links=links, keys=keys)

    def without_links(self, rows: Sequence[int], columns: Sequence[int]) -> "PathTerm":
        """The term with single links gone."""
        kept = sp.csr_array(
            (np.ones(len(rows)), (np.asarray(rows, np.intp), np.asarray(columns, np.intp))), shape=self.links.shape
        ).astype(bool)
        links = (self.links - self.links * kept).tocsr()
        links.eliminate_zeros()
        return replace(self, links=links)


def _power(degrees: FloatArray, exponent: float) -> FloatArray:
    # A product or node that was not linked at the build counts as if it had one link.
    return np.asarray(np.maximum(degrees, 1.0) ** -exponent)

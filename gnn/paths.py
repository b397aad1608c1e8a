"""Explicit terms: two-step and direct paths between products, walked on the incidence they come from.

For a term r the score of product i from product j is the sum over paths j - n - i

    C[j, i] = d_j^-a · Σ_n w_jn · f(d_n) · w_ni · d_i^-c / scale        for i ≠ j

with n a user, basket, category, brand … in the middle and f(d) = Σ_k m_k d^-b_k, shares m of the powers
`MIDDLE_POWERS` that fitting chooses. A direct relation has no middle: w_ji takes the place of the sum. A
product is no reason for itself, but in the term `self`, which says just that.
Degrees d, exponents, shares and the scale are frozen in the artifact, so that taking an event out of a
history changes nothing but that event's own contributions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn import walk
from gnn.units import UnitWeights
from schema.ontology import Term

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]
Csr = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]

MIDDLE_POWERS = (0.3, 0.6, 1.0)
"""b_k: how fast a middle node counts less the more products it links."""


@dataclass(frozen=True)
class PathTerm:
    """One explicit term with its incidence.

    Shapes:
        links: (N, M) for two-step terms, (N, N) from start to end for direct ones, (N, 0) for `self`.
        ends: (N, M) from the end to the middle where a path has a direction; None where it is `links`.
        degree, out_degree: (N,) of a product as the end and as the start of a path.
        middle_degree: (M,); empty for direct terms.
        keys: M names of the middle nodes, pseudonyms for meetings, ids for shared nodes.
        owner: (M,) position of the person a middle node belongs to, -1 for nobody.
        weights: (B,) θ, one for each behaviour of the history.
        units: how much a unit of the history counts here by its number of events and its age.
        exponents: a and c.
        middle: (len(MIDDLE_POWERS),) shares m.
    """

    term: Term
    links: sp.csr_array
    out_degree: FloatArray
    degree: FloatArray
    middle_degree: FloatArray
    keys: tuple[str, ...]
    owner: npt.NDArray[np.int32]
    weights: FloatArray
    units: UnitWeights
    exponents: tuple[float, float]
    middle: tuple[float, ...]
    scale: float
    ends: sp.csr_array | None = None

    @cached_property
    def start_factor(self) -> FloatArray:
        """(N,) d_j^-a / scale."""
        return power(self.out_degree, self.exponents[0]) / self.scale

    @cached_property
    def middle_factor(self) -> FloatArray:
        """(M,) f(d_n)."""
        return middle_factor(self.middle_degree, self.middle)

    @cached_property
    def end_factor(self) -> FloatArray:
        """(N,) d_i^-c."""
        return power(self.degree, self.exponents[1])

    @property
    def inwards(self) -> sp.csr_array:
        """(N, M) from the end of a path to its middle."""
        return self.links if self.ends is None else self.ends

    @cached_property
    def by_middle(self) -> sp.csr_array:
        """(M, N) the ends of paths read from the middle."""
        return self.inwards.T.tocsr()

    @cached_property
    def onwards(self) -> Csr:
        """(M, N), or (N, N) of direct terms: the ends of paths with d_i^-c in their weights, in half the bytes.

        For walks that need not be exact: they wait for memory more than for anything else.
        """
        indptr, indices, data = arrays(self.by_middle if self.term.two_steps else self.links)
        return indptr, indices, (data * self.end_factor[indices]).astype(np.float32)

    @cached_property
    def _walked(self) -> tuple[Csr, Csr, Csr]:
        """`links`, `inwards` and `by_middle` in as few bytes as they can be: scoring waits for them."""
        links, by_middle = _compact(self.links), _compact(self.by_middle)
        return links, links if self.ends is None else _compact(self.ends), by_middle

    @cached_property
    def _returning(self) -> FloatArray:
        """(N,) the paths from each product back to itself."""
        both = self.links.power(2) if self.ends is None else self.links.multiply(self.ends)
        return np.asarray(both @ self.middle_factor)

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
        # Numbers of another kind would have all owners copied into theirs.
        start, stop = np.searchsorted(owners, np.array([person, person + 1], owners.dtype))
        return order[start:stop]

    def owned_by_each(self, people: IntArray) -> tuple[IntArray, IntArray]:
        """(B + 1,) where the middle nodes of each of some people begin, and these, one after the other."""
        if not len(self.owner):
            return np.zeros(len(people) + 1, np.int64), np.empty(0, np.int64)
        nodes = [self.owned_by(int(person)) for person in people]
        return np.cumsum([0, *map(len, nodes)]), np.concatenate([*nodes, np.empty(0, np.int64)]).astype(np.int64)

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
        total = np.zeros(len(self.degree))
        starts = starts.astype(np.int64)
        if self.term.two_steps:
            walk.two_steps(
                total,
                np.zeros(len(self.middle_degree)),
                starts,
                amounts,
                own.astype(np.int64),
                self.middle_factor,
                self._returning,
                *self._walked,
            )
        else:
            walk.one_step(total, starts, amounts, arrays(self.links))
        return np.asarray(total * self.end_factor)

    def between(self, starts: IntArray, ends: IntArray, own: IntArray) -> FloatArray:
        """(J, I) C between some products, before the history's amounts; ends are distinct."""
        sums = self.sums_between(starts, ends, own, self.middle_factor[:, None])[..., 0]
        return np.asarray(sums * np.outer(self.start_factor[starts], self.end_factor[ends]))

    def sums_between(self, starts: IntArray, ends: IntArray, own: IntArray, factors: FloatArray) -> FloatArray:
        """(J, I, V) the same without factors of degree, for each of V choices of middle factors (M, V).

        Terms without a middle node have one choice.
        """
        size = len(self.degree)
        if self.term.kind == "self":
            return np.equal.outer(starts, ends)[..., None].astype(np.float64)
        total = np.zeros((len(starts), len(ends), factors.shape[1]))
        starts, ends = starts.astype(np.int64), ends.astype(np.int64)
        place = np.zeros(size, np.int32)
        if self.term.two_steps:
            walk.two_steps_between(
                total,
                place,
                starts,
                ends,
                own.astype(np.int64),
                factors,
                arrays(self.links),
                arrays(self.inwards),
                arrays(self.by_middle),
            )
        else:
            walk.one_step_between(total[..., 0], place, starts, ends, arrays(self.links))
        return total

    def middles_between(self, starts: IntArray, ends: IntArray, own: IntArray) -> list[tuple[str, ...]]:
        """Names of the middle nodes of the paths between each of P pairs of products, the strongest first."""
        begins, nodes = walk.middles_between(
            starts.astype(np.int64),
            ends.astype(np.int64),
            own.astype(np.int64),
            self.middle_factor,
            arrays(self.links),
            arrays(self.inwards),
        )
        names = [self.keys[node] for node in nodes.tolist()]
        return [tuple(names[start:stop]) for start, stop in pairwise(begins.tolist())]

    def without_middles(self, columns: IntArray) -> "PathTerm":
        """The term with some middle nodes gone; degrees and keys of the others stay."""
        if not len(columns):
            return self
        kept = np.ones(self.links.shape[1])
        kept[columns] = 0.0
        gone = set(columns.tolist())
        keys = tuple("" if n in gone else key for n, key in enumerate(self.keys))
        ends = None if self.ends is None else _pruned(self.ends, kept)
        return replace(self, links=_pruned(self.links, kept), ends=ends, keys=keys)

    def without_links(self, rows: Sequence[int], columns: Sequence[int]) -> "PathTerm":
        """The term with single links gone."""
        entries = (np.ones(len(rows)), (np.asarray(rows, np.intp), np.asarray(columns, np.intp)))
        gone: sp.csr_array = sp.csr_array(entries, shape=self.links.shape)
        gone.data[:] = 1.0
        ends = None if self.ends is None else _subtracted(self.ends, gone)
        return replace(self, links=_subtracted(self.links, gone), ends=ends)


def arrays(matrix: sp.csr_array) -> Csr:
    """What a compiled walk reads of a matrix. Unsigned, columns need no look at their sign, at every step of it."""
    indices = matrix.indices
    if indices.dtype == np.int32:  # not of 64 bits: numba takes the sum of a uint64 and an int64 for a float
        indices = indices.view(np.uint32)
    return matrix.indptr, indices, matrix.data


def _compact(matrix: sp.csr_array) -> Csr:
    """`arrays` with columns of 16 bits where these are enough, and without weights where all are one."""
    indptr, indices, data = arrays(matrix)
    if matrix.shape[1] <= np.iinfo(np.uint16).max:
        indices = indices.astype(np.uint16)
    return indptr, indices, data if (data != 1.0).any() else data[:0]


def power(degrees: FloatArray, exponent: float) -> FloatArray:
    """d^-exponent. A product or node that was not linked at the build counts as if it had one link."""
    return np.asarray(np.maximum(degrees, 1.0) ** -exponent)


def middle_factor(degrees: FloatArray, shares: Sequence[float]) -> FloatArray:
    """(M,) Σ_k m_k d^-b_k."""
    total = np.zeros(len(degrees))
    for exponent, share in zip(MIDDLE_POWERS, shares, strict=True):
        if share:
            total += share * power(degrees, exponent)
    return total


def _pruned(matrix: sp.csr_array, kept: FloatArray) -> sp.csr_array:
    result: sp.csr_array = (matrix * kept).tocsr()
    result.eliminate_zeros()
    return result


def _subtracted(matrix: sp.csr_array, gone: sp.csr_array) -> sp.csr_array:
    result: sp.csr_array = (matrix - matrix * gone).tocsr()
    result.eliminate_zeros()
    return result

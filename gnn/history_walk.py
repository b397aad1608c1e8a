"""One history walked through a model of very many products: what it leads to, and exact scores of that.

The dense terms are linear, so that all they give, with the prior, is one dot product for each product:

    prior(i) + trend(i) · Σ_dense = <[u, v, 1], [trend(i) · z_i, trend(i) · h(S) v_i d_i^-c, prior(i)]>

with u and v what the history carries into the latent and the low-pass term. The explicit terms are walked as in
`gnn.reach`. Scores are added up as float64, as `gnn.explain` does.

Shapes: N products, M middle nodes of a term, J units of the history, P products that are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gnn import reach
from gnn.interests import NOTHING, Stated
from gnn.latent import Latent, Vectors
from gnn.low_pass import LowPass
from gnn.paths import BoolArray, FloatArray, IntArray, PathTerm, arrays
from gnn.scoring import Scorer
from gnn.units import History

if TYPE_CHECKING:  # faiss is only loaded where there is something to lay out
    from gnn.nearest import Nearest

# Candidates of each kind, and as many more as the history holds; how many of all of them are scored exactly.
_FOUND, _EXACT = 384, 320
# Links that are followed in each term to find candidates: exact scores do not depend on it.
_STEPS = 25_000


class Carried(NamedTuple):
    """What a history brings to one term: T values at the middle nodes it leads to.

    A direct relation has the starts themselves in the middle, and so has the term `self`.
    """

    term: PathTerm
    nodes: IntArray
    values: FloatArray


@dataclass(frozen=True)
class Space:
    """Work arrays of one walk at a time, all zero between walks.

    Shapes:
        work: (max(N, M),)
        marks: a bit for each place of `work`.
        reached: (N,)
        touched: (N + 1,) no zeros needed.
    """

    work: FloatArray
    marks: npt.NDArray[np.uint64]
    reached: Vectors
    touched: npt.NDArray[np.int32]

    @classmethod
    def of(cls, scorer: Scorer) -> "Space":
        n, width = scorer.size, _room(scorer)
        return cls(
            np.zeros(width), np.zeros(width // 64 + 1, np.uint64), np.zeros(n, np.float32), np.empty(n + 1, np.int32)
        )

    def fits(self, scorer: Scorer) -> bool:
        return len(self.work) >= _room(scorer) and len(self.reached) == scorer.size


@dataclass(frozen=True)
class HistoryWalk:
    """One history, taken as far as the middle of every path.

    Shapes:
        starts: (J,) products of the history.
        back: (J,) what would come back to each start, which is no reason for itself.
        dense: for each dense term u, (d,) float64, and the (N, d) arrays that it is multiplied with.

    `told` is what the viewer says of themself; its words are in the u of the latent term.
    """

    scorer: Scorer
    space: Space
    starts: IntArray
    carried: list[Carried]
    back: FloatArray
    dense: list[tuple[FloatArray, list[Vectors]]]
    told: Stated = NOTHING

    @classmethod
    def of(
        cls,
        scorer: Scorer,
        history: History,
        as_of_ms: int,
        person: int | None,
        space: Space,
        told: Stated = NOTHING,
    ) -> "HistoryWalk":
        starts = history.products.astype(np.int64)
        carried, dense, back = [], [], np.zeros(len(starts))
        for term in scorer.linked:
            amounts = term.units.amounts(history, as_of_ms) * term.weights[history.behaviours]
            if amounts.any():
                amounts = amounts * term.start_factor[starts]
                own = term.owned_by(person).astype(np.int64)
                carried.append(_carried(term, starts, amounts, own, space, back))
        for part in (scorer.latent, scorer.low_pass):
            if part is not None:
                amounts = part.units.amounts(history, as_of_ms) * part.weights[history.behaviours]
                left, right = _left(part, starts) * (amounts * part.start_factor[starts])[:, None], _right(part)
                query = left.sum(axis=0)
                if part is scorer.latent and told.words is not None:
                    query = query + told.words
                dense.append((query, right))
                back += sum(np.einsum("jd,jd->j", left, vectors[starts].astype(np.float64)) for vectors in right)
        return cls(scorer, space, starts, carried, back, dense, told)

    def _query(self) -> Vectors:
        """(d,) [u, v, 1]."""
        return np.concatenate([*(query for query, _ in self.dense), np.ones(1)]).astype(np.float32)

    def candidates(self, nearest: "Nearest", width: int, others: IntArray) -> IntArray:
        """The best of all products, as far as the dense part, or about their paths, or `others` leads to them.

        Args:
            nearest: finds the best by the dense part.
            width: cells that are looked into for that.
            others: positions, also of deleted products, which are left out.
        """
        space, scorer, count = self.space, self.scorer, 0
        for c in self.carried:
            if c.term.term.kind != "self":
                count = reach.spread(c.nodes, c.values, c.term.onwards, _STEPS, space.reached, space.touched, count)
        touched = space.touched[:count]
        found = reach.best(touched, space.reached, scorer.prior, scorer.trend, _FOUND + len(self.starts))
        near = nearest.search(self._query(), _FOUND + len(self.starts), width)
        liked = self.told.best(scorer, _FOUND + len(self.starts))
        found = alive(scorer, np.concatenate([near, others, found, liked]))
        personal = self._joined(found, lambda products: self._at_hand(products) + space.reached[products])
        rough = scorer.prior[found] + scorer.trend[found] * personal
        reach.clear(touched, space.reached)
        return found[foremost(rough, found, self.starts, _EXACT)]

    def scores(self, products: IntArray) -> FloatArray:
        """(P,) exact scores of some products."""
        personal = self._joined(products, self._own)
        return np.asarray(self.scorer.prior[products] + self.scorer.trend[products] * personal)

    def _joined(self, products: IntArray, own: Callable[[IntArray], FloatArray]) -> FloatArray:
        """(P,) what is given to products themselves and to those that stand in for them."""
        personal, stand_ins = own(products), self.scorer.stand_ins
        at, row = stand_ins.among(products)
        if len(at):
            known = stand_ins.known[row].ravel()
            given = own(known) - self.told.at(self.scorer, known)
            personal[at] += (given.reshape(len(at), -1) * stand_ins.total[row]).sum(axis=1)
        return personal

    def _own(self, products: IntArray) -> FloatArray:
        """(P,) what the terms give, before the trend."""
        personal = self._at_hand(products)
        for c in self.carried:
            if c.term.term.kind != "self":
                inwards = arrays(c.term.inwards if c.term.term.two_steps else c.term.by_middle)
                reach.pull(
                    personal, products, c.nodes, c.values, inwards, c.term.end_factor, self.space.work, self.space.marks
                )
        return personal

    def _at_hand(self, products: IntArray) -> FloatArray:
        """(P,) what needs no walk: the dense terms, interests and `self`, less what comes back in any term."""
        work = self.space.work
        personal = self.told.liked_at(products) - _looked_up(work, *_added_up(self.starts, self.back), products)
        for c in self.carried:
            if c.term.term.kind == "self":
                personal += _looked_up(work, c.nodes, c.values, products) * c.term.end_factor[products]
        for query, right in self.dense:
            for vectors in right:
                personal += reach.dots(products, vectors, query)
        return personal


def _room(scorer: Scorer) -> int:
    return max(scorer.size, *(term.links.shape[1] for term in scorer.terms), 1)


def foremost(values: FloatArray, products: IntArray, history: IntArray, k: int) -> BoolArray:
    """(P,) whether each is as good as the k-th best that is not of the history.

    What somebody has is at the head of their list and often left out of it: it must not take others' places.
    """
    others = values[~np.isin(products, history)]
    return np.asarray(values >= (np.partition(others, -k)[-k] if len(others) > k else -np.inf))


def alive(scorer: Scorer, positions: IntArray) -> IntArray:
    """The products at some positions, each once, in order, without deleted ones."""
    found = np.unique(positions)
    return found[scorer.alive[found]]


def _carried(
    term: PathTerm, starts: IntArray, amounts: FloatArray, own: IntArray, space: Space, back: FloatArray
) -> Carried:
    """What a history brings to one term; what comes back to each start is added to `back` (J,)."""
    if not term.term.two_steps:
        return Carried(term, *_added_up(starts, amounts))
    links, ends = arrays(term.links), arrays(term.inwards)
    nodes, values, returned = reach.carry(starts, amounts, own, term.middle_factor, links, ends, space.work)
    back += returned * term.end_factor[starts]
    return Carried(term, nodes, values)


def _added_up(starts: IntArray, amounts: FloatArray) -> tuple[IntArray, FloatArray]:
    """Different starts, and what is at each."""
    nodes, where = np.unique(starts, return_inverse=True)
    return nodes, np.bincount(where, amounts, len(nodes)).astype(np.float64)


def _looked_up(work: FloatArray, nodes: IntArray, values: FloatArray, products: IntArray) -> FloatArray:
    """(P,) the value at each product, zero where it is no node."""
    work[nodes] = values
    found = work[products]
    work[nodes] = 0.0
    return found


def _left(dense: Latent | LowPass, starts: IntArray) -> FloatArray:
    """(J, d) vectors of products as the start, which for the latent term are those of all its parts together."""
    if isinstance(dense, LowPass):
        return dense.basis[starts].astype(np.float64)
    return np.asarray(sum(part[starts] for part in dense.parts.values()), np.float32).astype(np.float64)


def _right(dense: Latent | LowPass) -> list[Vectors]:
    """(N, d) vectors of products as the end; their dot products are added up, as `gnn.explain` does."""
    return [dense.vectors] if isinstance(dense, LowPass) else list(dense.parts.values())


def dense_rows(scorer: Scorer, positions: IntArray) -> Vectors:
    """(P, d) vectors whose dot products with `HistoryWalk._query` are the prior and the dense part."""
    parts = [part for part in (scorer.latent, scorer.low_pass) if part is not None]

    def own(products: IntArray) -> Vectors:
        summed = (sum(vectors[products] for vectors in _right(part)) for part in parts)
        return np.hstack([*summed, np.empty((len(products), 0), np.float32)])

    rows = own(positions)
    at, row = scorer.stand_ins.among(positions)
    if len(at):
        known, weights = scorer.stand_ins.known[row], scorer.stand_ins.total[row]
        given = own(known.ravel()).reshape(*known.shape, rows.shape[1])
        rows[at] += np.einsum("fk,fkd->fd", weights, given).astype(np.float32)
    trend, prior = scorer.trend[positions, None], scorer.prior[positions, None]
    return np.hstack([trend * rows, prior]).astype(np.float32)

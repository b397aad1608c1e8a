"""The best of very many products without scoring all of them, and their exact scores.

Candidates are the best by the dense part, found by an index of it; the best by their paths; the best by prior; the
history's own products; and all that the live overlay changed since. Their scores are then computed from the model
itself (`gnn.history_walk`): the numbers of `gnn.explain`, and for one product the same whether it was a candidate
or everything was scored.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from gnn.history_walk import HistoryWalk, Space, alive, dense_rows, foremost
from gnn.interests import NOTHING, Stated
from gnn.paths import FloatArray, IntArray
from gnn.scoring import Scorer, top
from gnn.units import History

if TYPE_CHECKING:  # faiss is only loaded where there is something to lay out
    from gnn.nearest import Nearest

INDEXED_FROM = 100_000
"""Products from which on a model is served through an index."""

KEPT = 200
"""How many of the best that are not of the history have a score: as far as lists may be trusted to miss nothing."""

# Cells that a search looks into: the first number that reaches the recall on so many histories is taken.
_WIDTHS = (8, 16, 32, 64, 128, 256)
_RECALL, _SAMPLE, _LIST = 0.99, 32, 20
_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)  # any: what is sampled happened just then

_NOBODY = np.empty(0, np.int64)


@dataclass(frozen=True)
class Index:
    """Finds candidates among the products of a model and of every live overlay over it.

    Attributes:
        nearest: the dense part, as it was when the index was made.
        popular: positions of the best by prior.
        size: N when the index was made; what came later is always a candidate.
        changed: positions before `size` that are always candidates, since they changed.
        width: how many cells of `nearest` a search looks into.
        recall: share of the exact first 20 that was found with this width (`recall_of`).
    """

    nearest: "Nearest"
    popular: IntArray
    size: int
    changed: IntArray
    width: int
    recall: float
    _spaces: deque[Space] = field(default_factory=deque, repr=False)

    def scores(
        self, scorer: Scorer, history: History, as_of: datetime, viewer: str | None = None, told: Stated = NOTHING
    ) -> FloatArray:
        """(N,) scores of the best `KEPT` candidates and what is as good, -inf for all others and for deleted ones.

        Args:
            scorer: the model that the index was made of, or an overlay over it.
            history: what the viewer did until `as_of`.
            as_of: the moment of the answer, by the shop's clock.
            viewer: id of the user, whose own paths do not count.
            told: what they say of themself.
        """
        fresh = np.concatenate([self.changed, np.arange(self.size, scorer.size), history.products])
        scores = np.full(scorer.size, -np.inf)
        if not len(history) and not len(told):
            found = alive(scorer, np.concatenate([self.popular, fresh]))
            values = scorer.prior[found]
        else:
            with _Borrowed(self._spaces, scorer) as space:
                as_of_ms = int(as_of.timestamp() * 1000)
                walk = HistoryWalk.of(scorer, history, as_of_ms, scorer.person(viewer), space, told)
                found = walk.candidates(self.nearest, self.width, np.concatenate([self.popular, fresh]))
                values = walk.scores(found)
        best = foremost(values, found, history.products, KEPT)
        scores[found[best]] = values[best]
        return scores

    def all_scores(
        self, scorer: Scorer, history: History, as_of: datetime, viewer: str | None = None, told: Stated = NOTHING
    ) -> FloatArray:
        """(N,) scores of all products, deleted ones included; to the last bit those of `scores`. Arguments as there."""
        return self.scores_of(scorer, history, as_of, viewer, told, products=np.arange(scorer.size))

    def scores_of(
        self,
        scorer: Scorer,
        history: History,
        as_of: datetime,
        viewer: str | None = None,
        told: Stated = NOTHING,
        *,
        products: IntArray,
    ) -> FloatArray:
        """(P,) scores of some products, each once, deleted ones included; other arguments as in `scores`."""
        if not len(history) and not len(told):
            return np.asarray(scorer.prior[products])
        with _Borrowed(self._spaces, scorer) as space:
            as_of_ms = int(as_of.timestamp() * 1000)
            walk = HistoryWalk.of(scorer, history, as_of_ms, scorer.person(viewer), space, told)
            return walk.scores(products)

    def with_popular(self, scorer: Scorer) -> "Index":
        """The index for a model with another prior: the best by it are candidates too."""
        return replace(self, popular=np.union1d(self.popular, top(scorer.prior, KEPT, scorer.alive)))

    def with_changed(self, positions: Sequence[int]) -> "Index":
        """The index for an overlay in which some products are not what they were."""
        known = [position for position in positions if position < self.size]
        return replace(self, changed=np.union1d(self.changed, np.asarray(known, np.int64)))


class _Borrowed:
    """A `Space` out of those that are free, made if there is none; each answer at the same time has its own."""

    def __init__(self, free: deque[Space], scorer: Scorer) -> None:
        self._free, self._scorer = free, scorer

    def __enter__(self) -> Space:
        try:
            space = self._free.pop()
        except IndexError:
            space = Space.of(self._scorer)
        self._space = space if space.fits(self._scorer) else Space.of(self._scorer)
        return self._space

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:  # else it may not be all zero
            self._free.append(self._space)


def index_of(scorer: Scorer) -> Index | None:
    """An index of a model whose recall is `_RECALL` or more; None if no width gives that: then all is scored.

    The first width of `_WIDTHS` that finds enough for histories of the model's own incidence is taken.
    """
    from gnn.nearest import lay_out

    nearest = lay_out(lambda positions: dense_rows(scorer, positions), scorer.size)
    popular = top(scorer.prior, KEPT, scorer.alive)
    index = Index(nearest, popular, scorer.size, _NOBODY, _WIDTHS[0], 0.0)
    asked = sample_histories(scorer, _SAMPLE, _MOMENT)
    exact = [_first(index.all_scores(scorer, history, _MOMENT), scorer, history, _LIST) for history in asked]
    for width in _WIDTHS:
        index = replace(index, width=width)
        index = replace(index, recall=_recall(index, scorer, asked, exact, _MOMENT, _LIST))
        if index.recall >= _RECALL:
            return index
    return None


def recall_of(index: Index, scorer: Scorer, histories: Sequence[History], as_of: datetime, k: int = _LIST) -> float:
    """Share of the exact first k products, those of the history left out, that the index has among its first k.

    Args:
        index: the index.
        scorer: its model.
        histories: whom to answer.
        as_of: the moment of the answers.
        k: length of the lists.
    """
    exact = [_first(index.all_scores(scorer, history, as_of), scorer, history, k) for history in histories]
    return _recall(index, scorer, histories, exact, as_of, k)


def sample_histories(scorer: Scorer, count: int, as_of: datetime) -> list[History]:
    """What some people, baskets or sessions of the incidence hold, as if bought just now; fewer where there are fewer.

    Args:
        scorer: the model.
        count: how many.
        as_of: when it was bought.
    """
    target, now = scorer.behaviours.index(scorer.ontology.target_behaviour), int(as_of.timestamp() * 1000)
    meetings = next((term.by_middle for term in scorer.terms if term.term.kind == "meeting"), None)
    if meetings is None:
        return []
    held = np.flatnonzero(np.diff(meetings.indptr) > 1)
    chosen = np.random.default_rng(0).choice(held, min(count, len(held)), replace=False)
    found = []
    for middle in chosen:
        products = meetings.indices[meetings.indptr[middle] : meetings.indptr[middle + 1]].astype(np.int32)
        n = len(products)
        found.append(History(products, np.full(n, target, np.int32), np.ones(n), np.full(n, now, np.int64)))
    return found


def _recall(
    index: Index, scorer: Scorer, histories: Sequence[History], exact: Sequence[IntArray], as_of: datetime, k: int
) -> float:
    found = [_first(index.scores(scorer, history, as_of), scorer, history, k) for history in histories]
    wanted = sum(map(len, exact))
    return sum(len(np.intersect1d(*pair)) for pair in zip(found, exact, strict=True)) / wanted if wanted else 1.0


def _first(scores: FloatArray, scorer: Scorer, history: History, k: int) -> IntArray:
    allowed = scorer.alive & (scores > -np.inf)
    allowed[history.products] = False
    return top(scores, k, allowed)

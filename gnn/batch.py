"""Scores of many people at once, from the model as it is served."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn import walk
from gnn.context import Contexts, contexts_of
from gnn.data import Shop
from gnn.histories import Histories, histories
from gnn.latent import Latent
from gnn.low_pass import LowPass
from gnn.paths import Csr, FloatArray, PathTerm, arrays
from gnn.popularity import Moment
from gnn.scoring import Scorer
from gnn.tasks import Questions, Ragged
from gnn.units import History

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ModelRanker:
    """Answers questions with a model: `gnn.tasks.Ranker`.

    Scores are those of `Scorer.score`, summed up in float32.

    Attributes:
        scorer: the model.
        past: histories that the questions are asked of, by position of the user.
        moment: for questions at other moments than the end of the data.
        contexts: of the people who ask.
        length_power: t of |H|^-t, by which scores of different people compare; 0 where they need not.
    """

    scorer: Scorer
    past: Histories
    moment: Moment
    contexts: Contexts
    length_power: float = 0.0

    @classmethod
    def over(cls, scorer: Scorer, happened: Shop, moment: Moment, length_power: float = 0.0) -> "ModelRanker":
        """A model that knows the histories and the people of a shop."""
        people = contexts_of(scorer.contexts, happened)
        return cls(scorer, histories(happened), moment, people, length_power)

    def __call__(self, questions: Questions) -> Float32:
        """(B, N) scores."""
        rows = self._joined(questions)
        scores = self._personal(rows)
        prior, trend = self.scorer.prior, self.scorer.trend
        if (questions.as_of_ms < self.moment.demand.as_of_ms).any():
            prior, trend = self.moment.at(questions.as_of_ms, self.scorer.size)
        # In place, so that (B, N) numbers are held once.
        scores *= trend.astype(scores.dtype)
        scores += prior.astype(scores.dtype)
        self.contexts.add_to(scores, questions.user)
        if self.length_power:
            lengths = np.maximum(np.diff(rows.indptr), 1.0)[:, None]
            scores *= (lengths**-self.length_power).astype(scores.dtype)
        return np.asarray(scores, np.float32)

    def _joined(self, questions: Questions) -> "_Rows":
        units = Ragged(self.past.indptr, np.arange(len(self.past.products), dtype=np.int32)).take(questions.user)
        kept = units.products
        joined = History(
            self.past.products[kept], self.past.behaviours[kept], self.past.events[kept], self.past.last_ms[kept]
        )
        return _Rows(questions.user, units.indptr, joined, np.repeat(questions.as_of_ms, units.lengths()))

    def _personal(self, rows: "_Rows") -> Float32:
        total = self._dots(rows)
        for term, links in zip(self.scorer.terms, self._links, strict=True):
            _add_paths(total, rows, term, links)
        return total

    @cached_property
    def _links(self) -> list[list[Csr]]:
        """What the walks of each term, which wait for memory, read: weights of half the bytes."""
        return [
            [_single(matrix) for matrix in ((t.links, t.inwards, t.by_middle) if t.term.two_steps else (t.links,))]
            for t in self.scorer.terms
        ]

    @cached_property
    def _ends(self) -> Float32:
        """(N, d) vectors of products as the end in all dense terms, so that one product of matrices is enough."""
        return np.hstack([np.empty((self.scorer.size, 0), np.float32), *(dense.vectors for dense in self._dense)])

    @property
    def _dense(self) -> list[LowPass | Latent]:
        return [dense for dense in (self.scorer.low_pass, self.scorer.latent) if dense is not None]

    def _dots(self, rows: "_Rows") -> Float32:
        """(B, N) of the dense terms; nothing from a product to itself, as in `gnn.latent.dots`."""
        starts, carried, back = rows.units.products, [], np.zeros(len(rows.units), np.float32)
        for dense in self._dense:
            left = dense.basis if isinstance(dense, LowPass) else dense.vectors
            amounts = rows.amounts(dense).astype(np.float32)
            matrix = sp.csr_array((amounts, starts, rows.indptr), shape=(len(rows.people), len(left)))
            carried.append(matrix @ left)
            back += amounts * np.einsum("jd,jd->j", left[starts], dense.vectors[starts])
        total = np.hstack([np.empty((len(rows.people), 0), np.float32), *carried]) @ self._ends.T
        np.subtract.at(total, (rows.of_units(), starts), back)
        return np.asarray(total)


@dataclass(frozen=True)
class _Rows:
    """Units of B people, one after the other, and the moment that each unit is looked at from."""

    people: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int64]
    units: History
    as_of_ms: npt.NDArray[np.int64]

    def amounts(self, term: PathTerm | LowPass | Latent) -> FloatArray:
        """(J,) what each unit carries into a term."""
        amounts = term.units.amounts(self.units, self.as_of_ms) * term.weights[self.units.behaviours]
        return np.asarray(amounts * term.start_factor[self.units.products])

    def of_units(self) -> npt.NDArray[np.int64]:
        """(J,) row of each unit."""
        return np.repeat(np.arange(len(self.people)), np.diff(self.indptr))


def _add_paths(total: Float32, rows: _Rows, term: PathTerm, links: Sequence[Csr]) -> None:
    amounts = rows.amounts(term).astype(np.float32)
    if not amounts.any():
        return
    starts, end_factor = rows.units.products.astype(np.int64), term.end_factor.astype(np.float32)
    if term.term.kind == "self":
        np.add.at(total, (rows.of_units(), starts), amounts * end_factor[starts])
    elif term.term.two_steps:
        walk.two_steps_of_many(
            total,
            (rows.indptr, starts, amounts),
            term.owned_by_each(rows.people),
            end_factor,
            term.middle_factor.astype(np.float32),
            *links,
        )
    else:
        walk.one_step_of_many(total, rows.indptr, starts, amounts, end_factor, *links)


def _single(matrix: sp.csr_array) -> Csr:
    indptr, indices, data = arrays(matrix)
    return indptr, indices, data.astype(np.float32)

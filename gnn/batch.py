"""Scores of many people at once, from the model as it is served."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn import walk
from gnn.context import Contexts
from gnn.histories import Histories
from gnn.latent import Latent
from gnn.low_pass import LowPass
from gnn.paths import FloatArray, PathTerm, arrays
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
            scores *= np.maximum(np.diff(rows.indptr), 1.0)[:, None] ** -self.length_power
        return np.asarray(scores, np.float32)

    def _joined(self, questions: Questions) -> "_Rows":
        units = Ragged(self.past.indptr, np.arange(len(self.past.products), dtype=np.int32)).take(questions.user)
        kept = units.products
        joined = History(
            self.past.products[kept], self.past.behaviours[kept], self.past.events[kept], self.past.last_ms[kept]
        )
        return _Rows(questions.user, units.indptr, joined, np.repeat(questions.as_of_ms, units.lengths()))

    def _personal(self, rows: "_Rows") -> Float32:
        total = np.zeros((len(rows.indptr) - 1, self.scorer.size), np.float32)
        for term in self.scorer.terms:
            _add_paths(total, rows, term)
        for dense in (self.scorer.low_pass, self.scorer.latent):
            if dense is not None:
                _add_dots(total, rows, dense)
        return total


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


def _add_paths(total: Float32, rows: _Rows, term: PathTerm) -> None:
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
            arrays(term.links),
            arrays(term.inwards),
            arrays(term.by_middle),
        )
    else:
        walk.one_step_of_many(total, rows.indptr, starts, amounts, end_factor, arrays(term.links))


def _add_dots(total: Float32, rows: _Rows, dense: LowPass | Latent) -> None:
    """Nothing from a product to itself, as in `gnn.latent.dots`."""
    left = dense.basis if isinstance(dense, LowPass) else dense.vectors
    starts, amounts = rows.units.products, rows.amounts(dense).astype(np.float32)
    carried = sp.csr_array((amounts, starts, rows.indptr), shape=(len(total), len(left)))
    total += (carried @ left) @ dense.vectors.T
    itself = np.einsum("jd,jd->j", left[starts], dense.vectors[starts])
    np.subtract.at(total, (rows.of_units(), starts), amounts * itself)

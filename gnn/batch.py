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
from gnn.latent import Latent, Vectors
from gnn.low_pass import LowPass
from gnn.paths import Csr, FloatArray, PathTerm, arrays
from gnn.popularity import Moment
from gnn.scoring import Scorer
from gnn.tasks import Questions, Ragged
from gnn.units import History, UnitWeights

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Dots:
    """A dense term: dot products of vectors of products as the start with those of products as the end.

    Shapes:
        left, right: (N, d)
        start_factor, weights, units: as of `gnn.latent.Latent`.
    """

    left: Vectors
    right: Vectors
    start_factor: FloatArray
    weights: FloatArray
    units: UnitWeights

    @classmethod
    def of(cls, term: LowPass | Latent) -> "Dots":
        left = term.basis if isinstance(term, LowPass) else term.vectors
        return cls(left, term.vectors, term.start_factor, term.weights, term.units)


@dataclass(frozen=True)
class Personal:
    """What histories give to all products, before prior and trend.

    Attributes:
        size: N.
        paths, dense: the terms.
        past: histories of everybody, by position of the user.
    """

    size: int
    paths: Sequence[PathTerm]
    dense: Sequence[Dots]
    past: Histories

    def __call__(self, questions: Questions) -> Float32:
        """(B, N)."""
        return self.of(self.rows(questions))

    def rows(self, questions: Questions) -> "Rows":
        """The histories of those who ask, one after the other."""
        units = Ragged(self.past.indptr, np.arange(len(self.past.products), dtype=np.int32)).take(questions.user)
        kept = units.products
        joined = History(
            self.past.products[kept], self.past.behaviours[kept], self.past.events[kept], self.past.last_ms[kept]
        )
        return Rows(questions.user, units.indptr, joined, np.repeat(questions.as_of_ms, units.lengths()))

    def of(self, rows: "Rows") -> Float32:
        """(B, N) of some histories."""
        total = self._dots(rows)
        for term, links in zip(self.paths, self._links, strict=True):
            _add_paths(total, rows, term, links)
        return total

    @cached_property
    def _links(self) -> list[list[Csr]]:
        """What the walks of each term, which wait for memory, read: weights of half the bytes."""
        return [
            [_single(matrix) for matrix in ((t.links, t.inwards, t.by_middle) if t.term.two_steps else (t.links,))]
            for t in self.paths
        ]

    @cached_property
    def _ends(self) -> Float32:
        """(N, d) vectors of products as the end in all dense terms, so that one product of matrices is enough."""
        return _side_by_side([dense.right for dense in self.dense])

    def _dots(self, rows: "Rows") -> Float32:
        """(B, N) of the dense terms; nothing from a product to itself, as in `gnn.latent.dots`."""
        if not self.dense:
            return np.zeros((len(rows.people), self.size), np.float32)
        starts, carried, back = rows.units.products, [], np.zeros(len(rows.units), np.float32)
        for dense in self.dense:
            amounts = rows.amounts(dense).astype(np.float32)
            matrix = sp.csr_array((amounts, starts, rows.indptr), shape=(len(rows.people), self.size))
            carried.append(matrix @ dense.left)
            back += amounts * np.einsum("jd,jd->j", dense.left[starts], dense.right[starts])
        total = _side_by_side(carried) @ self._ends.T
        np.subtract.at(total, (rows.of_units(), starts), back)
        return np.asarray(total)


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

    @cached_property
    def personal(self) -> Personal:
        """What the model gives without prior and trend."""
        dense = [Dots.of(term) for term in (self.scorer.low_pass, self.scorer.latent) if term is not None]
        return Personal(self.scorer.size, self.scorer.terms, dense, self.past)

    def __call__(self, questions: Questions) -> Float32:
        """(B, N) scores."""
        rows = self.personal.rows(questions)
        scores = self.personal.of(rows)
        self.scorer.stand_ins.add_to(scores)
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


@dataclass(frozen=True)
class Rows:
    """Units of B people, one after the other, and the moment that each unit is looked at from."""

    people: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int64]
    units: History
    as_of_ms: npt.NDArray[np.int64]

    def amounts(self, term: PathTerm | Dots) -> FloatArray:
        """(J,) what each unit carries into a term."""
        amounts = term.units.amounts(self.units, self.as_of_ms) * term.weights[self.units.behaviours]
        return np.asarray(amounts * term.start_factor[self.units.products])

    def of_units(self) -> npt.NDArray[np.int64]:
        """(J,) row of each unit."""
        return np.repeat(np.arange(len(self.people)), np.diff(self.indptr))


def _add_paths(total: Float32, rows: Rows, term: PathTerm, links: Sequence[Csr]) -> None:
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


def _side_by_side(columns: Sequence[Float32]) -> Float32:
    """At least one matrix beside the others; one alone is not copied."""
    return columns[0] if len(columns) == 1 else np.hstack(columns)


def _single(matrix: sp.csr_array) -> Csr:
    indptr, indices, data = arrays(matrix)
    return indptr, indices, data.astype(np.float32)

"""What a model is asked, and of which data: the common form of every evaluation.

A `Benchmark` is a shop that may be learned from, questions that were held out of it, and how the answers
are counted. Public formats (`gnn.datasets`) and snapshots become one; fitting asks questions of the same
form, cut from the shop itself (`gnn.splits`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from gnn.data import Int32, Int64, Shop

Rule = Literal["time", "last", "share", "random"]
"""How a validation part is cut that resembles the question: the end of the time, the last product of each
user, a share of each user's products, or a random share where the test part is known to be one."""


@dataclass(frozen=True)
class Ragged:
    """Lists of products of different lengths; list k is products[indptr[k] : indptr[k + 1]]."""

    indptr: Int64
    products: Int32

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def of(self, row: int) -> Int32:
        """One list."""
        return self.products[self.indptr[row] : self.indptr[row + 1]]

    def lengths(self) -> Int64:
        """(C,) products in each list."""
        return np.diff(self.indptr)

    def rows(self) -> Int64:
        """(P,) which list each product is in."""
        return np.repeat(np.arange(len(self)), self.lengths())

    def take(self, rows: npt.NDArray[np.integer]) -> "Ragged":
        """Some of the lists, in the given order."""
        lengths = self.lengths()[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(indptr[-1]) - np.repeat(indptr[:-1], lengths)
        return Ragged(indptr, self.products[np.repeat(self.indptr[:-1][rows], lengths) + within])

    def and_also(self, other: "Ragged") -> "Ragged":
        """These lists, then others."""
        indptr = np.concatenate([self.indptr, self.indptr[-1] + other.indptr[1:]])
        return Ragged(indptr, np.concatenate([self.products, other.products]))

    @classmethod
    def from_rows(cls, rows: npt.NDArray[np.integer], products: npt.NDArray[np.integer], count: int) -> "Ragged":
        """Lists from (row, product) pairs, the order within a row kept."""
        order = np.argsort(rows, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int64)
        return cls(indptr, products[order].astype(np.int32))


@dataclass(frozen=True)
class Questions:
    """C questions: who asks, at which moment, and what the right answers are.

    Attributes:
        user: (C,) position of the user.
        as_of_ms: (C,) the moment of the question; nothing later may be looked at.
        answers: C lists of products.
        candidates: C lists of products among which is ranked, answers included; None for all products.
        repeats: whether products that the user has already may be answers; else they are left out of the
            ranking of all products (never out of `candidates`).
    """

    user: Int32
    as_of_ms: Int64
    answers: Ragged
    candidates: Ragged | None = None
    repeats: bool = False

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: npt.NDArray[np.integer]) -> "Questions":
        """Some of the questions."""
        candidates = None if self.candidates is None else self.candidates.take(rows)
        return Questions(self.user[rows], self.as_of_ms[rows], self.answers.take(rows), candidates, self.repeats)


@dataclass(frozen=True)
class Split:
    """What may be seen, and what is asked of it.

    Attributes:
        newcomers: what users without any history took, asked of all products: the prior is all that they get, and
            it would else be fitted as what a history leaves to add. None where nobody is known to be new.
    """

    seen: Shop
    questions: Questions
    newcomers: Questions | None = None

    @cached_property
    def to_fit(self) -> Questions:
        """The questions of everybody."""
        known, new = self.questions, self.newcomers
        if new is None:
            return known
        return Questions(
            np.concatenate([known.user, new.user]),
            np.concatenate([known.as_of_ms, new.as_of_ms]),
            known.answers.and_also(new.answers),
        )


@dataclass(frozen=True)
class Published:
    """A figure that others report for the same split."""

    model: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Benchmark:
    """A shop, the questions held out of it, and the protocol.

    Attributes:
        name: of the data set.
        shop: what the final model may learn from.
        test: asked once.
        validation: the data set's own validation part and what was there before it, where it has one.
        rule: how to cut a validation part from `shop` where there is none.
        metrics: what is reported, the main ones first: "recall@20", "auc", ….
        ties_against: products that tie with an answer rank before it.
        published: figures of others.
        notes: what a reader of the figures must know.
        segments: further questions, reported apart.
        happened: the shop with what has happened since by the time of the test questions (a validation part):
            no model learns from it, but histories and demand know it, as they would in a running shop.
    """

    name: str
    shop: Shop
    test: Questions
    validation: Split | None
    rule: Rule
    metrics: Sequence[str]
    ties_against: bool = False
    published: Sequence[Published] = ()
    notes: Sequence[str] = ()
    segments: Mapping[str, Questions] | None = None
    happened: Shop | None = None


class Ranker(Protocol):
    """Anything that answers questions: (B, N) scores of all products, larger is better."""

    def __call__(self, questions: Questions) -> npt.NDArray[np.float32]:
        """Scores for every question, as of its moment."""

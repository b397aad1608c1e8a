"""The form that all baselines share, and what several of them need.

A baseline is a function of the form `Fit`. Hyper-parameters are chosen on the validation part; then the
final model is fitted on the shop. What a shop holds may be looked at: it ends before its questions.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.data import Float32, Shop
from gnn.tasks import Questions, Ranker, Split

MOST_QUESTIONS = 4_000
"""Asked for each choice of hyper-parameters: enough to tell choices apart, and asking stays cheap."""

Goal = Callable[[Ranker, Questions], float]
"""How well a ranker answers; larger is better."""

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Fitted:
    """A baseline that can be asked.

    Attributes:
        tuned: what was chosen on the validation part.
        converged: whether neither tuning nor the final fit was cut short by the time.
        note: how the fit went, for a reader of the figures.
    """

    ranker: Ranker
    tuned: Mapping[str, float]
    converged: bool
    note: str


@dataclass(frozen=True)
class Skipped:
    """A baseline that cannot be fitted to this shop or on this machine."""

    reason: str


class Fit(Protocol):
    """What every baseline is."""

    def __call__(self, shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted | Skipped:
        """Tunes on the validation part, then fits the final model on the shop.

        Args:
            validation: a part of the shop, and questions whose answers were held out of that part.
            seconds: for tuning and the final fit together. A baseline answers even if it has none.
        """


@dataclass(frozen=True)
class Deadline:
    """A moment, on the clock of `time.monotonic`, by which something is to be done."""

    moment: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds, never less than 0."""
        return max(self.moment - time.monotonic(), 0.0)

    def over(self) -> bool:
        """Whether the moment has come."""
        return self.left() <= 0.0

    def share(self, share: float) -> "Deadline":
        """A deadline after a share of the seconds that are left."""
        return Deadline.after(self.left() * share)


def best(
    choices: Sequence[Choice], rate: Callable[[Choice], float], deadline: Deadline, cost: float = 0.0
) -> tuple[Choice, bool]:
    """The choice that is rated highest, and whether all were rated before the time was over.

    Rating stops early enough to fit the final model, which is taken to need as long as a rating.

    Args:
        choices: the one to take if nothing can be rated first.
        cost: seconds that the first rating is expected to need.
    """
    if len(choices) == 1:
        return choices[0], True
    chosen, highest = choices[0], -np.inf
    for choice in choices:
        if deadline.left() <= 2 * cost:
            return chosen, False
        started = time.monotonic()
        score = rate(choice)
        cost = max(cost, time.monotonic() - started)
        if score > highest:
            chosen, highest = choice, score
    return chosen, True


def tuning_note(complete: bool) -> str:
    """What is said of a closed form after `best`."""
    return "" if complete else "the time was over before every choice of hyper-parameters was rated"


def sampled(questions: Questions, seed: int) -> Questions:
    """At most `MOST_QUESTIONS` of the questions, in their order."""
    if len(questions) <= MOST_QUESTIONS:
        return questions
    rows = np.random.default_rng(seed).choice(len(questions), MOST_QUESTIONS, replace=False)
    return questions.take(np.sort(rows))


def interactions(shop: Shop) -> sp.csr_array:
    """(U, N) float32, 1 where a user did anything with a product; columns of a row in order."""
    known = shop.events.user >= 0
    ends = (shop.events.user[known], shop.events.product[known])
    entries = sp.coo_array((np.ones(len(ends[0]), np.float32), ends), shape=(shop.users, shop.products))
    matrix = sp.csr_array(entries)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def with_popularity(ranker: Ranker, matrix: sp.csr_array) -> Ranker:
    """The ranker, but users without interactions get the products in order of how many users met them.

    Args:
        ranker: gives scores that can be written to.
        matrix: (U, N) interactions.
    """
    known: npt.NDArray[np.bool_] = np.diff(matrix.indptr) > 0
    popularity = np.asarray(matrix.sum(axis=0), np.float32)

    def answer(questions: Questions) -> Float32:
        scores = ranker(questions)
        scores[~known[questions.user]] = popularity
        return scores

    return answer


def dot_ranker(users: Float32, products: Float32, matrix: sp.csr_array) -> Ranker:
    """Dot products of (U, d) users and (N, d) products; popularity for users without interactions."""
    return with_popularity(lambda questions: users[questions.user] @ products.T, matrix)

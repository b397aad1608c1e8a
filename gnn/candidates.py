"""What competes with the right answers where fitting asks among all products.

Those that popularity, single terms or an earlier fit rank first (a weighted sum can only put in front what some
term does), standing for themselves, and a sample of all others.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from gnn.histories import Histories
from gnn.paths import BoolArray, FloatArray, IntArray
from gnn.scoring import top
from gnn.tasks import Questions, Ranker

HARD = 40
RANDOM = 100


@dataclass(frozen=True)
class Competitors:
    """Finds the hard and the random others of questions.

    Attributes:
        asked: all questions.
        past: histories of those who ask.
        target: code of the behaviour that is asked for.
        popular: (N,) log demand.
        terms: by themselves; they name nothing for somebody without a history.
        earlier: a fit, which has a prior for everybody, or none yet.
        shares: by which others are drawn.
    """

    asked: Questions
    past: Histories
    target: int
    popular: FloatArray
    terms: Sequence[Ranker]
    earlier: Ranker | None
    shares: "Shares"

    def hard(self, rows: Sequence[int], pool: Executor) -> list[list[IntArray]]:
        """Of some questions, by who names them, the products that are ranked first of what competes."""
        allowed = [self._competing(row) for row in rows]
        found = [[top(self.popular, HARD, some)] for some in allowed]
        questions = self.asked.take(np.asarray(rows))
        known = np.flatnonzero(self.past.lengths()[questions.user])
        asking = [(term, known) for term in self.terms]
        if self.earlier is not None:
            asking.append((self.earlier, np.arange(len(rows))))
        for ranker, askers in asking:
            of_askers = [allowed[asker] for asker in askers]
            best = pool.map(lambda scores, some: top(scores, HARD, some), ranker(questions.take(askers)), of_askers)
            for asker, products in zip(askers, best, strict=True):
                found[asker].append(products)
        return found

    def others(self, row: int, hard: Sequence[IntArray], generator: np.random.Generator) -> tuple[IntArray, FloatArray]:
        """Products that compete and how many each stands for.

        The hard ones stand for themselves. All others are sampled, with weights that make sums over them unbiased:
        else fitting would push up what nothing names.

        Args:
            row: of the question.
            hard: lists of products, as `hard` gives them.
            generator: draws the sample.
        """
        named = np.unique(np.concatenate(hard))
        drawn, times = np.unique(self.shares.draw(RANDOM, generator), return_counts=True)
        fresh = ~np.isin(drawn, self._bought(row)) & ~np.isin(drawn, named)
        weight = times[fresh] / (RANDOM * self.shares.of[drawn[fresh]])
        return np.concatenate([named, drawn[fresh]]), np.concatenate([np.ones(len(named)), weight])

    def _competing(self, row: int) -> BoolArray:
        """(N,) products that the one who asks does not have."""
        allowed = np.ones(len(self.popular), bool)
        allowed[self._bought(row)] = False
        return allowed

    def _bought(self, row: int) -> IntArray:
        history = self.past.of(int(self.asked.user[row]))
        return np.asarray(history.products[history.behaviours == self.target])


@dataclass(frozen=True)
class Shares:
    """(N,) probabilities of products, and their sums up to each."""

    of: FloatArray
    up_to: FloatArray

    @classmethod
    def by(cls, popular: FloatArray) -> "Shares":
        """Half uniform, half by popularity."""
        weight = np.exp(popular - popular.max())
        share = 0.5 / len(popular) + 0.5 * weight / weight.sum()
        return cls(share, np.cumsum(share))

    def draw(self, count: int, generator: np.random.Generator) -> IntArray:
        """(count,) products, some perhaps several times."""
        return np.asarray(np.searchsorted(self.up_to, generator.random(count) * self.up_to[-1], side="right"))

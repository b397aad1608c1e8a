"""Lists in which no two products are too much alike: maximal marginal relevance (Carbonell & Goldstein 1998).

Next comes the product with the largest (1 - δ) · relevance - δ · likeness to the nearest of those before it. Relevance
is the score, from 0 for the least of the pool to 1 for the best. Likeness is the cosine of two products' learned
vectors; where one of them has none, it is that of what the catalogue links them to: categories, brands, features.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from gnn.paths import BoolArray, FloatArray, IntArray
from gnn.scoring import Scorer


@dataclass(frozen=True)
class Pool:
    """Products to choose from, with what they are compared by.

    Shapes:
        vectors: (P, d) of length one, or zero where there is none.
        there: (P,) whether there is one.
        links: (P, M) to all that the catalogue links them to, rows of length one or zero.
    """

    vectors: FloatArray
    there: BoolArray
    links: sp.csr_array

    @classmethod
    def of(cls, scorer: Scorer, products: IntArray) -> "Pool":
        """Some products of a model."""
        latent = scorer.latent
        vectors = np.zeros((len(products), 0)) if latent is None else latent.vectors[products].astype(np.float64)
        linked = [term.links[products] for term in scorer.terms if term.term.through_nodes and term.links.shape[1]]
        links = sp.hstack([sp.csr_array((len(products), 0)), *linked], format="csr")
        links.data = np.ones_like(links.data)
        degree = np.diff(links.indptr)
        links.data /= np.sqrt(np.repeat(degree, degree))
        length = np.linalg.norm(vectors, axis=1)
        there = length > 0
        vectors[there] /= length[there, None]
        return cls(vectors, there, links)

    def alike(self, one: int) -> FloatArray:
        """(P,) likeness of every product to one of them."""
        cosine: FloatArray = self.vectors @ self.vectors[one]
        if self.there.all():
            return cosine
        by_links = (self.links @ self.links[[one]].T).toarray()[:, 0]
        return np.where(self.there & self.there[one], cosine, by_links)


def diversified(scores: FloatArray, pool: Pool, diversity: float, length: int) -> IntArray:
    """The order of a pool, from its first to at most its `length`-th: a longer one begins like a shorter one.

    Args:
        scores: (P,) of the pool's products, best first.
        pool: what they are compared by.
        diversity: δ, from 0 for the order of the scores to 1 for likeness alone, after the best.
        length: how many.

    Returns:
        Rows of the pool.
    """
    if not len(scores):
        return np.empty(0, np.intp)
    span = float(scores.max() - scores.min()) or 1.0
    relevance = (1 - diversity) * (scores - scores.min()) / span
    chosen = [0]
    nearest = np.full(len(scores), -np.inf)
    while len(chosen) < min(length, len(scores)):
        nearest = np.maximum(nearest, pool.alike(chosen[-1]))
        value = relevance - diversity * nearest
        value[chosen] = -np.inf
        chosen.append(int(np.argmax(value)))
    return np.asarray(chosen, np.intp)

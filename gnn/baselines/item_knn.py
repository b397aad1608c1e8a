"""Item-kNN: the nearest neighbours of each product by who met it (Deshpande and Karypis 2004).

Cosine with shrinkage, the k nearest neighbours of every product, summed over the user's products.
"""

from functools import cache
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.baselines.common import Deadline, Fitted, Goal, best, interactions, sampled, tuning_note, with_popularity
from gnn.data import Float32, Shop
from gnn.tasks import Questions, Ranker, Split

__all__ = ["NEIGHBOURS", "SHRINKAGES", "fit", "interactions", "neighbours"]

NEIGHBOURS = (20, 50, 100, 200)
SHRINKAGES = (0.0, 10.0, 50.0)
# Products whose similarities to all others are held at once.
_ROWS = 500


def neighbours(matrix: sp.csr_array, count: int, shrinkage: float) -> sp.csr_array:
    """(N, N) similarity of each product's nearest neighbours, in rows; the product itself left out.

    Args:
        matrix: (U, N) interactions.
        count: how many neighbours; a product that met fewer others has fewer.
        shrinkage: added to the denominator of the cosine, against chance meetings of rare products.
    """
    columns = matrix.T.tocsr()
    root = np.sqrt(matrix.sum(axis=0)).astype(np.float32)
    blocks = []
    for start in range(0, columns.shape[0], _ROWS):
        block = (columns[start : start + _ROWS] @ matrix).tocsr()
        rows = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
        block.data /= root[rows] * root[block.indices] + np.float32(shrinkage)
        block.data[rows == block.indices] = 0.0
        blocks.append(_nearest(block, count))
    return sp.csr_array(sp.vstack(blocks))


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted:
    """Item-kNN with the best number of neighbours and shrinkage."""
    asked = sampled(validation.questions, seed)
    before, past = interactions(validation.seen), interactions(shop)

    @cache
    def widest(shrinkage: float) -> sp.csr_array:
        return neighbours(before, max(NEIGHBOURS), shrinkage)

    def rate(choice: tuple[float, int]) -> float:
        shrinkage, count = choice
        return goal(_ranker(before, _nearest(widest(shrinkage), count)), asked)

    choices = list(product(SHRINKAGES, NEIGHBOURS))
    (shrinkage, count), complete = best(choices, rate, Deadline.after(seconds))
    tuned = {"neighbours": float(count), "shrinkage": shrinkage}
    return Fitted(_ranker(past, neighbours(past, count, shrinkage)), tuned, complete, tuning_note(complete))


def _ranker(matrix: sp.csr_array, nearest: sp.csr_array) -> Ranker:
    def answer(questions: Questions) -> Float32:
        return np.asarray((matrix[questions.user] @ nearest).toarray(), np.float32)

    return with_popularity(answer, matrix)


def _nearest(similar: sp.csr_array, count: int) -> sp.csr_array:
    """The largest entries of each row, at most `count`; none that is zero."""
    rows = [start + _largest(similar.data[start:end], count) for start, end in pairwise(similar.indptr)]
    kept = np.concatenate(rows)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    nearest = sp.csr_array((similar.data[kept], similar.indices[kept], indptr), shape=similar.shape)
    nearest.eliminate_zeros()
    return nearest


def _largest(values: Float32, count: int) -> npt.NDArray[np.intp]:
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(-values, count)[:count]

"""EASE: each product as the best linear combination of the others (Steck 2019).

The closed form of eq. 8: B = I - P diag(P)^-1 with P = (X^T X + lambda I)^-1. It holds one dense (N, N)
matrix, in which the Gram matrix, its inverse and B follow each other.
"""

import time

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import spotrf, spotri

from gnn.baselines.common import (
    Deadline,
    Fitted,
    Goal,
    Skipped,
    best,
    interactions,
    sampled,
    tuning_note,
    with_popularity,
)
from gnn.data import Float32, Shop, TrainingError
from gnn.tasks import Questions, Ranker, Split
from schema.memory import lacking

LAMBDAS = (200.0, 50.0, 500.0, 1_000.0, 10.0)
_ROWS = 1_000
# An inverse that takes no longer than this is made whatever the time budget says.
_GRACE_SECONDS = 10.0


def weights(matrix: sp.csr_array, penalty: float) -> Float32:
    """(N, N) B; column j says how much each product speaks for product j; its diagonal is zero.

    Args:
        matrix: (U, N) X.
        penalty: lambda.

    Raises:
        TrainingError: lambda is too small for the inverse to exist in single precision.
    """
    inverse = _inverted(_gram(matrix, penalty), penalty)
    inverse /= -np.diag(inverse).copy()
    np.fill_diagonal(inverse, 0.0)
    return inverse


def needed_bytes(products: int) -> int:
    """What `weights` holds at its peak: the dense matrix and a block of sparse rows in dense form."""
    return 4 * products * (products + 3 * min(_ROWS, products))


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted | Skipped:
    """EASE with the best lambda; skipped where one inverse needs more memory or time than there is."""
    deadline = Deadline.after(seconds)
    size = f"the ({shop.products:,}, {shop.products:,}) matrix of EASE"
    reason = lacking(needed_bytes(shop.products), size)
    cost = 0.0 if reason else _expected_seconds(shop.products)
    if not reason and cost > max(seconds, _GRACE_SECONDS):
        reason = f"to invert {size} takes about {cost:,.0f} s; {seconds:,.0f} s are given"
    if reason:
        return Skipped(reason)
    asked = sampled(validation.questions, seed)
    before, past = interactions(validation.seen), interactions(shop)
    penalty, complete = best(LAMBDAS, lambda choice: goal(_ranker(before, choice), asked), deadline, cost)
    return Fitted(_ranker(past, penalty), {"lambda": penalty}, complete, tuning_note(complete))


def _ranker(matrix: sp.csr_array, penalty: float) -> Ranker:
    spoken = weights(matrix, penalty)

    def answer(questions: Questions) -> Float32:
        return np.asarray(matrix[questions.user] @ spoken, np.float32)

    return with_popularity(answer, matrix)


def _gram(matrix: sp.csr_array, penalty: float) -> Float32:
    """(N, N) X^T X + lambda I, filled block by block as its sparse form can be larger than the dense one."""
    columns = matrix.T.tocsr()
    gram = np.empty((columns.shape[0],) * 2, np.float32)
    for start in range(0, len(gram), _ROWS):
        gram[start : start + _ROWS] = (columns[start : start + _ROWS] @ matrix).toarray()
    gram[np.diag_indices_from(gram)] += np.float32(penalty)
    return gram


def _inverted(gram: Float32, penalty: float) -> Float32:
    """The inverse by Cholesky, in the place of the matrix."""
    # LAPACK wants columns one after the other; the transpose of a symmetric matrix is that, uncopied.
    factor, failed = spotrf(gram.T, lower=1, overwrite_a=1)
    inverse, failed_too = spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise TrainingError(f"EASE: X^T X + {penalty:g} I has no inverse in single precision; take a larger lambda")
    for start in range(0, len(inverse), _ROWS):  # LAPACK gives the lower triangle only
        end = start + _ROWS
        square = inverse[start:end, start:end]
        inverse[start:end, start:end] = np.tril(square) + np.tril(square, -1).T
        inverse[start:end, end:] = inverse[end:, start:end].T
    return np.asarray(inverse, np.float32)


def _expected_seconds(products: int) -> float:
    """Of one inverse, from that of a small one: the work grows with the cube of the size."""
    size = min(products, _ROWS)
    started = time.monotonic()
    _inverted(np.eye(size, dtype=np.float32), 0.0)
    return float((time.monotonic() - started) * (products / size) ** 3)

"""GF-CF: a linear filter and an ideal low-pass over the graph of products (Shen et al. 2021).

With R the interactions, D_U and D_I their degrees and Q = D_U^-1/2 R D_I^-1/2, a user with row r gets
r (Q^T Q + alpha D_I^-1/2 V V^T D_I^1/2), V the leading right singular vectors of Q (eq. 12 to 15).
"""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from gnn.baselines.common import Deadline, Fitted, Goal, best, interactions, sampled, tuning_note, with_popularity
from gnn.data import Float32, Shop
from gnn.tasks import Questions, Ranker, Split

RANK = 256
ALPHAS = (0.3, 0.0, 0.1, 0.2, 0.5, 1.0, 3.0)
"""To choose from; the first is the paper's."""


class Filters:
    """Both filters of one shop, so that several weights can be tried.

    Shapes: matrix and normal are (U, N), root (N,) the root of each product's degree, low (N, rank) V.
    """

    def __init__(self, matrix: sp.csr_array, seed: int, rank: int = RANK) -> None:
        degree = np.maximum(matrix.sum(axis=0), 1.0)
        users = np.maximum(matrix.sum(axis=1), 1.0)
        self.matrix = matrix
        self.root = np.sqrt(degree).astype(np.float32)
        normal = sp.diags_array(users**-0.5) @ matrix @ sp.diags_array(degree**-0.5)
        self.normal = normal.tocsr().astype(np.float32)
        self.backwards = self.normal.T.tocsr()
        self.low = _right_vectors(self.normal, min(rank, min(matrix.shape) - 1), seed)

    def ranker(self, alpha: float) -> Ranker:
        """Scores with a weight of the low-pass."""

        def answer(questions: Questions) -> Float32:
            rows = self.matrix[questions.user]  # (B, N)
            linear = (rows @ self.backwards) @ self.normal
            smooth = ((rows @ (self.low / self.root[:, None])) @ self.low.T) * self.root
            return np.asarray(linear.toarray() + np.float32(alpha) * smooth, np.float32)

        return with_popularity(answer, self.matrix)


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted:
    """GF-CF with the best weight of the low-pass."""
    deadline = Deadline.after(seconds)
    if deadline.over():
        alpha, complete = ALPHAS[0], False
    else:
        alpha, complete = _tuned(validation, goal, deadline, seed)
    return Fitted(Filters(interactions(shop), seed).ranker(alpha), {"alpha": alpha}, complete, tuning_note(complete))


def _tuned(validation: Split, goal: Goal, deadline: Deadline, seed: int) -> tuple[float, bool]:
    asked = sampled(validation.questions, seed)
    total = deadline.left()
    filters = Filters(interactions(validation.seen), seed)
    # The final model needs singular vectors as well: their time is taken off before any choice is rated.
    spare = Deadline.after(deadline.left() - (total - deadline.left()))
    return best(ALPHAS, lambda alpha: goal(filters.ranker(alpha), asked), spare)


def _right_vectors(normal: sp.csr_array, rank: int, seed: int) -> Float32:
    """(N, rank) leading right singular vectors."""
    if rank < 1:
        return np.zeros((normal.shape[1], 0), np.float32)
    if 2 * rank >= min(normal.shape):  # ARPACK is made for few of many
        return np.asarray(np.linalg.svd(normal.toarray(), full_matrices=False)[2][:rank].T, np.float32)
    generator = np.random.default_rng(seed)
    _, _, right = svds(normal, k=rank, rng=generator)
    return np.asarray(right.T, np.float32)

import numpy as np
import pytest
import scipy.sparse as sp

from gnn.baselines.gf_cf import Filters

from .conftest import asked


@pytest.fixture
def matrix() -> sp.csr_array:
    dense = np.random.default_rng(0).random((50, 30)) < 0.2
    dense[:, 0] = True  # so that nobody is without history
    return sp.csr_array(dense).astype(np.float32)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("rank", [5, 20, 256])  # a few singular vectors by ARPACK, many by a dense decomposition
def test_scores_are_those_of_the_dense_formula(matrix, rank, alpha):
    r = matrix.toarray().astype(np.float64)
    users, products = r.sum(axis=1), np.maximum(r.sum(axis=0), 1.0)
    q = r / np.sqrt(np.outer(users, products))
    _, vectors = np.linalg.eigh(q.T @ q)
    v = vectors[:, -min(rank, 29) :]
    low_pass = np.diag(products**-0.5) @ v @ v.T @ np.diag(products**0.5)
    expected = r @ (q.T @ q + alpha * low_pass)
    scores = Filters(matrix, seed=0, rank=rank).ranker(alpha)(asked(*range(50)))
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_a_single_product_has_no_low_pass():
    scores = Filters(sp.csr_array(np.ones((2, 1), np.float32)), seed=0).ranker(0.3)(asked(0))
    np.testing.assert_allclose(scores, [[1.0]], rtol=1e-6)

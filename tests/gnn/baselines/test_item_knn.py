import numpy as np
import pytest
import scipy.sparse as sp

from gnn.baselines import item_knn


@pytest.fixture
def matrix() -> sp.csr_array:
    return sp.csr_array(np.random.default_rng(0).random((50, 30)) < 0.2).astype(np.float32)


def cosine(matrix: sp.csr_array, shrinkage: float):
    x = matrix.toarray().astype(np.float64)
    degree = x.sum(axis=0)
    similar = (x.T @ x) / (np.sqrt(np.outer(degree, degree)) + shrinkage)
    np.fill_diagonal(similar, 0.0)
    return similar


@pytest.mark.parametrize("shrinkage", [0.0, 10.0])
def test_all_neighbours_have_the_cosine_with_shrinkage(matrix, shrinkage):
    found = item_knn.neighbours(matrix, 30, shrinkage).toarray()
    np.testing.assert_allclose(found, cosine(matrix, shrinkage), rtol=1e-5)


def test_only_the_nearest_are_kept(matrix):
    whole, found = cosine(matrix, 0.0), item_knn.neighbours(matrix, 5, 0.0)
    assert (np.diff(found.indptr) == 5).all()
    np.testing.assert_allclose(np.sort(found.data.reshape(30, 5)), np.sort(whole)[:, -5:], rtol=1e-5)


def test_blocks_make_no_difference(matrix, monkeypatch):
    whole = item_knn.neighbours(matrix, 5, 0.0).toarray()
    monkeypatch.setattr(item_knn, "_ROWS", 7)
    np.testing.assert_array_equal(item_knn.neighbours(matrix, 5, 0.0).toarray(), whole)


def test_a_product_that_nobody_met_has_no_neighbours():
    found = item_knn.neighbours(sp.csr_array(np.array([[1, 1, 0], [1, 1, 0]], np.float32)), 2, 0.0)
    np.testing.assert_allclose(found.toarray(), [[0, 1, 0], [1, 0, 0], [0, 0, 0]], rtol=1e-6)

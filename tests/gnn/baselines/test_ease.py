import numpy as np
import pytest
import scipy.sparse as sp

from gnn.baselines import ease
from gnn.baselines.common import Skipped
from gnn.data import TrainingError
from schema import memory

from .conftest import Board


@pytest.fixture
def matrix() -> sp.csr_array:
    return sp.csr_array(np.random.default_rng(0).random((50, 30)) < 0.2).astype(np.float32)


def solved(matrix: sp.csr_array, penalty: float):
    """Column j minimises |X_j - X b|^2 + lambda |b|^2 with b_j = 0: a ridge regression on the other columns."""
    x = matrix.toarray().astype(np.float64)
    result = np.zeros((x.shape[1],) * 2)
    for j in range(x.shape[1]):
        others = np.delete(np.arange(x.shape[1]), j)
        a = x[:, others]
        result[others, j] = np.linalg.solve(a.T @ a + penalty * np.eye(len(others)), a.T @ x[:, j])
    return result


@pytest.mark.parametrize("penalty", [0.5, 10.0, 200.0])
def test_the_closed_form_is_a_ridge_regression_on_all_other_products(matrix, penalty):
    np.testing.assert_allclose(ease.weights(matrix, penalty), solved(matrix, penalty), atol=1e-5)


def test_blocks_make_no_difference(matrix, monkeypatch):
    whole = ease.weights(matrix, 10.0)
    monkeypatch.setattr(ease, "_ROWS", 7)
    np.testing.assert_array_equal(ease.weights(matrix, 10.0), whole)


def test_a_matrix_without_an_inverse_is_told():
    with pytest.raises(TrainingError, match="larger lambda"):
        ease.weights(sp.csr_array(np.zeros((2, 3), np.float32)), 0.0)


def test_without_memory_ease_is_skipped_and_says_how_much_it_needs(board: Board, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 100)
    found = ease.fit(board.shop, board.validation, board.goal, seconds=60, seed=0)
    assert isinstance(found, Skipped)
    assert f"{ease.needed_bytes(board.shop.products):,} bytes" in found.reason


def test_where_one_inverse_takes_longer_than_there_is_ease_is_skipped(board: Board, monkeypatch):
    monkeypatch.setattr(ease, "_expected_seconds", lambda products: 1_000.0)
    found = ease.fit(board.shop, board.validation, board.goal, seconds=60, seed=0)
    assert isinstance(found, Skipped)
    assert "about 1,000 s" in found.reason

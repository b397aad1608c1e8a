"""BPR and ALS through the implicit package."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from gnn.baselines import als, bpr
from gnn.baselines.common import Deadline
from gnn.baselines.factors import Factorisation, implicit_module

from .conftest import Board

pytest.importorskip("implicit")


@pytest.mark.parametrize("module", [als, bpr])
def test_nothing_is_printed_and_several_blas_threads_are_no_warning(module, board: Board, capfd, monkeypatch):
    import implicit.utils

    monkeypatch.setattr(implicit.utils, "_checked_blas_config", False)
    monkeypatch.setattr(module, "CHOICES", module.CHOICES[:1])
    with threadpool_limits(2, "blas"):
        module.fit(board.shop, board.validation, board.goal, seconds=0.5, seed=0)
    assert capfd.readouterr() == ("", "")


def test_each_epoch_goes_on_where_the_one_before_ended_with_new_samples(board: Board):
    def factors(seed: int, epochs: int) -> np.ndarray:
        model = implicit_module("bpr").BayesianPersonalizedRanking(
            factors=4, iterations=1, num_threads=1, random_state=np.random.default_rng(seed)
        )
        training = Factorisation(model, board.shop)
        for _ in range(epochs):
            assert training.epoch(Deadline.after(60))
        return np.array(model.item_factors)

    one, two = factors(0, 1), factors(0, 2)
    assert 0 < abs(two - one).max() < abs(one).max()
    np.testing.assert_array_equal(one, factors(0, 1))


@pytest.mark.parametrize("module", [als, bpr])
def test_one_seed_gives_one_model(module, board: Board, monkeypatch):
    monkeypatch.setattr(module, "CHOICES", module.CHOICES[:1])
    one, two = (
        module.fit(board.shop, board.validation, board.goal, seconds=0.0, seed=3).ranker(board.test) for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)

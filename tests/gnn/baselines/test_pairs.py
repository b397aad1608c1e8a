import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gnn.baselines.pairs import batch_size, batches, bpr_loss, pairs_of


@pytest.fixture
def matrix() -> sp.csr_array:
    return sp.csr_array(np.random.default_rng(0).random((20, 10)) < 0.3).astype(np.float32)


def test_batches_hold_every_pair_once_with_something_that_the_user_did_not_meet(matrix):
    dense, pairs = matrix.toarray() > 0, pairs_of(matrix)
    found = []
    for user, positive, negative in batches(pairs, np.arange(len(pairs)), np.random.default_rng(0)):
        found += list(zip(user.tolist(), positive.tolist(), strict=True))
        assert not dense[user.numpy(), negative.numpy()].any()
    assert sorted(found) == sorted(zip(*np.nonzero(dense), strict=True))


def test_who_met_everything_does_not_stop_the_drawing():
    pairs = pairs_of(sp.csr_array(np.ones((2, 3), np.float32)))
    drawn = pairs.negatives(np.zeros(5, np.int64), np.random.default_rng(0))
    assert ((drawn >= 0) & (drawn < 3)).all()


@pytest.mark.parametrize(("pairs", "size"), [(1, 1), (400, 20), (80_000, 2_048), (1_000_000, 20_000)])
def test_an_epoch_has_20_to_50_steps(pairs, size):
    assert batch_size(pairs) == size


def test_the_loss_is_minus_log_sigmoid_of_the_difference():
    user = torch.tensor([[1.0, 0.0]])
    loss = bpr_loss(user, torch.tensor([[3.0, 5.0]]), torch.tensor([[1.0, 9.0]]))
    assert loss.item() == pytest.approx(-np.log(1 / (1 + np.exp(-2.0))))

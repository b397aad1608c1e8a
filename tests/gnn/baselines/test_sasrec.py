import numpy as np
import pytest
import torch
from small_shop import SmallShop

from gnn.baselines.sasrec import SASRec, has_order, padded, sampled_softmax, sequences_of
from gnn.data import read_shop

EVENTS = [
    (0, 2, "view", 1.0, None),
    (0, 2, "purchase", 2.0, None),
    (1, 1, "purchase", 2.5, None),
    (0, 0, "purchase", 3.0, None),
    (0, 2, "purchase", 4.0, None),
    (None, 1, "purchase", 5.0, None),
]


@pytest.fixture
def shop(tmp_path):
    return read_shop(SmallShop(3, 3, EVENTS).write(tmp_path / "s"))


def test_a_sequence_is_in_order_of_time_without_immediate_repetitions(shop):
    found = sequences_of(shop)
    assert [found.of(user).tolist() for user in range(3)] == [[2, 0, 2], [1], []]


def test_the_last_products_are_kept_and_padded_behind(shop):
    table = padded(sequences_of(shop), np.array([0, 1, 2]), 2, padding=3)
    np.testing.assert_array_equal(table, [[0, 2], [1, 3], [3, 3]])


def test_events_at_one_moment_have_no_order(tmp_path):
    events = [(0, 0, "purchase", 1.0, None), (0, 1, "purchase", 1.0, None), (1, 1, "purchase", 2.0, None)]
    assert not has_order(read_shop(SmallShop(2, 2, events).write(tmp_path / "s")))


def test_events_one_after_the_other_have(shop):
    assert has_order(shop)


def test_what_comes_later_does_not_change_an_earlier_state():
    torch.manual_seed(0)
    model = SASRec(5).eval()
    one, other = model(torch.tensor([[1, 2, 3, 4]])), model(torch.tensor([[1, 2, 0, 5]]))
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2:], other[:, 2:])


def test_the_loss_is_the_cross_entropy_among_the_right_product_and_the_others():
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])
    loss = sampled_softmax(torch.tensor([[1.0, 3.0]]), torch.tensor([0]), torch.tensor([1, 2, 0]), vectors)
    # Scores are 1 for the right product, 3 and 2 for the others; drawn again, it is not its own rival.
    expected = -1.0 + np.log(np.exp(1.0) + np.exp(3.0) + np.exp(2.0))
    assert loss.item() == pytest.approx(expected)

import pytest
from small_shop import SmallShop

from gnn.data import TrainingError, read_shop
from gnn.histories import histories
from gnn.splits import split_by_time

EVENTS = [
    (0, 0, "purchase", 1.0, None),
    (0, 1, "view", 2.0, None),
    (1, 0, "purchase", 50.0, None),
    (0, 1, "purchase", 95.0, None),  # first, although viewed before
    (0, 0, "purchase", 96.0, None),  # repeat
    (2, 1, "purchase", 97.0, None),  # newcomer
    (None, 1, "purchase", 98.0, None),  # nobody known
    (1, 2, "view", 99.0, None),  # not the target behaviour
]


@pytest.fixture
def shop(tmp_path):
    return read_shop(SmallShop(3, 3, EVENTS).write(tmp_path / "s"))


def test_first_purchases_repeats_and_newcomers_are_told_apart(shop):
    split = split_by_time(shop)
    assert list(zip(split.first.user, split.first.product, strict=True)) == [(0, 1)]
    assert list(zip(split.repeat.user, split.repeat.product, strict=True)) == [(0, 0)]
    assert list(zip(split.newcomers.user, split.newcomers.product, strict=True)) == [(2, 1)]


def test_nothing_after_the_cut_is_seen(shop):
    split = split_by_time(shop)
    assert (split.seen.events.time_ms < split.cut_ms).all()
    assert len(split.seen.events) == 3
    assert split.seen.as_of_ms == split.cut_ms


def test_a_history_folds_events_into_units(tmp_path):
    events = [
        (0, 1, "view", 1.0, None),
        (0, 1, "view", 3.0, None),
        (0, 1, "cart", 2.0, None),
        (None, 2, "view", 1.0, None),
    ]
    shop = read_shop(SmallShop(3, 2, [*events, (1, 0, "purchase", 4.0, None)]).write(tmp_path / "s"))
    history = histories(shop).of(0)
    units = {(shop.behaviours[b], n) for b, n in zip(history.behaviours, history.events, strict=True)}
    assert units == {("view", 2.0), ("cart", 1.0)}
    assert len(histories(shop).of(1)) == 1


def test_events_at_one_moment_cannot_be_split(tmp_path):
    shop = read_shop(SmallShop(1, 1, [(0, 0, "purchase", 1.0, None)]).write(tmp_path / "s"))
    with pytest.raises(TrainingError, match="one moment"):
        split_by_time(shop)


def test_a_shop_without_purchases_has_nothing_to_learn_from(tmp_path):
    snapshot = SmallShop(1, 1, [(0, 0, "view", 1.0, None)]).write(tmp_path / "s")
    with pytest.raises(TrainingError, match="no known user has a purchase"):
        read_shop(snapshot)


def test_features_that_are_no_numbers_are_refused(tmp_path):
    import numpy as np

    text = np.zeros((2, 3))
    text[1, 2] = np.nan
    snapshot = SmallShop(2, 1, EVENTS[:1], text=text).write(tmp_path / "s")
    with pytest.raises(TrainingError, match="product 1"):
        read_shop(snapshot)

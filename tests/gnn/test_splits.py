import pytest
from small_shop import SmallShop

from gnn.data import TrainingError, read_shop
from gnn.histories import histories, interactions
from gnn.splits import split_by_time, split_random, split_share

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


@pytest.mark.parametrize("cut", [split_random, split_share])
def test_a_fifth_of_what_each_user_has_is_asked_for_and_not_seen(snapshot, cut):
    shop = read_shop(snapshot)
    split = cut(shop, 3)
    asked = split.questions
    whole, seen = interactions(shop), interactions(split.seen)
    assert asked.answers.lengths().sum() == pytest.approx(whole.nnz / 5, rel=0.1)
    for row, user in enumerate(asked.user):
        had = set(seen.indices[seen.indptr[user] : seen.indptr[user + 1]])
        answers = set(asked.answers.of(row))
        assert had, "somebody without history is asked"
        assert not had & answers
        assert had | answers == set(whole.indices[whole.indptr[user] : whole.indptr[user + 1]])


def test_what_is_left_out_at_random_is_spread_over_both_tastes_of_a_user(tmp_path):
    # Everybody has products of both kinds, and each kind is always bought together by half of the users.
    events = [(u, p, "purchase", 1.0 + p, None) for u in range(80) for p in range(20) if u % 4 or p < 10]
    shop = read_shop(SmallShop(20, 80, events).write(tmp_path / "s"))

    def mixed(split):
        kinds = [{int(p) < 10 for p in split.questions.answers.of(row)} for row in range(len(split.questions))]
        lengths = split.questions.answers.lengths()
        return sum(len(k) == 2 for k, n in zip(kinds, lengths, strict=True) if n == 4)

    assert mixed(split_random(shop, 0)) > mixed(split_share(shop, 0))

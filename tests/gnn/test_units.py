import numpy as np
import pytest

from gnn.units import History, UnitWeights

DAY = 86_400_000
WEIGHTS = UnitWeights(saturation=np.array([0.0, 0.5]), half_life=np.array([10.0, 20.0]), floor=np.array([0.0, 0.25]))


def history(*units):
    """Units of product, behaviour, number of events, days since the start."""
    products, behaviours, events, days = zip(*units, strict=True)
    return History(
        np.array(products, np.int32),
        np.array(behaviours, np.int32),
        np.array(events, np.float64),
        np.array(days, np.int64) * DAY,
    )


def test_amounts_worked_out_by_hand():
    units = history((3, 0, 4, 100), (3, 0, 4, 90), (5, 1, 4, 100), (5, 1, 9, 60))
    # 4^0 · 1, 4^0 · 1/2, 4^0.5 · 1, 9^0.5 · (1/4 + 3/4 · 1/4)
    assert WEIGHTS.amounts(units, 100 * DAY) == pytest.approx([1.0, 0.5, 2.0, 3 * 0.4375])


def test_each_unit_may_be_looked_at_from_a_moment_of_its_own():
    units = history((1, 0, 1, 0), (1, 0, 1, 0))
    assert WEIGHTS.amounts(units, np.array([0, 10 * DAY])) == pytest.approx([1.0, 0.5])


def test_what_is_yet_to_come_counts_like_now():
    assert WEIGHTS.amounts(history((1, 1, 1, 9)), 0) == pytest.approx([1.0])


def test_an_amount_does_not_depend_on_the_other_units():
    units = history((1, 0, 2, 1), (2, 1, 3, 5), (1, 1, 1, 3))
    for unit in range(len(units)):
        alone = units.take(np.array([unit]))
        assert len(alone) == 1
        assert WEIGHTS.amounts(alone, 7 * DAY)[0] == WEIGHTS.amounts(units, 7 * DAY)[unit]


def test_an_empty_history_has_no_amounts():
    assert WEIGHTS.amounts(history((1, 0, 1, 0)).take(np.empty(0, np.intp)), 0).shape == (0,)

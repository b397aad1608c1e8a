import numpy as np
import pytest

from gnn.gains import gains
from gnn.popularity import Pulse
from gnn.units import MS_PER_DAY

NOW = int(1000 * MS_PER_DAY)
NONE = np.empty(0, np.int64)


def pulse(counts: list[list[float]], horizons: tuple[float, ...] = (5.0, 15.0, 60.0, np.inf)) -> Pulse:
    """A model that has counted; the half-lives in rows, the products in columns."""
    zero, one = np.zeros(len(horizons)), np.ones(len(horizons))
    return Pulse(NOW, horizons, zero, zero, zero, zero, one, np.array(counts, np.float64))


STEADY = [[2.0, 1.0, 0.0], [4.0, 2.0, 0.0], [8.0, 4.0, 0.0], [20.0, 10.0, 0.0]]


def test_what_has_its_usual_share_gains_nothing() -> None:
    found = gains(pulse(STEADY), NOW, NONE, NONE)
    assert found.half_lives == (5.0, 15.0)
    assert found.counted == pytest.approx(np.array(STEADY[:2]))
    assert found.expected == pytest.approx(found.counted)
    assert found.score == pytest.approx(np.zeros(3))


def test_gains_are_deviations_of_counts_as_worked_out_by_hand() -> None:
    counts = [[6.0, 0.0], [8.0, 2.0], [9.0, 9.0], [10.0, 10.0]]
    found = gains(pulse(counts), NOW, NONE, NONE)
    assert found.expected == pytest.approx(np.array([[3.0, 3.0], [5.0, 5.0]]))
    first = (3 / 2 + 3 / np.sqrt(6)) / 2
    assert found.score == pytest.approx([first, -first])


def test_what_is_met_now_gains_and_what_is_met_much_anyway_gains_less() -> None:
    met = np.repeat(np.array([0, 2], np.int64), [6, 2])
    found = gains(pulse(STEADY), NOW + 1, met, np.full(8, NOW))
    assert found.score[2] > found.score[0] > 0 > found.score[1]


def test_a_season_in_which_all_sells_more_raises_nobody() -> None:
    met = np.repeat(np.array([0, 1], np.int64), [20, 10])
    found = gains(pulse(STEADY), NOW + 1, met, np.full(30, NOW))
    assert found.score == pytest.approx(np.zeros(3), abs=1e-9)


def test_without_times_nothing_gains() -> None:
    found = gains(pulse([[3.0, 1.0]], (np.inf,)), NOW, NONE, NONE)
    assert found.half_lives == ()
    assert found.score.tolist() == [0.0, 0.0]


def test_a_shop_without_events_has_no_gains() -> None:
    assert gains(pulse(np.zeros((4, 2)).tolist()), NOW, NONE, NONE).score.tolist() == [0.0, 0.0]


def test_before_the_models_own_moment_nothing_has_decayed_less() -> None:
    assert gains(pulse(STEADY), NOW - 10**9, NONE, NONE).counted == pytest.approx(np.array(STEADY[:2]))

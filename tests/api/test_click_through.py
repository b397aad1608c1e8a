"""Click-through, against numbers worked out by hand."""

import pytest

from api.services.click_through import click_through, weighted_rate
from graph import ServedCount

# A place for exploration: tea comes to it every second time and is chosen by every fifth, pot comes every tenth time
# and is chosen by every second.
TEA = ServedCount("m", "EXPLORATION", 3, 0.5, shown=50, clicked=10, bought=4)
POT = ServedCount("m", "EXPLORATION", 3, 0.1, shown=10, clicked=5, bought=1)


def test_what_is_drawn_rarely_weighs_as_much_as_what_is_drawn_often() -> None:
    # Plainly 15 of 60. Weighted: (10 / .5 + 5 / .1) / (50 / .5 + 10 / .1) = 70 / 200, the mean of .2 and .5.
    assert weighted_rate([TEA, POT]) == pytest.approx(0.35)


def test_equal_propensities_change_nothing() -> None:
    even = [ServedCount("m", "SCORE", 1, 1.0, 4, 1, 0), ServedCount("m", "SCORE", 1, 1.0, 4, 2, 0)]
    assert weighted_rate(even) == pytest.approx(3 / 8)


def test_what_was_shown_with_an_unknown_propensity_is_left_out() -> None:
    unknown = ServedCount("m", "EXPLORATION", 3, None, 100, 100, 0)
    assert weighted_rate([TEA, POT, unknown]) == pytest.approx(0.35)
    assert weighted_rate([unknown]) is None
    assert weighted_rate([]) is None


def test_counts_of_one_place_are_joined_and_others_stay_apart() -> None:
    other = ServedCount("m", "SCORE", 3, 1.0, 8, 2, 1)
    newer = ServedCount("n", "SCORE", 1, 1.0, 2, 0, 0)
    rows = click_through([newer, TEA, other, POT])
    assert [(row.model, row.placement, row.rank) for row in rows] == [
        ("m", "EXPLORATION", 3),
        ("m", "SCORE", 3),
        ("n", "SCORE", 1),
    ]
    assert (rows[0].shown, rows[0].clicked, rows[0].bought) == (60, 15, 5)
    assert (rows[0].rate, rows[0].weighted_rate) == (pytest.approx(0.25), pytest.approx(0.35))
    assert (rows[1].rate, rows[2].rate) == (0.25, 0.0)

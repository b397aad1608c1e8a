import pytest

from gnn import pace
from gnn.pace import Pace


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

    monkeypatch.setattr(pace.time, "monotonic", lambda: Clock.now)
    return Clock


def steps_taken(clock, wanted, seconds, first, others, **more):
    """How many steps there are if the first takes so long and each of the others so long."""
    plan, taken = Pace(wanted, seconds, **more), 0
    while taken < plan.steps:
        clock.now += first if taken == 0 else others
        taken += 1
        plan.took_one()
    return taken


def test_steps_are_cut_to_what_fits_by_the_pace_of_the_first_few(clock):
    assert steps_taken(clock, 100, 30.0, first=1.0, others=1.0) == 30
    assert steps_taken(clock, 100, 300.0, first=1.0, others=1.0) == 100


def test_a_first_step_that_compiles_does_not_count(clock):
    assert steps_taken(clock, 100, 30.0, first=20.0, others=1.0) == 30


def test_a_few_are_taken_in_any_case(clock):
    assert steps_taken(clock, 100, 0.5, first=1.0, others=1.0, fewest=12) == 12
    assert steps_taken(clock, 8, 0.5, first=1.0, others=1.0, fewest=12) == 8


def test_the_rate_falls_from_the_whole_to_a_twentieth():
    plan = Pace(10, 1.0)
    rates = [plan.rate(step) for step in range(11)]
    assert rates[0] == 1.0
    assert rates[-1] == pytest.approx(0.05)
    assert rates == sorted(rates, reverse=True)

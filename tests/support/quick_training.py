"""Training of fewer steps, for tests that do not ask how good a model is, or ask it of a small shop."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

STEPS = 5
FITTING_STEPS = 200


@contextmanager
def quick_training() -> Iterator[None]:
    """A few steps and questions, for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnn.learn.FEWEST_STEPS", STEPS)
        patch.setattr("gnn.learn.MOST_STEPS", STEPS)
        patch.setattr("gnn.questions.MOST_USERS", 20)
        patch.setattr("gnn.fit.STEPS", STEPS)
        yield


@contextmanager
def short_training() -> Iterator[None]:
    """A third of the steps of fitting, which take most of a training and are enough to tell a small shop's tastes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnn.fit.STEPS", FITTING_STEPS)
        yield

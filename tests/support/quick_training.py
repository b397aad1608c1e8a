"""Training of a few steps, for tests that do not ask how good a model is."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

STEPS = 5


@contextmanager
def quick_training() -> Iterator[None]:
    """A few steps and questions, for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gnn.learn.FEWEST_STEPS", STEPS)
        patch.setattr("gnn.learn.MOST_STEPS", STEPS)
        patch.setattr("gnn.questions.MOST_USERS", 20)
        patch.setattr("gnn.fit.STEPS", STEPS)
        yield

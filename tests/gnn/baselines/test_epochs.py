"""Early stopping on a model that gets better until its third epoch."""

import numpy as np
import pytest

from gnn.baselines.common import Deadline
from gnn.baselines.epochs import Patience, fit_in_epochs

from .conftest import Board


class Counting:
    """Scores are its epochs; each epoch may use up a clock."""

    def __init__(self, lasts: int = 10_000) -> None:
        self.epochs = 0
        self.lasts = lasts

    def epoch(self, deadline: Deadline) -> bool:
        if self.epochs == self.lasts or deadline.over():
            return False
        self.epochs += 1
        return True

    def ranker(self):
        epochs = self.epochs
        return lambda questions: np.full((1, 1), epochs, np.float32)


def best_after_three(ranker, questions) -> float:
    return -abs(float(ranker(questions)[0, 0]) - 3.0)


def fitted(board: Board, start, choices=({},), seconds: float = 60.0, every: int = 1):
    patience = Patience(every=every, epochs=2)
    return fit_in_epochs(
        start, choices, patience, board.shop, board.validation, best_after_three, seconds=seconds, seed=0
    )


def test_the_final_model_has_as_many_epochs_as_were_best(board):
    found = fitted(board, lambda shop, settings: Counting())
    assert found.tuned == {"epochs": 3.0}
    assert found.converged
    assert found.ranker(board.test)[0, 0] == 3.0


def test_the_search_sees_the_validation_part_and_the_final_model_the_shop(board):
    shops = []

    def start(shop, settings):
        shops.append(shop)
        return Counting()

    fitted(board, start)
    assert shops == [board.validation.seen, board.shop]


def test_the_best_settings_are_chosen(board):
    class Jumping(Counting):
        def __init__(self, step: float) -> None:
            super().__init__()
            self.step = step

        def ranker(self):
            epochs = self.epochs * self.step
            return lambda questions: np.full((1, 1), epochs, np.float32)

    found = fitted(board, lambda shop, settings: Jumping(settings["step"]), [{"step": 2.0}, {"step": 1.5}])
    assert found.tuned == {"step": 1.5, "epochs": 2.0}


def test_training_that_time_cut_short_had_not_converged(board):
    found = fitted(board, lambda shop, settings: Counting(lasts=2))
    assert not found.converged
    assert found.tuned == {"epochs": 2.0}
    assert "not converged" in found.note


def test_a_final_model_that_time_cut_short_had_not_converged(board):
    found = fitted(board, lambda shop, settings: Counting(lasts=2 if shop is board.shop else 10_000))
    assert not found.converged
    assert "2 of 3 epochs" in found.note


def test_without_time_nothing_is_searched(board):
    found = fitted(board, lambda shop, settings: Counting(), seconds=0.0)
    assert not found.converged
    assert found.tuned == {"epochs": 0.0}


@pytest.mark.parametrize("every", [1, 2])
def test_the_goal_is_looked_at_every_so_many_epochs(board, every):
    looks = []

    def goal(ranker, questions) -> float:
        looks.append(float(ranker(questions)[0, 0]))
        return 0.0

    patience = Patience(every=every, epochs=2)
    fit_in_epochs(
        lambda shop, settings: Counting(), [{}], patience, board.shop, board.validation, goal, seconds=60, seed=0
    )
    assert looks == [float(n * every) for n in range(1, len(looks) + 1)]

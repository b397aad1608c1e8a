import numpy as np

from gnn.baselines import common
from gnn.baselines.common import Deadline, best, interactions, sampled, with_popularity

from .conftest import NEWCOMER, Board, asked


def test_the_best_choice_is_the_one_rated_highest():
    assert best((1, 3, 2), float, Deadline.after(60)) == (3, True)


def test_of_equal_choices_the_first_is_taken():
    assert best((1, 3, 2), lambda choice: 0.0, Deadline.after(60)) == (1, True)


def test_without_time_the_first_choice_is_taken_unrated():
    assert best((1, 3), lambda choice: 1 / 0, Deadline.after(0)) == (1, False)


def test_tuning_leaves_time_for_the_final_fit():
    assert best((1, 3), lambda choice: 1 / 0, Deadline.after(15), cost=10) == (1, False)


def test_a_single_choice_needs_no_rating():
    assert best((1,), lambda choice: 1 / 0, Deadline.after(0)) == (1, True)


def test_no_more_questions_are_asked_than_tell_choices_apart(board: Board, monkeypatch):
    monkeypatch.setattr(common, "MOST_QUESTIONS", 10)
    questions = board.validation.questions
    some = sampled(questions, seed=0)
    assert len(some) == len(some.answers) == 10
    assert dict(zip(some.user, some.answers.products, strict=True)).items() <= (
        dict(zip(questions.user, questions.answers.products, strict=True)).items()
    )


def test_interactions_are_distinct_pairs(board: Board):
    matrix = interactions(board.shop)
    events = board.shop.events
    assert matrix.shape == (board.shop.users, board.shop.products)
    assert set(matrix.data) == {1.0}
    assert set(zip(*matrix.nonzero(), strict=True)) == set(zip(events.user, events.product, strict=True))


def test_only_users_without_interactions_get_popularity(board: Board):
    matrix = interactions(board.shop)
    ranker = with_popularity(lambda q: np.full((len(q), board.shop.products), -1, np.float32), matrix)
    known, unknown = ranker(asked(0, NEWCOMER))
    assert (known == -1).all()
    np.testing.assert_array_equal(unknown, matrix.sum(axis=0))

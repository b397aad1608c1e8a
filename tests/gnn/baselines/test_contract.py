"""What holds for every baseline."""

import sys
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from gnn.baselines import BASELINES, Fitted, Skipped
from gnn.tasks import Questions, Ranker

from .conftest import NEWCOMER, Board, asked

NEEDS_IMPLICIT = ("bpr", "als")


@pytest.fixture(params=BASELINES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param in NEEDS_IMPLICIT:
        pytest.importorskip("implicit")
    return request.param


@dataclass(frozen=True)
class Tuned:
    """A baseline, and what its goal was asked with meanwhile."""

    fitted: Fitted
    asked: list[Questions]


@pytest.fixture(scope="session")
def tuned(board: Board):
    @cache
    def fit(name: str) -> Tuned:
        asked: list[Questions] = []

        def goal(ranker: Ranker, questions: Questions) -> float:
            asked.append(questions)
            return board.goal(ranker, questions)

        found = BASELINES[name](board.shop, board.validation, goal, seconds=60.0, seed=0)
        assert isinstance(found, Fitted)
        return Tuned(found, asked)

    return fit


@pytest.fixture(scope="session")
def fitted(tuned):
    return lambda name: tuned(name).fitted


def test_what_was_held_out_stands_above_what_the_user_never_buys(name, fitted, board):
    if name == "popularity":
        pytest.skip("popularity knows no users")
    scores = fitted(name).ranker(board.test)
    answer = scores[np.arange(len(board.test)), board.test.answers.products]
    foreign = (np.arange(board.shop.products) % 2) != (board.test.user[:, None] % 2)
    below = (scores < answer[:, None])[foreign]
    assert below.mean() > 0.97


def test_scores_are_a_finite_row_for_each_question(name, fitted, board):
    scores = fitted(name).ranker(board.test)
    assert scores.shape == (len(board.test), board.shop.products)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_a_question_is_answered_alike_alone_and_among_others(name, fitted, board):
    ranker = fitted(name).ranker
    np.testing.assert_allclose(ranker(board.test)[[7]], ranker(board.test.take(np.array([7]))), rtol=1e-4, atol=1e-5)


def test_who_has_no_history_gets_what_is_popular(name, fitted):
    (scores,) = fitted(name).ranker(asked(NEWCOMER))
    assert np.ptp(scores) > 0
    assert (scores >= 0).all()


def test_tuning_says_what_it_chose_and_that_it_was_done(name, fitted):
    assert fitted(name).tuned
    assert fitted(name).converged, fitted(name).note


def test_without_time_a_baseline_answers_and_says_that_it_had_not_converged(name, board):
    found = BASELINES[name](board.shop, board.validation, board.goal, seconds=0.0, seed=0)
    assert isinstance(found, Fitted)
    assert not found.converged
    assert found.note
    assert np.isfinite(found.ranker(board.test)).all()


def test_tuning_looks_at_nothing_but_the_validation_part(name, tuned, board):
    """The goal is only ever asked with the validation's questions."""
    assert tuned(name).asked
    assert all(questions is board.validation.questions for questions in tuned(name).asked)


@pytest.mark.parametrize("name", NEEDS_IMPLICIT)
def test_a_missing_package_is_named_with_how_to_get_it(name, board, monkeypatch):
    from gnn.data import TrainingError

    monkeypatch.setitem(sys.modules, "implicit", None)
    monkeypatch.setitem(sys.modules, f"implicit.cpu.{name}", None)
    with pytest.raises(TrainingError, match="pip install implicit"):
        BASELINES[name](board.shop, board.validation, board.goal, seconds=0.0, seed=0)


def test_sasrec_is_skipped_where_events_have_no_order(board):
    events = replace(board.shop.events, time_ms=np.zeros_like(board.shop.events.time_ms))
    shop = replace(board.shop, events=events)
    found = BASELINES["sasrec"](shop, board.validation, board.goal, seconds=0.0, seed=0)
    assert isinstance(found, Skipped)
    assert "different times" in found.reason

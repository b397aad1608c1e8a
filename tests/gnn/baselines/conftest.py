"""A checkerboard with a product held out of each user's, and again a product held out of the rest."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from small_shop import checkerboard

from gnn.baselines.common import Goal, interactions
from gnn.data import Shop, read_shop
from gnn.tasks import Questions, Ragged, Ranker, Split

USERS = 60
NEWCOMER = USERS  # has no events


@dataclass(frozen=True)
class Board:
    """What baselines may learn from, what they are tuned on, and what is asked at the end."""

    shop: Shop
    validation: Split
    test: Questions
    goal: Goal


def held_out(shop: Shop) -> Split:
    """Takes the last product of each user out of a shop and asks for it."""
    last = {
        int(user): int(shop.events.product[row]) for row, user in enumerate(shop.events.user) if user >= 0
    }  # events are in order of time
    users = np.array(sorted(last), np.int32)
    answers = np.array([last[int(user)] for user in users], np.int32)
    kept = np.array(
        [last.get(int(u)) != int(p) for u, p in zip(shop.events.user, shop.events.product, strict=True)], bool
    )
    moments = np.full(len(users), shop.as_of_ms, np.int64)
    questions = Questions(users, moments, Ragged(np.arange(len(users) + 1), answers))
    return Split(replace(shop, events=shop.events.take(kept)), questions)


def asked(*users: int) -> Questions:
    """Questions without answers."""
    row = np.array(users, np.int32)
    return Questions(row, np.zeros(len(row), np.int64), Ragged(np.zeros(len(row) + 1, np.int64), np.empty(0, np.int32)))


def recall_at_5(seen: Shop) -> Goal:
    """Share of the questions whose answer is among the first five products that the user did not have."""
    had = interactions(seen).toarray() > 0

    def goal(ranker: Ranker, questions: Questions) -> float:
        scores = np.where(had[questions.user], -np.inf, ranker(questions))
        first = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        return float((first == questions.answers.products[:, None]).any(axis=1).mean())

    return goal


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    small = checkerboard(users=USERS)
    small.users += 1
    outer = held_out(read_shop(small.write(tmp_path_factory.mktemp("board") / "s")))
    inner = held_out(outer.seen)
    return Board(outer.seen, inner, outer.questions, recall_at_5(inner.seen))

from dataclasses import replace

import numpy as np
import pytest
from small_shop import SmallShop

from gnn.baselines import popularity
from gnn.data import read_shop

from .conftest import Board, asked


def test_an_event_counts_half_after_a_half_life(tmp_path):
    events = [(0, 0, "purchase", 100.0, None), (0, 1, "purchase", 90.0, None), (0, 2, "view", 100.0, None)]
    shop = read_shop(SmallShop(3, 1, events).write(tmp_path / "s"))
    np.testing.assert_allclose(popularity.popularity(shop, 10.0), [1.0, 0.5, 0.0])


def test_the_half_life_is_the_one_that_the_goal_likes_best(board: Board):
    wanted = popularity.popularity(board.validation.seen, 7.0).astype(np.float32)
    found = popularity.fit(
        board.shop, board.validation, lambda r, q: -float(abs(r(q)[0] - wanted).max()), seconds=60, seed=0
    )
    assert found.tuned == {"half_life_days": 7.0}
    assert found.converged
    np.testing.assert_allclose(found.ranker(asked(3))[0], popularity.popularity(board.shop, 7.0), rtol=1e-6)


def test_where_events_have_no_different_times_popularity_is_over_all_time(board: Board):
    events = replace(board.shop.events, time_ms=np.zeros_like(board.shop.events.time_ms))
    found = popularity.fit(
        replace(board.shop, events=events), board.validation, lambda r, q: pytest.fail("rated"), seconds=60, seed=0
    )
    assert found.tuned == {"half_life_days": 1e6}

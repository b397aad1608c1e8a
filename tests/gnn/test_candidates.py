from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from gnn import candidates
from gnn.candidates import Competitors, Shares
from gnn.histories import Histories
from gnn.tasks import Questions, Ragged

PRODUCTS, BOUGHT, LOOKED = 400, 1, 0


@pytest.fixture
def competitors():
    """Three people: one bought the most popular and looked at the second, one did nothing, one bought the last."""
    past = Histories(
        indptr=np.array([0, 2, 2, 3]),
        products=np.array([0, 1, 399], np.int32),
        behaviours=np.array([BOUGHT, LOOKED, BOUGHT], np.int32),
        events=np.ones(3),
        last_ms=np.zeros(3, np.int64),
    )
    nothing = Ragged(np.zeros(4, np.int64), np.empty(0, np.int32))
    asked = Questions(np.arange(3, dtype=np.int32), np.zeros(3, np.int64), nothing)
    popular = -np.arange(PRODUCTS, dtype=float) / 50
    backwards = np.tile(np.arange(PRODUCTS, dtype=np.float32), (3, 1))
    terms = [lambda questions: backwards[questions.user]]
    return Competitors(asked, past, BOUGHT, popular, terms, None, Shares.by(popular))


def hard(competitors, rows):
    with ThreadPoolExecutor(2) as pool:
        return competitors.hard(rows, pool)


def test_what_is_popular_or_ranked_first_competes_but_for_what_was_bought(competitors):
    count = candidates.HARD
    (popular, ranked), (alone,), (first, last) = hard(competitors, [0, 1, 2])
    assert popular.tolist() == list(range(1, count + 1))
    assert ranked.tolist() == list(range(399, 399 - count, -1))
    assert alone.tolist() == list(range(count))  # nobody can be ranked for who did nothing
    assert first.tolist() == list(range(count))
    assert last.tolist() == list(range(398, 398 - count, -1))


def test_an_earlier_fit_names_something_for_somebody_without_a_history_too(competitors):
    alike = np.ones((3, PRODUCTS), np.float32)
    (_, named), (*_, last) = hard(replace(competitors, earlier=lambda questions: alike[questions.user]), [1, 2])
    assert named.tolist() == last.tolist() == list(range(candidates.HARD))


def test_the_hard_ones_stand_for_themselves_and_nothing_bought_is_drawn(competitors):
    (named,) = hard(competitors, [2])
    others, stands_for = competitors.others(2, named, np.random.default_rng(0))
    chosen = np.isin(others, np.concatenate(named))
    assert (stands_for[chosen] == 1).all()
    assert chosen.sum() == 2 * candidates.HARD
    assert len(np.unique(others)) == len(others)
    assert 399 not in others


def test_the_sample_stands_for_all_the_others_without_bias(competitors):
    (named,) = hard(competitors, [0])
    rest = np.setdiff1d(np.arange(1, PRODUCTS), np.concatenate(named))
    generator, value = np.random.default_rng(1), np.linspace(0, 1, PRODUCTS)
    sums = []
    for _ in range(2000):
        others, stands_for = competitors.others(0, named, generator)
        drawn = ~np.isin(others, np.concatenate(named))
        sums.append((stands_for[drawn] * value[others[drawn]]).sum())
    assert np.mean(sums) == pytest.approx(value[rest].sum(), rel=0.02)

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_scorer import NaiveScorer
from small_shop import START, checkerboard

from gnn.artifact import load_artifact
from gnn.explain import unit_scores
from gnn.scoring import HistoryRow, Scorer, bought, top

NOW = START + timedelta(days=100)


def rows_of(events, user):
    found = {}
    for who, product, behaviour, day, _ in events:
        if who == user:
            count, last = found.get((product, behaviour), (0, START))
            found[product, behaviour] = (count + 1, max(last, START + timedelta(days=day)))
    # The store keeps milliseconds.
    return [
        HistoryRow(f"p{p}", b, n, last.replace(microsecond=last.microsecond // 1000 * 1000))
        for (p, b), (n, last) in found.items()
    ]


def test_scores_equal_those_of_plain_loops_over_the_snapshot(snapshot, artifact_folder):
    scorer = load_artifact(artifact_folder).scorer
    naive = NaiveScorer(snapshot.path, artifact_folder)
    events = checkerboard().events
    for user in range(0, 60, 7):
        rows = rows_of(events, user)
        history = scorer.history(rows)
        scores = scorer.score(history, NOW, f"u{user}")
        size = np.abs(unit_scores(scorer, history, NOW, f"u{user}")).sum(axis=0)
        for product in range(0, 40, 3):
            expected = naive.score(rows, f"p{product}", NOW, f"u{user}")
            # Dense terms are dot products of float32.
            assert scores[product] == pytest.approx(expected, abs=1e-5 * (1 + size[product]))


def test_a_viewer_is_never_the_middle_of_their_own_path(snapshot, artifact):
    scorer = artifact.scorer
    history = scorer.history(rows_of(checkerboard().events, 0))
    with_own = scorer.score(history, NOW, None)
    without = scorer.score(history, NOW, "u0")
    owned = bought(history, scorer.behaviours, "purchase", scorer.size)
    assert (without[owned] < with_own[owned]).all()
    assert without[~owned] == pytest.approx(with_own[~owned])


def test_the_model_learned_who_buys_what(artifact):
    scorer = artifact.scorer
    for user in range(6):
        rows = rows_of(checkerboard().events, user)
        history = scorer.history(rows)
        allowed = ~bought(history, scorer.behaviours, "purchase", scorer.size)
        best = top(scorer.score(history, NOW, f"u{user}"), 8, allowed)
        assert (best % 2 == user % 2).mean() >= 7 / 8


def test_no_history_gives_the_prior(artifact):
    scorer = artifact.scorer
    assert (scorer.score(scorer.history([]), NOW) == scorer.prior).all()


def test_unknown_products_and_behaviours_are_left_out_of_a_history(artifact):
    rows = [("p1", "purchase", 1, NOW), ("nothing", "purchase", 1, NOW), ("p2", "sniff", 1, NOW)]
    assert artifact.scorer.history(rows).products.tolist() == [1]


def test_the_viewer_of_a_score_may_be_unknown(artifact):
    scorer = artifact.scorer
    history = scorer.history([("p1", "purchase", 1, NOW)])
    assert (scorer.score(history, NOW, "stranger") == scorer.score(history, NOW)).all()


def test_older_events_count_less(artifact):
    scorer = artifact.scorer
    new = scorer.score(scorer.history([("p1", "purchase", 1, NOW)]), NOW) - scorer.prior
    old = scorer.score(scorer.history([("p1", "purchase", 1, NOW - timedelta(days=90))]), NOW) - scorer.prior
    assert np.abs(old).sum() < np.abs(new).sum()


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(1, 35), st.data())
def test_top_is_a_stable_sort_of_what_is_allowed(values, k, data):
    scores = np.array(values, float)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    expected = sorted(np.flatnonzero(allowed), key=lambda i: (-scores[i], i))[:k]
    assert top(scores, k, allowed).tolist() == expected


@pytest.mark.parametrize("k", [1, 3, 9])
def test_where_few_of_very_many_are_allowed_their_order_is_the_same(k):
    generator = np.random.default_rng(3)
    scores = generator.integers(0, 3, 5_000).astype(float)
    some = np.sort(generator.choice(5_000, 7, replace=False))
    allowed = np.isin(np.arange(5_000), some)
    assert top(scores, k, allowed).tolist() == some[np.lexsort((some, -scores[some]))][:k].tolist()


def test_a_product_that_was_deleted_has_no_position(artifact):
    scorer = artifact.scorer
    alive = scorer.alive.copy()
    alive[3] = False
    gone = Scorer(**{**{f: getattr(scorer, f) for f in scorer.__dataclass_fields__}, "alive": alive})
    assert gone.position("p3") is None
    assert gone.position("p4") == 4


def test_scores_vary_by_the_personal_part_too(artifact_folder):
    scorer = replace(load_artifact(artifact_folder).scorer, default_weight=4.0)
    prior = np.resize([-3.0, 3.0], scorer.size)
    flat = replace(scorer, prior=np.zeros_like(scorer.prior))
    assert replace(scorer, prior=prior).deviation == pytest.approx(5.0)
    assert flat.deviation == pytest.approx(4.0)
    assert replace(flat, default_weight=0.0).deviation == 1.0

from datetime import UTC, datetime
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_model import FIRST_TWIN, HERMIT, NOW, SECOND_TWIN, USERS, random_model
from small_shop import START

from gnn.explain import counterfactual, explain, similar, unit_scores
from gnn.histories import histories
from gnn.live_links import LiveProduct
from gnn.overlay import write_products
from gnn.scoring import top

# Dense terms are scored in float32 and explained in float64.
SINGLE = 1e-5


@pytest.fixture(scope="module", params=range(4))
def random(request, tmp_path_factory):
    model = random_model(tmp_path_factory.mktemp("random"), request.param)
    return model.shop, model.scorer


@pytest.fixture(scope="module")
def anew(tmp_path_factory):
    """Makes a model of a seed."""
    return cache(lambda seed: random_model(tmp_path_factory.mktemp("random"), seed))


def rows_of(scorer, history):
    return [
        (f"p{p}", scorer.behaviours[b], int(n), datetime.fromtimestamp(ms / 1000, UTC))
        for p, b, n, ms in zip(history.products, history.behaviours, history.events, history.last_ms, strict=True)
    ]


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.integers(0, USERS - 1))
def test_scores_and_contributions_are_those_of_plain_loops_on_any_graph(anew, seed, user):
    """Efficiency: all parts together are the score, in both scorers."""
    model = anew(seed)
    scorer, viewer = model.scorer_of(user), f"u{user}"
    history = histories(model.shop).of(user)
    rows = rows_of(scorer, history)
    scores = scorer.score(history, NOW, viewer)
    gains = unit_scores(scorer, history, NOW, viewer)
    for found in explain(scorer, history, range(scorer.size), NOW, viewer):
        product = f"p{found.product}"
        single, double = SINGLE * (1 + found.mass), 1e-6 * (1 + found.mass)
        assert found.prior + sum(part.value for part in found.parts) == pytest.approx(found.score, abs=1e-9)
        assert scores[found.product] == pytest.approx(found.score, abs=single)
        assert model.naive.score(rows, product, NOW, viewer) == pytest.approx(found.score, abs=double)
        for unit, row in enumerate(rows):
            expected = model.naive.unit(row, product, NOW, viewer) * scorer.trend[found.product]
            assert gains[unit, found.product] == pytest.approx(expected, abs=double)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.sampled_from(["view", "purchase", "wish"]), st.integers(1, 5))
def test_a_unit_without_links_adds_nothing_and_twins_add_alike_on_any_graph(anew, seed, behaviour, events):
    """Dummy and symmetry."""
    model = anew(seed)
    units = [(product, behaviour, events, START) for product in (HERMIT, FIRST_TWIN, SECOND_TWIN)]
    hermit, first, second = unit_scores(model.scorer, model.scorer.history(units), NOW)
    assert not hermit[:-1].any()
    assert first[2:] == pytest.approx(second[2:], abs=1e-9)
    for product in model.scorer.product_ids[2:-1]:
        hermit, first, second = (model.naive.unit(unit, product, NOW) for unit in units)
        assert hermit == 0
        assert first == pytest.approx(second, abs=1e-9)


def test_prior_and_contributions_add_up_to_the_score(random):
    shop, scorer = random
    past = histories(shop)
    for user in range(shop.users):
        history = past.of(user)
        scores = scorer.score(history, NOW, f"u{user}")
        for found in explain(scorer, history, range(scorer.size), NOW, f"u{user}"):
            total = found.prior + sum(part.value for part in found.parts)
            tolerance = SINGLE * (1 + found.mass)
            assert abs(total - scores[found.product]) < tolerance
            assert abs(found.score - scores[found.product]) < tolerance
            assert total == pytest.approx(found.score, abs=1e-9)


def test_what_is_not_listed_is_in_the_remainder(random):
    shop, scorer = random
    history = histories(shop).of(0)
    whole = explain(scorer, history, [3], NOW)[0]
    short = explain(scorer, history, [3], NOW, first=2)[0]
    assert short.parts == whole.parts[:2]
    assert short.remainder_count == len(whole.parts) - len(short.parts)
    assert short.prior + sum(p.value for p in short.parts) + short.remainder_value == pytest.approx(whole.score)
    assert short.readable_share == whole.readable_share


def test_taking_a_unit_away_changes_the_score_by_its_contributions(random):
    shop, scorer = random
    history = histories(shop).of(0)
    before = scorer.score(history, NOW, "u0")
    gains = unit_scores(scorer, history, NOW, "u0")
    single = SINGLE * (1 + np.abs(gains).sum(axis=0).max())
    for unit in range(len(history)):
        rest = history.take(np.arange(len(history)) != unit)
        assert before - scorer.score(rest, NOW, "u0") == pytest.approx(gains[unit], abs=single)
        assert unit_scores(scorer, rest, NOW, "u0") == pytest.approx(np.delete(gains, unit, axis=0), abs=1e-9)


def test_units_that_are_alike_contribute_alike_and_in_any_order(random):
    _, scorer = random
    rows = [("p1", "view", 2, START), ("p4", "cart", 1, NOW), ("p1", "view", 2, START)]
    history = scorer.history(rows)
    gains = unit_scores(scorer, history, NOW)
    assert gains[0] == pytest.approx(gains[2])
    turned = unit_scores(scorer, scorer.history(rows[::-1]), NOW)
    assert turned[::-1] == pytest.approx(gains)


def test_a_unit_that_nothing_links_contributes_only_to_itself(random):
    _, scorer = random
    scorer = write_products(scorer, [LiveProduct("lonely")])
    gains = unit_scores(scorer, scorer.history([("lonely", "view", 1, NOW)]), NOW)[0]
    assert not gains[:-1].any()


def test_each_path_names_middle_nodes_that_link_both_products(random):
    shop, scorer = random
    history = histories(shop).of(1)
    for found in explain(scorer, history, range(scorer.size), NOW, "u1"):
        for part in found.parts:
            if part.term is None or not part.term.two_steps:
                assert part.middles == ()
                continue
            term = next(t for t in scorer.terms if t.term == part.term)
            start = history.products[part.unit]
            columns = term.links[[start]].multiply(term.inwards[[found.product]]).tocoo().col
            columns = [column for column in columns if term.owner[column] != scorer.person("u1")]
            assert sorted(part.middles) == sorted(term.keys[column] for column in columns)
            assert part.group == len(set(part.middles)) > 0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 11), st.integers(1, 4))
def test_a_counterfactual_is_the_smallest_set_that_a_search_over_all_sets_finds(random, user, k):
    shop, scorer = random
    history = histories(shop).of(user)
    if not len(history):
        return
    allowed = np.ones(scorer.size, bool)
    scores = scorer.score(history, NOW, f"u{user}")
    product = int(top(scores, k, allowed)[0])
    found = counterfactual(scorer, history, product, NOW, f"u{user}", k=k, allowed=allowed, max_units=3)
    smallest = None
    for size in range(1, min(3, len(history)) + 1):
        for group in combinations(range(len(history)), size):
            rest = history.take(~np.isin(np.arange(len(history)), group))
            if product not in top(scorer.score(rest, NOW, f"u{user}"), k, allowed):
                smallest = size
                break
        if smallest:
            break
    assert (found is None) == (smallest is None)
    if found is not None:
        assert found.minimal
        assert len(found.units) == smallest
        rest = history.take(~np.isin(np.arange(len(history)), found.units))
        ranking = top(scorer.score(rest, NOW, f"u{user}"), scorer.size, allowed).tolist()
        assert ranking.index(product) + 1 == found.rank > k


def test_a_product_that_is_not_shown_has_no_counterfactual(random):
    shop, scorer = random
    history = histories(shop).of(0)
    allowed = np.ones(scorer.size, bool)
    last = int(top(scorer.score(history, NOW), scorer.size, allowed)[-1])
    assert counterfactual(scorer, history, last, NOW, k=3, allowed=allowed) is None


def test_a_long_history_gets_a_verified_set_that_is_not_called_minimal(artifact):
    scorer = artifact.scorer
    rows = [(f"p{p}", "purchase", 1, NOW) for p in range(0, 20, 2)] + [
        (f"p{p}", "view", 1, NOW) for p in range(0, 20, 2)
    ]
    history = scorer.history(rows * 20)
    allowed = np.ones(scorer.size, bool)
    allowed[:20] = False
    product = int(top(scorer.score(history, NOW), 3, allowed)[2])
    found = counterfactual(scorer, history, product, NOW, k=3, allowed=allowed, max_units=400)
    assert found is not None
    rest = history.take(~np.isin(np.arange(len(history)), found.units))
    assert product not in top(scorer.score(rest, NOW), 3, allowed)
    assert not found.minimal


def test_similar_products_are_those_on_the_same_side_of_the_board(artifact):
    scorer = artifact.scorer
    scores = similar(scorer, 4)
    allowed = np.arange(scorer.size) != 4
    best = top(scores, 6, allowed)
    assert (best % 2 == 0).mean() >= 5 / 6

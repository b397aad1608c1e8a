from datetime import timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import START, SmallShop

from gnn.build import Fitted, build
from gnn.data import read_shop
from gnn.explain import counterfactual, explain, similar, unit_scores
from gnn.histories import histories
from gnn.overlay import LiveProduct, write_products
from gnn.popularity import HORIZONS
from gnn.scoring import UnitWeights, top

NOW = START + timedelta(days=100)


def random_model(path, seed):
    """A model of a random graph with random weights, some of them negative."""
    generator = np.random.default_rng(seed)
    users, products = 12, 15
    events = []
    for n in range(int(generator.integers(20, 80))):
        basket = f"b{n // 3}" if generator.random() < 0.7 else None
        who = None if generator.random() < 0.1 else int(generator.integers(users))
        what = str(generator.choice(["view", "cart", "purchase"]))
        events.append((who, int(generator.integers(products)), what, float(generator.uniform(0, 100)), basket))
    events.append((0, 0, "purchase", 1.0, None))
    some = [
        (int(a), int(b), float(w))
        for a, b, w in zip(*generator.integers(0, 15, (2, 9)), generator.random(9) + 0.1, strict=True)
    ]
    shop = SmallShop(
        products,
        users,
        events,
        nodes={"Category": ["c0", "c1", "c2"], "Brand": ["x"]},
        edges={
            "IN_CATEGORY": [(p, int(generator.integers(3)), 1.0) for p in range(products)],
            "MADE_BY": [(p, 0, 1.0) for p in range(0, products, 2)],
            "COMPLEMENTS": some,
        },
        text=generator.normal(size=(products, 5)),
    )
    data = read_shop(shop.write(path))
    names = [t.name for t in data.ontology.terms] + ["LATENT"]
    draw = lambda *shape: generator.normal(size=shape)  # noqa: E731
    fitted = Fitted(
        weights={name: draw(4) for name in names},
        exponents={name: tuple(generator.uniform(0, 1, 3)) for name in names},
        units=UnitWeights(generator.uniform(0, 1, 4), generator.uniform(5, 90, 4), generator.uniform(0, 1, 4)),
        prior=draw(len(HORIZONS)),
        trend=draw(len(HORIZONS)) * 0.3,
    )
    return data, build(data, fitted, seed=seed, device="cpu", version="random")


@pytest.fixture(scope="module", params=range(4))
def random(request, tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("random") / "s", request.param)


def test_prior_and_contributions_add_up_to_the_score(random):
    shop, scorer = random
    past = histories(shop)
    for user in range(shop.users):
        history = past.of(user)
        scores = scorer.score(history, NOW, f"u{user}")
        for found in explain(scorer, history, range(scorer.size), NOW, f"u{user}"):
            total = found.prior + sum(part.value for part in found.parts)
            tolerance = 1e-9 * (1 + found.mass)
            assert abs(total - scores[found.product]) < tolerance
            assert abs(found.score - scores[found.product]) < tolerance


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
    for unit in range(len(history)):
        rest = history.take(np.arange(len(history)) != unit)
        assert before - scorer.score(rest, NOW, "u0") == pytest.approx(gains[unit], abs=1e-9)


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
            for key in part.middles:
                column = term.key_positions[key]
                assert term.links[start, column] > 0
                assert term.links[found.product, column] > 0
            assert part.group == len(part.middles) > 0


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

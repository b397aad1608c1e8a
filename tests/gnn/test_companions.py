"""Lists by single terms: their scores are the paths, taken apart without a rest."""

from datetime import timedelta

import numpy as np
import pytest
from small_shop import START, SmallShop

from gnn.companions import companions, sharing, terms_named
from gnn.data import read_shop
from gnn.explain import explain
from gnn.incidence import incidences
from gnn.scoring import Scorer
from gnn.terms import neutral_units

NOW = START + timedelta(days=100)
NOW_MS = int(NOW.timestamp() * 1000)
BASKETS = {"a": (0, 1), "b": (0, 1), "c": (0, 2), "d": (3,)}


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """Product 0 was twice in a basket with 1 and once with 2; 3 alone, 4 never."""
    events = [
        (user, product, "purchase", float(user), name)
        for user, (name, products) in enumerate(BASKETS.items())
        for product in products
    ]
    edges = {
        "COMPLEMENTS": [(0, 4, 2.0), (3, 0, 1.0)],
        "IN_CATEGORY": [(0, 0, 1.0), (1, 0, 1.0), (2, 1, 1.0)],
    }
    small = SmallShop(5, 4, events, edges=edges, nodes={"Category": ["x", "y"]})
    shop = read_shop(small.write(tmp_path_factory.mktemp("shop") / "s"))
    b = len(shop.behaviours)
    # Weights of zero, as where fitting finds that other terms say the same.
    terms = [i.with_weights(np.zeros(b), neutral_units(b), (0.5, 0.2), (0.0, 1.0, 0.0)) for i in incidences(shop)]
    return Scorer(
        model_version="m",
        ontology=shop.ontology,
        product_ids=shop.ids["Product"],
        behaviours=shop.behaviours,
        terms=tuple(terms),
        low_pass=None,
        latent=None,
        prior=np.arange(5.0),
        trend=np.full(5, 3.0),
        alive=np.ones(5, bool),
        people={},
        default_weight=1.0,
    )


def test_one_term_alone_ranks_by_its_paths_whatever_it_weighs_in_the_model(scorer: Scorer) -> None:
    history = scorer.history([("p0", "purchase", 1, NOW)])
    narrow, scores = companions(scorer, terms_named(scorer, ["SAME_BASKET"]), history, NOW_MS)
    # d^-0.5 of the start with three baskets, two middles of two products each, d^-0.2 of the end.
    assert scores[1] == pytest.approx(3**-0.5 * 2 * 2**-0.6 * 2**-0.2)
    assert scores[2] == pytest.approx(3**-0.5 * 2**-0.6)
    assert scores.tolist()[3:] == [0.0, 0.0]
    assert narrow.alive.tolist() == [False, True, True, False, False]


def test_the_paths_are_all_of_the_score(scorer: Scorer) -> None:
    history = scorer.history([("p0", "purchase", 1, NOW)])
    narrow, scores = companions(scorer, terms_named(scorer, ["SAME_BASKET"]), history, NOW_MS)
    (found,) = explain(narrow, history, [1], NOW)
    (part,) = found.parts
    assert (found.prior, found.remainder_value, found.readable_share) == (0.0, 0.0, 1.0)
    assert part.value == found.score == pytest.approx(scores[1])
    assert (part.term and part.term.name, part.group) == ("SAME_BASKET", 2)


def test_terms_that_the_model_has_not_are_left_out(scorer: Scorer) -> None:
    found = terms_named(scorer, ["COMPLEMENTS_REVERSE", "NO_TERM", "COMPLEMENTS"])
    assert [term.term.name for term in found] == ["COMPLEMENTS_REVERSE", "COMPLEMENTS"]


def test_only_what_may_be_reached_lives(scorer: Scorer) -> None:
    history = scorer.history([("p0", "purchase", 1, NOW)])
    (category,) = terms_named(scorer, ["IN_CATEGORY"])
    same = sharing(category, 0)
    assert same.tolist() == [True, True, False, False, False]
    narrow, _ = companions(scorer, terms_named(scorer, ["SAME_BASKET"]), history, NOW_MS, ~same)
    assert np.flatnonzero(narrow.alive).tolist() == [2]


def test_the_model_itself_stays_as_it_was(scorer: Scorer) -> None:
    history = scorer.history([("p0", "purchase", 1, NOW)])
    companions(scorer, scorer.terms, history, NOW_MS)
    assert scorer.score(history, NOW).tolist() == scorer.prior.tolist()

"""How much stand-ins are worth, found by leaving known products out."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from small_shop import START

from gnn.fold_in import if_unmet, with_category_mean
from gnn.left_out import People, fitted, for_unmet
from gnn.stand_ins import StandIns

NOW_MS = int((START + timedelta(days=100)).timestamp() * 1000)
BEST = 4
"""A tenth of the products."""


@pytest.fixture(scope="module")
def scorer(artifact):
    return replace(artifact.scorer, stand_ins=StandIns.none())


def history(scorer, *products):
    return scorer.history([(f"p{n}", "purchase", 1, START + timedelta(days=50)) for n in products])


@pytest.fixture(scope="module")
def people(scorer):
    return [(history(scorer, n, n + 2, n + 10), NOW_MS, n) for n in range(12)]


def asked(scorer, people, unmet=()):
    return People.of(scorer, scorer.likeness.known, np.array(unmet, np.intp), people)


def refitted(scorer, people, seed=0):
    bare = replace(scorer.likeness, graph=0.0, scale=1.0)
    return fitted(bare, scorer, asked(scorer, people), np.random.default_rng(seed))


def test_as_a_new_one_a_product_that_nobody_met_has_the_vector_that_it_has(unmet_scorer):
    (vector,) = if_unmet(unmet_scorer, unmet_scorer.latent, [40])
    # In training a product also passes something on to itself, by way of its category.
    assert vector == pytest.approx(unmet_scorer.latent.vectors[40], abs=1e-3)


def test_as_a_new_one_a_product_has_nothing_of_those_who_met_it(unmet_scorer):
    like_each_other = if_unmet(unmet_scorer, unmet_scorer.latent, [0, 40])
    met = unmet_scorer.latent.vectors[0]
    assert np.abs(like_each_other[0] - like_each_other[1]).max() < np.abs(like_each_other[0] - met).max() / 2


def test_the_left_out_take_as_many_places_as_known_products_do(scorer, people):
    likeness = refitted(scorer, people)
    products = np.arange(scorer.size)
    prior = with_category_mean(scorer, scorer.prior, products.tolist())
    trend = with_category_mean(scorer, scorer.trend, products.tolist())
    vectors = if_unmet(scorer, scorer.latent, products.tolist())
    relations = replace(scorer, terms=scorer.relations, low_pass=None, latent=None)
    stand_ins = likeness.stand_ins(scorer, products)

    def gets_in(done, moment, person, product):
        """Whether one that this person has not met would be among their best."""
        known = scorer.personal(done, moment, person)
        weights = scorer.latent.units.amounts(done, moment) * scorer.latent.weights[done.behaviours]
        weights = weights * scorer.latent.start_factor[done.products]
        own = relations.personal(done, moment, person)[product]
        own += weights @ scorer.latent.vectors[done.products] @ vectors[product]
        own += known[stand_ins.known[product]] @ stand_ins.total[product]
        scores = scorer.prior + scorer.trend * known
        scores[done.products] = -np.inf
        return prior[product] + trend[product] * own >= np.sort(scores)[-BEST] - 1e-6

    places = sum(
        gets_in(done.take(done.products != product), moment, person, product)
        for done, moment, person in people
        for product in products
    )
    assert likeness.scale > 0
    assert places == pytest.approx(BEST * len(people), abs=2)


def test_the_same_draw_gives_the_same_numbers(scorer, people):
    first, second = (refitted(scorer, people, seed=3) for _ in range(2))
    assert (first.graph, first.scale) == (second.graph, second.scale)


def test_nobody_tells_nothing(scorer):
    likeness = refitted(scorer, [])
    assert (likeness.graph, likeness.scale) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_what_nobody_had_met_by_the_build_takes_no_more_than_its_share_of_places(scorer, people, share):
    unmet = np.arange(30, 40)
    likeness = replace(scorer.likeness, graph=0.0, scale=3.0)
    stand_ins = for_unmet(likeness, scorer, asked(scorer, people, unmet), share)

    def places(found):
        count = 0
        for done, moment, person in people:
            personal = scorer.personal(done, moment, person)
            known = scorer.prior + scorer.trend * personal
            known[done.products] = -np.inf
            found.add_to(personal)
            count += int((scorer.prior + scorer.trend * personal)[unmet].__ge__(np.sort(known)[-BEST] - 1e-9).sum())
        return count

    nobody, everything = places(StandIns.none()), places(likeness.stand_ins(scorer, unmet))
    wanted = round(len(people) * BEST * share)
    assert nobody < everything
    assert places(stand_ins) == pytest.approx(max(nobody, wanted), abs=1)


def test_less_than_their_share_of_places_is_not_made_up_for(scorer, people):
    likeness, unmet = replace(scorer.likeness, scale=0.1), np.arange(30, 40)
    stand_ins = for_unmet(likeness, scorer, asked(scorer, people, unmet), 1.0)
    assert stand_ins.total == pytest.approx(likeness.stand_ins(scorer, unmet).total)

from dataclasses import replace

import numpy as np
import pytest
from random_model import NOW
from small_shop import SmallShop

from gnn.data import read_shop
from gnn.explain import explain
from gnn.incidence import incidences, people
from gnn.scoring import Scorer
from gnn.units import UnitWeights
from schema.ontology import parse_ontology
from schema.pseudonym import pseudonym

TEA, POT, MUG, HAT = range(4)
ANN, BOB, CID = range(3)


def shop_of(path, events, **more):
    return read_shop(SmallShop(4, 3, events, **more).write(path / "s"))


def found_in(shop):
    return {incidence.term.name: incidence for incidence in incidences(shop)}


@pytest.fixture
def history(tmp_path):
    """Ann went tea and pot, mug, tea; Bob tea twice, then pot; Cid did one thing; somebody unknown went on."""
    return shop_of(
        tmp_path,
        [
            (ANN, TEA, "view", 1.0, None),
            (BOB, TEA, "view", 1.0, None),
            (ANN, POT, "purchase", 1.0, None),
            (BOB, TEA, "cart", 1.0, None),
            (ANN, MUG, "cart", 2.0, None),
            (CID, HAT, "purchase", 2.5, None),
            (None, TEA, "view", 3.0, None),
            (None, HAT, "view", 4.0, None),
            (ANN, TEA, "view", 5.0, None),
            (ANN, TEA, "purchase", 5.0, None),
            (BOB, POT, "rating", 6.0, None),
        ],
    )


def steps_of(incidence):
    """Each step as whose it is, the products that it leads away from and those that it leads to."""
    links, ends = incidence.links.toarray(), incidence.ends.toarray()
    return sorted(
        (int(owner), np.flatnonzero(links[:, step]).tolist(), np.flatnonzero(ends[:, step]).tolist())
        for step, owner in enumerate(incidence.owner)
    )


def test_places_are_of_one_kind_in_every_term(history):
    """A walk is compiled once more for every other kind, which takes seconds."""
    for incidence in found_in(history).values():
        for matrix in (incidence.links, incidence.ends):
            assert matrix is None or {matrix.indices.dtype, matrix.indptr.dtype} == {np.dtype(np.int32)}


def test_a_step_leads_from_all_of_one_moment_to_all_of_the_next_of_the_same_person(history):
    found = found_in(history)["NEXT_PRODUCT"]
    assert steps_of(found) == [(ANN, [TEA, POT], [MUG]), (ANN, [MUG], [TEA]), (BOB, [TEA], [POT])]
    assert set(found.links.data) | set(found.ends.data) == {1.0}


def test_a_step_is_known_by_the_pseudonym_of_whose_it_is(history):
    found = found_in(history)["NEXT_PRODUCT"]
    assert list(found.keys) == [pseudonym("user", f"u{owner}") for owner in found.owner]


def test_degrees_of_steps_count_where_they_start_and_where_they_end(history):
    found = found_in(history)["NEXT_PRODUCT"]
    assert found.out_degree.tolist() == [2.0, 1.0, 1.0, 0.0]
    assert found.degree.tolist() == [1.0, 1.0, 1.0, 0.0]
    assert sorted(found.middle_degree.tolist()) == [1.0, 1.0, 2.0]


def test_where_nobody_came_back_there_are_no_steps(tmp_path):
    shop = shop_of(tmp_path, [(ANN, TEA, "purchase", 1.0, None), (BOB, POT, "purchase", 2.0, None)])
    assert set(found_in(shop)) == {"SAME_PRODUCT"}


def test_without_times_there_are_no_steps(history):
    timeless = replace(history, events=replace(history.events, time_ms=np.zeros(len(history.events), np.int64)))
    assert "NEXT_PRODUCT" not in found_in(timeless)


def test_a_viewers_own_steps_do_not_count_for_them(history):
    found = found_in(history)["NEXT_PRODUCT"]
    one = np.ones(4)
    term = found.with_weights(one, UnitWeights(0 * one, one, one), (0.0, 0.0), (0.0, 0.0, 1.0))
    scorer = Scorer(
        model_version="steps",
        ontology=history.ontology,
        product_ids=history.ids["Product"],
        behaviours=history.behaviours,
        terms=(term,),
        low_pass=None,
        latent=None,
        prior=np.zeros(4),
        trend=np.ones(4),
        alive=np.ones(4, bool),
        people=people(history),
        default_weight=1.0,
    )
    units = scorer.history([("p0", "view", 1, NOW)])
    # One half through Ann's step, which two products share; one through Bob's.
    assert scorer.score(units, NOW).tolist() == [0.0, 1.0, 0.5, 0.0]
    assert scorer.score(units, NOW, "u0").tolist() == [0.0, 1.0, 0.0, 0.0]
    assert scorer.score(units, NOW, "u1").tolist() == [0.0, 0.0, 0.5, 0.0]


def test_somebody_who_took_a_step_twice_is_two_paths_and_one_person(tmp_path):
    days = enumerate([TEA, POT, TEA, POT, MUG])
    shop = shop_of(tmp_path, [(ANN, product, "purchase", float(day), None) for day, product in days])
    found = found_in(shop)["NEXT_PRODUCT"]
    one = np.ones(4)
    term = found.with_weights(one, UnitWeights(0 * one, one, one), (0.0, 0.0), (1.0, 0.0, 0.0))
    middles = term.middles_between(np.array([TEA]), np.array([POT]), np.empty(0, np.intp))
    assert middles == [2 * (pseudonym("user", "u0"),)]
    scorer = Scorer(
        "twice", shop.ontology, shop.ids["Product"], shop.behaviours, (term,), None, None,
        np.zeros(4), np.ones(4), np.ones(4, bool), people(shop), 1.0,
    )  # fmt: skip
    part = explain(scorer, scorer.history([("p0", "view", 1, NOW)]), [POT], NOW)[0].parts[0]
    assert (part.value, len(part.middles), part.group) == (2.0, 2, 1)


def test_a_basket_is_whose_it_is_with_events_of_nobody_in_it_too(tmp_path):
    shop = shop_of(
        tmp_path,
        [
            (ANN, TEA, "purchase", 1.0, "b"),
            (None, POT, "purchase", 2.0, "b"),
            (BOB, TEA, "view", 1.0, "c"),
            (None, TEA, "purchase", 2.0, "c"),
            (None, POT, "purchase", 3.0, "c"),
        ],
    )
    found = found_in(shop)["SAME_BASKET"]
    whose = dict(zip(found.keys, found.owner.tolist(), strict=True))
    assert whose == {pseudonym("basket", "b"): ANN, pseudonym("basket", "c"): BOB}


LISTED = parse_ontology(
    {
        "nodes": {"List": {}},
        "relations": {
            "VIEWED_LIST": {"from": "Product", "to": "List"},
            "VIEWED": {"from": "Product", "to": "Product"},
        },
    },
    where="own",
)
EVENTS = [(ANN, TEA, "purchase", 1.0, None)]
WEIGHTED = [(TEA, 1.0), (POT, 2.0), (MUG, 3.0)]


def listed(path, viewed, in_list):
    lists = {"List": [f"l{n}" for n in range(9)]}
    edges = {"VIEWED": viewed, "VIEWED_LIST": in_list}
    return set(found_in(shop_of(path, EVENTS, ontology=LISTED, nodes=lists, edges=edges)))


def test_a_term_between_products_that_walks_what_another_does_is_left_out(tmp_path):
    viewed = [(TEA, HAT, 1.0), (POT, HAT, 2.0), (POT, MUG, 1.0)]
    same = [(TEA, 7, 1.0), (POT, 7, 2.0), (POT, 3, 1.0)]
    assert listed(tmp_path, viewed, same) >= {"VIEWED", "VIEWED_LIST"}
    assert "VIEWED_SHARED" not in listed(tmp_path / "again", viewed, same)


@pytest.mark.parametrize(
    "other",
    [
        [(TEA, 7, 1.0), (POT, 7, 3.0), (POT, 3, 1.0)],  # another weight
        [(TEA, 7, 1.0), (MUG, 7, 2.0), (POT, 3, 1.0)],  # another product
        [(TEA, 7, 1.0), (POT, 3, 2.0), (POT, 7, 1.0)],  # the weights elsewhere
        [(TEA, 7, 1.0), (POT, 7, 2.0)],  # one link less
    ],
)
def test_a_term_whose_links_differ_stays(tmp_path, other):
    viewed = [(TEA, HAT, 1.0), (POT, HAT, 2.0), (POT, MUG, 1.0)]
    assert {"VIEWED_SHARED", "VIEWED_LIST"} <= listed(tmp_path, viewed, other)


def test_a_relation_that_goes_both_ways_is_shared_and_common_by_the_same_products(tmp_path):
    both = [(a, b, 1.0) for a, b in ((TEA, POT), (POT, TEA), (MUG, POT), (POT, MUG))]
    assert {"VIEWED_SHARED", "VIEWED_COMMON"} & listed(tmp_path, both, []) == {"VIEWED_SHARED"}


def test_two_relations_to_different_things_are_two_reasons(tmp_path):
    edges = {name: [(TEA, 0, 1.0), (POT, 0, 1.0)] for name in ("IN_CATEGORY", "MADE_BY")}
    shop = shop_of(tmp_path, EVENTS, nodes={"Category": ["c"], "Brand": ["b"]}, edges=edges)
    assert set(found_in(shop)) == {"SAME_PRODUCT", "IN_CATEGORY", "MADE_BY"}

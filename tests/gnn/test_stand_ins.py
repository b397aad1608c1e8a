"""Who stands in for products that nobody met, and what that gives."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_shop import START

from gnn.explain import explain, unit_scores
from gnn.likeness import NEIGHBOURS, RELATIONS, Likeness, along, main_axes, related
from gnn.live_links import LiveProduct
from gnn.overlay import remove_products, write_products
from gnn.stand_ins import StandIns

NOW = START + timedelta(days=100)
ROWS = [("p0", "purchase", 1, NOW), ("p4", "purchase", 2, NOW), ("p5", "view", 1, NOW)]


@pytest.fixture(scope="module")
def scorer(artifact):
    return artifact.scorer


def arrival(key="new", **changes):
    text = np.zeros(8)
    text[0] = -1.0
    return LiveProduct(**({"id": key, "features": {"text": text}, "out": {"IN_CATEGORY": [("even", 1.0)]}} | changes))


def without_stand_ins(scorer):
    return replace(scorer, stand_ins=StandIns.none())


def test_nobody_stands_in_where_everybody_was_met(scorer):
    assert not len(scorer.stand_ins)


def test_a_new_product_takes_what_its_stand_ins_are_given(scorer):
    now = write_products(scorer, [arrival()])
    history, bare = now.history(ROWS), without_stand_ins(now)
    own = bare.personal(history, int(NOW.timestamp() * 1000), None)
    (row,) = np.flatnonzero(now.stand_ins.products == now.position("new"))
    given = float(own[now.stand_ins.known[row]] @ now.stand_ins.total[row])
    expected = bare.score(history, NOW)[-1] + now.trend[-1] * given
    assert now.score(history, NOW)[-1] == pytest.approx(expected)
    assert given != 0.0


def test_stand_ins_are_of_the_same_kind(scorer):
    now = write_products(scorer, [arrival()])
    known = now.stand_ins.known[0]
    assert len(known) == NEIGHBOURS
    assert (known % 2 == 0).all()
    assert now.position("new") not in known


def test_what_stand_ins_give_is_split_by_what_they_are_alike_in(scorer):
    now = write_products(scorer, [arrival()])
    (found,) = explain(now, now.history(ROWS), [now.position("new")], NOW)
    through = [part for part in found.parts if part.resembles is not None]
    assert {part.kind for part in through} <= {"TEXT", "RELATIONS"}
    assert through
    assert found.prior + sum(part.value for part in found.parts) == pytest.approx(found.score)
    assert found.score == pytest.approx(now.score(now.history(ROWS), NOW)[-1], rel=1e-5)


def test_without_a_unit_the_score_is_less_by_exactly_its_contributions(scorer):
    now = write_products(scorer, [arrival()])
    gains = unit_scores(now, now.history(ROWS), NOW)
    left = now.score(now.history(ROWS[1:]), NOW)
    assert now.score(now.history(ROWS), NOW) - left == pytest.approx(gains[0], abs=1e-5)


def test_a_product_that_was_met_has_no_stand_ins_when_it_is_written_again(scorer):
    now = write_products(scorer, [arrival("p0")])
    assert not len(now.stand_ins)


def test_written_again_a_new_product_has_the_stand_ins_of_what_it_is_now(scorer):
    other = arrival(features={"text": -arrival().features["text"]}, out={"IN_CATEGORY": [("odd", 1.0)]})
    now = write_products(write_products(scorer, [arrival()]), [other])
    assert len(now.stand_ins) == 1
    assert (now.stand_ins.known[0] % 2 == 1).all()


def test_what_is_deleted_stands_in_for_nothing(scorer):
    now = write_products(scorer, [arrival()])
    first = int(now.stand_ins.known[0, 0])
    left = remove_products(now, [now.product_ids[first]])
    assert left.stand_ins.total[0, 0] == 0.0
    resembled = [part.resembles for part in explain(left, left.history(ROWS), [left.position("new")], NOW)[0].parts]
    assert first not in resembled
    again = write_products(left, [arrival("next")])
    assert first not in again.stand_ins.known[-1]


def test_a_product_of_which_nothing_is_known_has_no_stand_ins_that_count(scorer):
    now = write_products(scorer, [LiveProduct("bare")])
    assert not now.stand_ins.total.any()
    bare = without_stand_ins(now)
    assert now.score(now.history(ROWS), NOW)[-1] == pytest.approx(bare.score(now.history(ROWS), NOW)[-1])


def test_a_product_that_nobody_met_by_the_build_has_stand_ins_from_it_on(unmet_scorer):
    known = unmet_scorer
    assert known.stand_ins.products.tolist() == [40]
    assert known.stand_ins.known[0, 0] == 0
    assert not known.latent.layers["free"][0, 40].any()
    even, odd = (known.score(known.history([(p, "purchase", 1, NOW)]), NOW)[40] for p in ("p2", "p3"))
    assert even > odd


def test_the_most_alike_come_first_and_their_shares_add_up_to_the_scale(scorer):
    likeness = replace(scorer.likeness, graph=0.0, scale=2.0)
    now = write_products(replace(scorer, likeness=likeness), [arrival()])
    weights = now.stand_ins.total[0]
    assert weights.sum() == pytest.approx(2.0)
    assert (np.diff(weights) <= 1e-12).all()
    cosines = (
        likeness.vectors["text"][:40].astype(float) @ along(arrival().features["text"][None], likeness.axes["text"])[0]
    )
    assert set(now.stand_ins.known[0]) == set(np.argsort(-cosines)[:NEIGHBOURS])


def test_relations_alone_say_what_is_alike_where_there_are_no_features(scorer):
    now = write_products(scorer, [arrival(features={})])
    assert not now.stand_ins.weights["text"].any()
    assert now.stand_ins.weights[RELATIONS].sum() == pytest.approx(scorer.likeness.scale)
    assert related(now, now.position("new"))[now.stand_ins.known[0]].min() > 0


def test_main_axes_keep_what_features_differ_in():
    generator = np.random.default_rng(0)
    flat = (generator.normal(size=(500, 3)) @ generator.normal(size=(3, 40))).astype(np.float32)
    axes = main_axes(flat, generator)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    kept = along(flat, axes[:, :3]).astype(float)
    assert kept @ kept.T == pytest.approx(unit @ unit.T, abs=5e-3)


def test_features_of_another_width_leave_a_products_place_as_it_is(scorer):
    before = scorer.likeness.vectors["text"][0]
    after = scorer.likeness.with_features({0: {"text": np.ones(3)}})
    assert after.vectors["text"][0] == pytest.approx(before)
    assert not scorer.likeness.with_features({0: {}}).vectors["text"][0].any()


@given(st.integers(0, 200))
def test_rows_of_more_products_take_the_place_of_their_own(seed):
    generator = np.random.default_rng(seed)

    def rows(products, width):
        count = len(products)
        known = generator.integers(100, 120, (count, width))
        return StandIns(np.array(sorted(products)), known, {"text": generator.uniform(0, 1, (count, width))})

    one, two = rows({3, 7, 9}, 4), rows({7, 11}, 3)
    both = one.with_rows(two)
    assert both.products.tolist() == [3, 7, 9, 11]

    def told(found, product):
        (row,) = np.flatnonzero(found.products == product)
        weights = found.weights["text"][row]
        return sorted((int(k), float(w)) for k, w in zip(found.known[row], weights, strict=True) if w)

    assert [told(both, p) for p in (3, 9)] == [told(one, p) for p in (3, 9)]
    assert [told(both, p) for p in (7, 11)] == [told(two, p) for p in (7, 11)]


def test_likeness_without_known_products_finds_nobody(scorer):
    nobody = Likeness({}, {}, np.zeros(40, bool), np.empty(0, np.int64), 1.0, 1.0)
    assert not len(nobody.stand_ins(scorer, np.array([1])))

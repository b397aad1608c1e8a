from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_model import NOW, PRODUCTS, USERS, random_model

import gnn.history_walk
import gnn.index
from gnn.explain import counterfactual, explain, unit_scores
from gnn.histories import histories
from gnn.index import index_of
from gnn.interests import NOTHING, Interest, Stated, knows, reads, stated, vector_of
from gnn.live_links import LiveProduct
from gnn.overlay import adopt, write_products
from gnn.scoring import top

SEEDS = range(6)
EVERYTHING = np.arange(PRODUCTS)


@pytest.fixture(scope="module", params=SEEDS)
def model(request, tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("random"), request.param)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return [random_model(tmp_path_factory.mktemp("random"), seed) for seed in SEEDS]


def shared(scorer):
    """Relations that somebody can have an interest in."""
    return [t for t in scorer.terms if t.term.kind == "shared" and not t.term.through_products]


def some_words(seed=0):
    return np.random.default_rng(seed).normal(size=5)


def all_told(scorer, weight=1.5):
    """An interest in every single node of every relation, and words."""
    interests = [Interest(t.term.name, (key,), weight) for t in shared(scorer) for key in t.keys]
    return stated(scorer, [i for i in interests if knows(scorer, i)], some_words())


def test_an_interest_lifts_what_is_linked_by_a_deviation_of_the_prior(model):
    scorer = model.scorer
    for term in shared(scorer):
        for key in term.keys:
            links = model.naive.edges(term.term.relation)
            interest = Interest(term.term.name, (key,), 2.0)
            if not knows(scorer, interest):
                assert not any(key in row for row in links.values())
                continue
            scores = scorer.score(scorer.history([]), NOW, told=stated(scorer, [interest]))
            for position, product in enumerate(scorer.product_ids):
                lift = 2.0 * scorer.prior.std() * links.get(product, {}).get(key, 0.0)
                assert scores[position] == pytest.approx(scorer.prior[position] + scorer.trend[position] * lift)


def test_what_is_below_counts_like_the_node_and_nothing_twice(model):
    scorer = model.scorer
    for term in shared(scorer):
        interest = Interest(term.term.name, term.keys)
        links = model.naive.edges(term.term.relation)
        told = stated(scorer, [interest])
        lifts = told.lifts(scorer)
        for position, product in enumerate(scorer.product_ids):
            row = links.get(product, {})
            assert lifts[position] == pytest.approx(scorer.prior.std() * max(row.values(), default=0.0))
            linked = told.liked[0].nodes_of(position)
            assert sorted(linked) == sorted(row)
            assert [row[key] for key in linked] == sorted(row.values(), reverse=True)


def test_words_are_the_vector_of_a_new_product_that_has_nothing_but_them(model):
    scorer, words = model.scorer, some_words()
    wordy = write_products(scorer, [LiveProduct("wordy", {"text": words})])
    assert vector_of(scorer.latent, words) == pytest.approx(wordy.latent.vectors[wordy.position("wordy")], abs=1e-6)


def test_words_lift_each_product_by_how_well_its_vector_fits(model):
    scorer, words = model.scorer, some_words()
    scores = scorer.score(scorer.history([]), NOW, told=stated(scorer, (), words))
    lifts = (scores - scorer.prior) / scorer.trend
    fits = [float(vector_of(scorer.latent, words) @ scorer.latent.vectors[i].astype(float)) for i in EVERYTHING]
    ratio = 0.5 * scorer.prior.std() / scorer.latent.spread_of_texts
    assert lifts == pytest.approx(np.array(fits) * ratio, rel=1e-4, abs=1e-6)


def test_words_are_measured_by_how_far_the_texts_of_the_shop_vary(model):
    scorer = model.scorer
    texts = scorer.latent.hops[0] * scorer.latent.layers["text"][0].astype(float)
    given = [text for text in texts if text.any()]
    spreads = [np.std([float(text @ z) for z in scorer.latent.vectors.astype(float)]) for text in given]
    assert scorer.latent.spread_of_texts == pytest.approx(np.mean(spreads), rel=1e-5)


def test_nothing_said_is_nothing_added(model):
    scorer = model.scorer
    history = histories(model.shop).of(0)
    assert (scorer.score(history, NOW, "u0", NOTHING) == scorer.score(history, NOW, "u0")).all()
    assert (scorer.score(scorer.history([]), NOW, told=stated(scorer, ())) == scorer.prior).all()


def test_what_a_model_cannot_tell_it_does_not_know(model):
    scorer = model.scorer
    assert not knows(scorer, Interest("IN_CATEGORY", ("no such category",)))
    assert not knows(scorer, Interest("NO_SUCH_RELATION", ("c0",)))
    assert not knows(scorer, Interest("CO_BUYER", ("c0",)))
    assert reads(scorer, some_words())
    assert not reads(scorer, np.ones(3))
    assert not reads(replace(scorer, latent=None), some_words())


def test_a_category_that_a_new_product_brings_can_be_liked_at_once(model):
    scorer = adopt(model.scorer, model.scorer.ontology)
    now = write_products(scorer, [LiveProduct("new", out={"IN_CATEGORY": [("fresh", 1.0)]})])
    interest = Interest("IN_CATEGORY", ("fresh",), 1000.0)
    assert knows(now, interest)
    assert top(now.score(now.history([]), NOW, told=stated(now, [interest])), 1).tolist() == [now.position("new")]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_contributions_of_history_interests_and_words_add_up_to_the_score(models, data):
    model = data.draw(st.sampled_from(models))
    scorer, user = model.scorer, data.draw(st.integers(0, USERS - 1))
    past = histories(model.shop).of(user)
    history = past.take(np.array(data.draw(st.lists(st.integers(0, max(len(past) - 1, 0)), max_size=len(past))), int))
    nodes = [(t.term.name, key) for t in shared(scorer) for key in t.keys]
    chosen = data.draw(st.lists(st.sampled_from(nodes), max_size=4)) if nodes else []
    interests = [Interest(name, (key,), data.draw(st.floats(0.01, 10))) for name, key in chosen]
    words = some_words(data.draw(st.integers(0, 9))) if data.draw(st.booleans()) else None
    told = stated(scorer, [i for i in interests if knows(scorer, i)], words)
    scores = scorer.score(history, NOW, f"u{user}", told)
    first = data.draw(st.sampled_from([None, 1, 3]))
    for found in explain(scorer, history, EVERYTHING, NOW, f"u{user}", told, first=first):
        values = [part.value for part in found.parts]
        size = abs(found.prior) + found.mass
        assert found.score == pytest.approx(scores[found.product], abs=1e-5 * size)
        assert found.prior + sum(values) + found.remainder_value == pytest.approx(found.score, abs=1e-9 * (size + 1))
        assert all(part.unit < len(history) + len(told) for part in found.parts)


def test_each_contribution_names_its_unit_and_an_interest_its_nodes(model):
    scorer, history = model.scorer, histories(model.shop).of(0)
    told = all_told(scorer)
    for found in explain(scorer, history, EVERYTHING, NOW, "u0", told):
        for part in found.parts:
            said = part.unit - len(history)
            if 0 <= said < len(told.liked):
                liked = told.liked[said]
                assert part.kind == "PATH"
                assert part.term is liked.term.term
                assert part.middles == tuple(liked.term.keys[column] for column in liked.columns)
                assert part.value == pytest.approx(liked.at(np.array([found.product]))[0] * scorer.trend[found.product])
            elif said == len(told.liked):
                assert part.kind in ("TEXT", "LATENT", "IMAGE")
                assert part.term is None
            else:
                assert part.unit < len(history)
        readable = sum(abs(part.value) for part in found.parts if part.kind == "PATH" or part.by_paths)
        assert found.readable_share == pytest.approx(readable / found.mass if found.mass else 0.0)


def without(history, told, unit):
    """History and what was said without one unit."""
    if unit < len(history):
        return history.take(np.arange(len(history)) != unit), told
    if unit - len(history) == len(told.liked):
        return history, replace(told, words=None)
    kept = [liked for number, liked in enumerate(told.liked) if number != unit - len(history)]
    return history, replace(told, liked=tuple(kept))


def test_taking_anything_out_changes_the_score_by_its_contributions(model):
    scorer, history = model.scorer, histories(model.shop).of(0)
    told = all_told(scorer)
    gains = unit_scores(scorer, history, NOW, "u0", told)
    assert len(gains) == len(history) + len(told)
    before = scorer.score(history, NOW, "u0", told)
    for unit in range(len(gains)):
        some, said = without(history, told, unit)
        after = scorer.score(some, NOW, "u0", said)
        size = np.abs(scorer.prior) + np.abs(gains).sum(axis=0)
        assert (np.abs(before - after - gains[unit]) <= 1e-5 * size).all()


def test_a_counterfactual_may_be_an_interest(model):
    scorer, nobody = model.scorer, model.scorer.history([])
    told = all_told(scorer, weight=10.0)
    scores = scorer.score(nobody, NOW, told=told)
    allowed = np.ones(PRODUCTS, bool)
    for product in top(scores, 3).tolist():
        found = counterfactual(scorer, nobody, product, NOW, None, told, k=3, allowed=allowed, max_units=1)
        if found is None:
            continue
        (unit,) = found.units
        _, said = without(nobody, told, unit)
        ranking = top(scorer.score(nobody, NOW, told=said), PRODUCTS).tolist()
        assert ranking.index(product) + 1 == found.rank > 3


def test_an_index_gives_the_same_scores(model):
    scorer, index = model.scorer, index_of(model.scorer)
    for user in range(USERS):
        history = histories(model.shop).of(user) if user else scorer.history([])
        for told in (all_told(scorer), stated(scorer, (), some_words(user)), Stated(all_told(scorer).liked[:2])):
            expected = scorer.score(history, NOW, f"u{user}", told)
            size = np.abs(expected) + np.abs(unit_scores(scorer, history, NOW, f"u{user}", told)).sum(axis=0)
            found = index.scores(scorer, history, NOW, f"u{user}", told)
            assert (np.abs(found - expected) <= 1e-5 * size).all()
            assert (index.all_scores(scorer, history, NOW, f"u{user}", told) == found).all()


def test_what_is_liked_is_a_candidate_of_an_index(model, monkeypatch):
    for name, value in {"_EXACT": 4, "_FOUND": 1, "_STEPS": 1}.items():
        monkeypatch.setattr(gnn.history_walk, name, value)
    for name, value in {"KEPT": 1, "_RECALL": 0.0}.items():
        monkeypatch.setattr(gnn.index, name, value)
    scorer, index = model.scorer, index_of(model.scorer)
    for term in shared(scorer):
        for key in term.keys:
            interest = Interest(term.term.name, (key,), 1000.0)
            if knows(scorer, interest):
                told = stated(scorer, [interest])
                best = top(scorer.score(scorer.history([]), NOW, told=told), 1)
                assert (top(index.scores(scorer, scorer.history([]), NOW, None, told), 1) == best).all()

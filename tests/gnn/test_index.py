from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from random_model import HERMIT, NOW, PRODUCTS, USERS, random_model

import gnn.history_walk
import gnn.index
from benchmarks.index import NOW as SYNTHETIC_NOW
from benchmarks.index import synthetic
from gnn.explain import unit_scores
from gnn.histories import histories
from gnn.index import index_of, recall_of, sample_histories
from gnn.live_links import LiveProduct
from gnn.overlay import remove_products, write_products
from gnn.scoring import top

SEEDS = range(6)


@pytest.fixture(scope="module", params=SEEDS)
def model(request, tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("random"), request.param)


@pytest.fixture(scope="module")
def large():
    """3,000 products: few enough to be quick, too many to be candidates all of them."""
    return synthetic(3_000)


@pytest.fixture(scope="module")
def large_index(large):
    return index_of(large.scorer)


@pytest.fixture
def few_candidates(monkeypatch):
    """An index whose search and whose walks find next to nothing, and which keeps three scores."""
    for name, value in {"_EXACT": 8, "_FOUND": 1, "_STEPS": 1}.items():
        monkeypatch.setattr(gnn.history_walk, name, value)
    for name, value in {"KEPT": 3, "_RECALL": 0.0}.items():
        monkeypatch.setattr(gnn.index, name, value)


def asked(model):
    """Everybody's history, with their names."""
    past = histories(model.shop)
    return [(past.of(user), model.shop.ids["User"][user]) for user in range(USERS)]


def row(product, behaviour="purchase"):
    return (product, behaviour, 1, NOW)


def test_scores_are_the_prior_and_what_explanations_add_up(model):
    scorer, index = model.scorer, index_of(model.scorer)
    for history, viewer in asked(model):
        gains = unit_scores(scorer, history, NOW, viewer)
        size = np.abs(scorer.prior) + np.abs(gains).sum(axis=0)
        scores = index.scores(scorer, history, NOW, viewer)
        assert np.isfinite(scores).all()
        assert (np.abs(scores - scorer.prior - gains.sum(axis=0)) <= 1e-12 * size).all()
        # The model itself adds up its dense terms as float32.
        assert (np.abs(scores - scorer.score(history, NOW, viewer)) <= 1e-5 * size).all()


def test_a_walk_leaves_its_work_arrays_as_it_found_them(model):
    scorer, index = model.scorer, index_of(model.scorer)
    for history, viewer in asked(model):
        index.scores(scorer, history, NOW, viewer)
        index.all_scores(scorer, history, NOW, viewer)
    (space,) = index._spaces
    assert len(space.touched) == scorer.size + 1  # all products, and the place that is written over
    assert not any(array.any() for array in (space.work, space.marks, space.reached))


def test_a_score_is_the_same_number_whether_few_products_are_scored_or_all(large, large_index):
    for history, viewer in zip(large.histories, large.viewers, strict=True):
        some = large_index.scores(large.scorer, history, SYNTHETIC_NOW, viewer)
        everything = large_index.all_scores(large.scorer, history, SYNTHETIC_NOW, viewer)
        found = some > -np.inf
        assert gnn.index.KEPT <= found.sum() < large.scorer.size
        assert (some[found] == everything[found]).all()


def test_the_first_twenty_are_those_of_all_products(large, large_index):
    scorer = large.scorer
    assert large_index.recall >= 0.99
    assert recall_of(large_index, scorer, large.histories, SYNTHETIC_NOW) >= 0.99
    for history in large.histories[:10]:
        exact = top(scorer.score(history, SYNTHETIC_NOW), 5)
        assert (top(large_index.scores(scorer, history, SYNTHETIC_NOW), 5) == exact).all()


def test_recall_is_the_share_of_the_exact_list_that_is_found(large, large_index, monkeypatch):
    scorer, history = large.scorer, large.histories[0]
    assert recall_of(large_index, scorer, [history], SYNTHETIC_NOW, k=20) == 1.0
    allowed = ~np.isin(np.arange(scorer.size), history.products)
    best = top(large_index.all_scores(scorer, history, SYNTHETIC_NOW), 20, allowed)
    found = gnn.index.Index.scores

    def forgetful(*args):
        scores = found(*args)
        scores[best[:5]] = -np.inf
        return scores

    monkeypatch.setattr(gnn.index.Index, "scores", forgetful)
    assert recall_of(large_index, scorer, [history], SYNTHETIC_NOW, k=20) == 0.75


def test_a_search_is_widened_until_enough_is_found(large, monkeypatch):
    recalls = iter([0.5, 0.98, 0.995])
    monkeypatch.setattr(gnn.index, "_recall", lambda *_: next(recalls))
    index = index_of(large.scorer)
    assert (index.width, index.recall) == (gnn.index._WIDTHS[2], 0.995)


def test_there_is_no_index_where_none_finds_enough(large, monkeypatch):
    monkeypatch.setattr(gnn.index, "_recall", lambda *_: 0.98)
    assert index_of(large.scorer) is None


def test_histories_to_measure_with_are_what_somebody_holds(model):
    scorer = model.scorer
    held = {tuple(sorted(history.products)) for history, _ in asked(model)}
    target = scorer.behaviours.index(scorer.ontology.target_behaviour)
    for history in sample_histories(scorer, 5, NOW):
        assert len(history) > 1
        assert (history.behaviours == target).all()
        assert any(set(history.products) <= set(products) for products in held)


def test_somebody_without_history_gets_the_best_by_prior(large, large_index):
    scorer = large.scorer
    nobody = scorer.history([])
    scores = large_index.scores(scorer, nobody, SYNTHETIC_NOW)
    best = top(scorer.prior, gnn.index.KEPT)
    assert (top(scores, gnn.index.KEPT) == best).all()
    assert (scores[best] == scorer.prior[best]).all()
    assert (large_index.all_scores(scorer, nobody, SYNTHETIC_NOW) == scorer.prior).all()


def test_a_product_that_nothing_links_changes_nothing_but_its_own_score(model):
    scorer, index = model.scorer, index_of(model.scorer)
    rows = [row("p0"), row("p3", "view")]
    before = index.scores(scorer, scorer.history(rows), NOW)
    after = index.scores(scorer, scorer.history([*rows, row(HERMIT)]), NOW)
    others = np.arange(PRODUCTS) != scorer.position(HERMIT)
    assert after[others] == pytest.approx(before[others], rel=1e-12)


def test_a_new_product_is_a_candidate(model, few_candidates):
    index = index_of(model.scorer)
    now = write_products(model.scorer, [LiveProduct("new", out={"IN_CATEGORY": [("c0", 1.0)]})])
    new = now.position("new")
    now = replace(now, prior=np.where(np.arange(now.size) == new, 1e3, now.prior))
    for history in (now.history([row("p0"), row("p5")]), now.history([])):
        scores = index.scores(now, history, NOW)
        assert top(scores, 1).tolist() == [new]
        assert scores[new] == index.all_scores(now, history, NOW)[new]


def test_what_changed_is_a_candidate(model, few_candidates):
    index = index_of(model.scorer)
    scorer = model.scorer
    for position in range(2, PRODUCTS):
        now = replace(scorer, prior=np.where(np.arange(PRODUCTS) == position, 1e3, scorer.prior))
        scores = index.with_changed([position]).scores(now, now.history([row("p0")]), NOW)
        assert top(scores, 1).tolist() == [position]


def test_a_deleted_product_never_comes_back(model):
    scorer, index = model.scorer, index_of(model.scorer)
    rows = [row("p0"), row("p5")]
    best = int(top(index.scores(scorer, scorer.history(rows), NOW), 1)[0])
    now = remove_products(scorer, [scorer.product_ids[best]])
    for changed in (index, index.with_changed([best])):
        for history in (now.history(rows), now.history([])):
            scores = changed.scores(now, history, NOW)
            assert scores[best] == -np.inf
            assert np.isfinite(scores).sum() == PRODUCTS - 1


def test_answers_at_the_same_time_do_not_disturb_each_other(large, large_index):
    def first(number):
        scores = large_index.scores(large.scorer, large.histories[number], SYNTHETIC_NOW, large.viewers[number])
        return top(scores, 20).tolist()

    numbers = [n % len(large.histories) for n in range(200)]
    alone = [first(n) for n in range(len(large.histories))]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(first, numbers)) == [alone[n] for n in numbers]

from dataclasses import replace

import numpy as np
import pytest
from random_model import NOW, random_model

from gnn.batch import ModelRanker
from gnn.context import Contexts
from gnn.explain import explain
from gnn.histories import histories
from gnn.measure import measure
from gnn.popularity import Moment, demand
from gnn.ranking import history_products
from gnn.readable import FACTORS, dense_scaled, readable_curve, readable_share
from gnn.tasks import Questions, Ragged, Split

NOW_MS = int(NOW.timestamp() * 1000)


@pytest.fixture(scope="module", params=range(3))
def model(request, tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("random"), request.param)


def ranker(model):
    known = demand(model.shop)
    mixtures = np.random.default_rng(7).normal(size=(2, len(known.horizons)))
    return ModelRanker(model.scorer, histories(model.shop), Moment(known, *mixtures), Contexts({}, {}))


def questions(model, as_of_ms=NOW_MS):
    users = np.arange(model.shop.users, dtype=np.int32)
    answers = Ragged.from_rows(users, np.full(len(users), model.shop.products - 1, np.int32), len(users))
    return Questions(users, np.full(len(users), as_of_ms, np.int64), answers)


def share_of(model, user):
    """By the single contributions to all products that a user has not bought, which fit into one list."""
    history, had = histories(model.shop).of(user), history_products(model.shop).of(user)
    products = np.setdiff1d(np.arange(model.shop.products), had)
    parts = [part for found in explain(model.scorer, history, products, NOW, f"u{user}") for part in found.parts]
    readable = sum(abs(part.value) for part in parts if part.kind == "PATH" or part.by_paths)
    return readable / sum(abs(part.value) for part in parts) if parts else None


def test_the_share_is_the_mean_over_lists_of_what_their_contributions_say(model):
    found = readable_share(ranker(model), model.shop, questions(model), 0)
    shares = [share_of(model, user) for user in range(model.shop.users)]
    assert found == pytest.approx(np.mean([share for share in shares if share is not None]))
    assert 0 < found < 1


def test_large_sets_of_questions_are_sampled_by_the_seed(model, monkeypatch):
    monkeypatch.setattr("gnn.readable.SAMPLE", 2)
    found = [readable_share(ranker(model), model.shop, questions(model), seed) for seed in (0, 0, 1, 2, 3)]
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_where_nobody_has_a_history_there_is_no_share(model):
    nobody = replace(ranker(model), past=histories(model.shop.until(0)))
    assert readable_share(nobody, model.shop, questions(model), 0) is None


def test_only_the_terms_without_paths_are_scaled(model):
    past = histories(model.shop)
    for user in range(model.shop.users):
        whole, half, none = (
            dense_scaled(model.scorer, factor).personal(past.of(user), NOW_MS, user) for factor in (1.0, 0.5, 0.0)
        )
        assert half == pytest.approx((whole + none) / 2, abs=1e-4 * (1 + np.abs(whole).max()))
    explicit = replace(model.scorer, low_pass=None, latent=None)
    history = past.of(0)
    assert dense_scaled(model.scorer, 0.0).score(history, NOW) == pytest.approx(explicit.score(history, NOW))
    assert dense_scaled(explicit, 0.5).score(history, NOW) == pytest.approx(explicit.score(history, NOW))


def test_a_curve_goes_from_the_model_to_what_can_all_be_read(model):
    split, names = Split(model.shop, questions(model)), ["recall@5", "ndcg@5"]
    points = readable_curve(ranker(model), split, names, ties_against=False, seed=0)
    assert tuple(point.factor for point in points) == FACTORS
    assert points[0].metrics == measure(ranker(model), model.shop, split.questions, names).metrics
    assert points[0].readable_share == readable_share(ranker(model), model.shop, split.questions, 0)
    assert points[-1].readable_share == 1
    shares = [point.readable_share for point in points]
    assert shares == sorted(shares)

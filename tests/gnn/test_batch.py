import numpy as np
import pytest
from random_model import NOW, random_model

from gnn.batch import ModelRanker
from gnn.context import contexts_of
from gnn.histories import histories
from gnn.popularity import Moment, demand
from gnn.tasks import Questions, Ragged

NOW_MS = int(NOW.timestamp() * 1000)


@pytest.fixture(scope="module", params=range(3))
def model(request, tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("random"), request.param)


def ranker(model, length_power=0.0):
    known = demand(model.shop)
    generator = np.random.default_rng(7)
    mixtures = generator.normal(size=(2, len(known.horizons)))
    people = contexts_of(model.scorer.contexts, model.shop)
    return ModelRanker(model.scorer, histories(model.shop), Moment(known, *mixtures), people, length_power)


def questions(model, as_of_ms=NOW_MS, **more):
    users = np.arange(model.shop.users, dtype=np.int32)
    answers = Ragged.from_rows(users, np.zeros(len(users), np.int32), len(users))
    return Questions(users, np.full(len(users), as_of_ms, np.int64), answers, **more)


def sizes(model, row, history):
    """How large the scores of a row are, as float32 rounds them."""
    return float(1e-4 * (1 + np.abs(row).max() + len(history)))


def test_answers_are_the_scores_of_the_served_model_also_of_what_a_history_holds(model):
    past, found = histories(model.shop), ranker(model)(questions(model))
    for user, row in enumerate(found):
        expected = model.scorer_of(user).score(past.of(user), NOW, f"u{user}")
        assert row == pytest.approx(expected, abs=sizes(model, row, past.of(user)))


def test_a_question_of_another_moment_has_the_prior_and_trend_of_then(model):
    as_of_ms = int(model.shop.events.time_ms[len(model.shop.events) // 2])
    asked = ranker(model)
    found, past = asked(questions(model, as_of_ms)), histories(model.shop)
    known = asked.moment.demand.log(as_of_ms)
    prior, trend = asked.moment.prior @ known, np.exp(asked.moment.trend @ known)
    for user, row in enumerate(found):
        personal = model.scorer.personal(past.of(user), as_of_ms, user)
        lift = model.scorer_of(user).prior - model.scorer.prior
        assert row == pytest.approx(prior + lift + trend * personal, rel=1e-3, abs=sizes(model, row, past.of(user)))


def test_a_length_power_divides_by_it(model):
    plain, divided = (ranker(model, power)(questions(model)) for power in (0.0, 0.5))
    lengths = np.maximum(histories(model.shop).lengths(), 1)
    assert divided * np.sqrt(lengths)[:, None] == pytest.approx(plain, rel=1e-4, abs=1e-4)

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import replay
from benchmarks.made_shop import made_shop
from gnn.data import TrainingError
from gnn.evaluate import model_ranker
from gnn.splits import split_at
from schema.errors import PathrecError

WEEKS = 2


@pytest.fixture(scope="module")
def shop():
    return made_shop(60, 80, seed=2)


@pytest.fixture(scope="module")
def small(shop):
    return replay.Replay(shop, replay.weeks_of(shop, WEEKS, None), seed=0)


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("replay") / "replay.json"
    return replay.replayed(small, replay.facts(small, "small"), json_path=path), path


def test_the_last_weeks_are_replayed_if_nothing_is_said(shop):
    starts = replay.weeks_of(shop, 3, None)
    assert np.diff(starts).tolist() == [replay.WEEK_MS] * 2
    assert starts[-1] + replay.WEEK_MS == shop.events.time_ms.max() + 1


def test_a_replay_can_begin_after_some_days(shop):
    starts = replay.weeks_of(shop, None, 300.0)
    assert starts[0] == shop.events.time_ms.min() + 300 * 86_400_000
    assert starts[-1] + replay.WEEK_MS <= shop.events.time_ms.max() + 1 < starts[-1] + 2 * replay.WEEK_MS


def test_more_weeks_than_there_are_days_are_refused(shop):
    with pytest.raises(TrainingError, match="fewer weeks"):
        replay.weeks_of(shop, 60, None)


def test_a_shop_without_times_cannot_be_replayed(shop):
    still = replace(shop, events=replace(shop.events, time_ms=np.zeros_like(shop.events.time_ms)))
    with pytest.raises(TrainingError, match="with times"):
        replay.weeks_of(still, 1, None)


def test_every_model_answers_every_week(run):
    report, path = run
    assert len(report["weeks"]) == WEEKS
    for found in report["weeks"]:
        assert list(found["models"]) == list(replay.MODELS)
        assert found["questions"] > 0
        assert all(0 <= model["recall@20"] <= 1 for model in found["models"].values())
    assert json.loads(path.read_text()) == report


def test_in_the_first_week_nothing_has_happened_since_training(run):
    models = run[0]["weeks"][0]["models"]
    ours = [models[name]["ndcg@20"] for name in replay.MODELS if name not in replay.RIVALS]
    assert ours == pytest.approx([ours[0]] * len(ours))


def test_a_frozen_model_knows_nothing_that_happened_since(small):
    seen = small.before(small.starts[0])
    later = split_at(small.shop, small.starts[1])
    asked = later.ask(later.first)
    answers = replay.frozen(small.first, seen)(asked)
    at_once = replay.frozen(small.first, seen)(replace(asked, as_of_ms=np.full_like(asked.as_of_ms, seen.as_of_ms)))
    assert (answers == at_once).all()


def test_demand_at_the_moment_of_training_changes_nothing(small):
    seen = small.before(small.starts[0])
    renewed = model_ranker(small.first, seen).scorer
    assert renewed.prior == pytest.approx(small.first.scorer.prior)
    assert renewed.trend == pytest.approx(small.first.scorer.trend)


def test_a_replay_that_was_cut_off_goes_on_to_the_same_figures(small, run):
    report, path = run
    cut = {**report, "weeks": report["weeks"][:1]}
    again = replay.replayed(small, replay.facts(small, "small"), earlier=cut, json_path=path)
    for name in ("never", "continued", "retrained"):
        assert again["weeks"][1]["models"][name]["ndcg@20"] == report["weeks"][1]["models"][name]["ndcg@20"]


def test_a_finished_replay_is_only_shown_again(small, run):
    assert replay.replayed(small, replay.facts(small, "small"), earlier=run[0])["weeks"] == run[0]["weeks"]


def test_another_replay_is_not_taken_up(small, run):
    with pytest.raises(PathrecError, match="begin anew"):
        replay.replayed(small, replay.facts(small, "other"), earlier=run[0])


def test_the_vectors_to_go_on_from_must_be_there(small, run, tmp_path):
    cut = {**run[0], "weeks": run[0]["weeks"][:1]}
    with pytest.raises(PathrecError, match="goes on from it"):
        replay.replayed(small, replay.facts(small, "small"), earlier=cut, json_path=tmp_path / "other.json")


def test_the_picture_shows_every_model(run):
    picture = replay.picture(run[0])
    assert all(f">{name}</text>" in picture for name in replay.MODELS)


def test_the_table_is_shown(run, capsys):
    replay.show(run[0])
    assert "retrained" in capsys.readouterr().out

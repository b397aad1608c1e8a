from dataclasses import replace

import pytest
import torch
from quick_training import quick_training

from gnn.datasets import read_question
from gnn.evaluate import TRAIN_HISTORY, evaluate

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def found(snapshot):
    return evaluate(read_question(snapshot.path, None, (5,)), seed=0, device="cpu").as_dict()


@pytest.fixture(scope="module")
def segmented(snapshot):
    """Of a benchmark with further questions, whose histories could know what has happened since training."""
    benchmark = read_question(snapshot.path, None, (5, 10))
    more = replace(benchmark, segments={"again": benchmark.test}, happened=benchmark.shop)
    with quick_training():
        return evaluate(more, seed=0, device="cpu", baselines=("popularity",), curve=True).as_dict()


def test_the_model_beats_popularity_where_taste_decides(found):
    assert found["models"]["pathrec"]["recall@5"] > 1.3 * found["models"]["popularity"]["recall@5"]
    assert set(found["models"]) == {"pathrec", "popularity", "item-knn"}
    assert found["metrics"] == found["models"]["pathrec"]
    low, high = found["intervals"]["recall@5"]
    assert low < found["metrics"]["recall@5"] < high
    assert found["questions"] > 0


def test_a_report_says_what_it_took_and_what_it_depends_on(found):
    assert set(found["seconds"]) == {"training", "ranking"}
    assert all(seconds > 0 for seconds in found["seconds"].values())
    assert found["peak_memory_bytes"] > 10**8
    assert {"python", "torch", "numpy"} <= set(found["versions"])
    assert found["config"]["seed"] == 0
    assert found["config"]["relations"] == {"IN_CATEGORY": 40, "COMPLEMENTS": 10}


def test_every_term_has_a_weight_for_each_behaviour_and_what_it_adds(found, snapshot):
    fit = found["config"]["fit"]
    assert set(fit["adds"]) == set(fit["weights"])
    assert {"CO_BUYER", "IN_CATEGORY", "LATENT"} <= set(fit["weights"])
    for weights in fit["weights"].values():
        assert list(weights) == list(snapshot.ontology.behaviours)
        assert all(isinstance(weight, float) for weight in weights.values())


@pytest.mark.usefixtures("quick")
def test_a_relation_can_be_left_out_of_an_evaluation(snapshot):
    found = evaluate(read_question(snapshot.path, None, (5,), without=("IN_CATEGORY",)), baselines=(), device="cpu")
    assert "IN_CATEGORY" not in found.as_dict()["config"]["fit"]["weights"]


def test_baselines_stand_in_the_segments_that_they_are_asked(segmented):
    assert set(segmented["segments"]) == {"again", TRAIN_HISTORY}
    assert segmented["segments"]["again"]["popularity"] == segmented["baselines"]["popularity"]["metrics"]
    assert set(segmented["segments"][TRAIN_HISTORY]) == {"pathrec"}


def test_a_curve_is_there_if_it_was_asked_for(found, segmented):
    assert 0 < found["readable_share"] <= 1
    assert "readable_curve" not in found
    curve = segmented["readable_curve"]
    assert [point["factor"] for point in curve] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert all(list(point["metrics"]) == ["recall@5", "ndcg@5"] for point in curve)
    assert curve[-1]["readable_share"] == 1

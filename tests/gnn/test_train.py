import numpy as np
import pytest
from small_shop import SmallShop, checkerboard

from gnn.data import TrainingError
from gnn.evaluate import evaluate
from gnn.train import train


def test_the_same_seed_gives_the_same_model(snapshot, artifact):
    again = train(snapshot, seed=1, device="cpu").scorer
    assert (again.prior == artifact.scorer.prior).all()
    assert all((a.weights == b.weights).all() for a, b in zip(again.terms, artifact.scorer.terms, strict=True))
    assert (again.latent.vectors == artifact.scorer.latent.vectors).all()


def test_each_training_has_a_version_of_its_own(snapshot, artifact):
    assert train(snapshot, seed=1, device="cpu").manifest.model_version != artifact.manifest.model_version


def test_progress_reaches_its_total_in_every_stage(snapshot):
    last = {}
    train(snapshot, seed=1, device="cpu", report=lambda stage, done, total: last.update({stage: (done, total)}))
    assert set(last) == {"learning from the past", "fitting the weights", "learning from everything"}
    assert all(done == total for done, total in last.values())


def test_relations_without_data_are_absent(artifact):
    names = [term.term.name for term in artifact.scorer.terms]
    assert names == ["SAME_PRODUCT", "CO_BUYER", "SAME_BASKET", "IN_CATEGORY", "COMPLEMENTS", "COMPLEMENTS_REVERSE"]


def test_a_gpu_that_is_not_there_is_refused(snapshot):
    import torch

    if torch.cuda.is_available():
        train(snapshot, device="cuda")
    else:
        with pytest.raises(TrainingError, match="no GPU"):
            train(snapshot, device="cuda")


def test_the_model_beats_popularity_where_taste_decides(snapshot):
    found = evaluate(snapshot, k=(5,), seed=0, device="cpu").as_dict()
    assert found["models"]["pathrec"]["recall@5"] > 1.3 * found["models"]["popularity"]["recall@5"]
    assert set(found["models"]) == {"pathrec", "popularity", "item-knn"}
    assert found["questions"]["first"]["answers"] > 0
    for metrics in found["models"].values():
        assert all(0 <= value <= 1 for value in metrics.values())


def test_lists_must_have_a_length(snapshot):
    with pytest.raises(TrainingError, match="at least 1"):
        evaluate(snapshot, k=(0,))


def test_a_tiny_shop_with_one_buyer_still_gets_a_model(tmp_path):
    events = [(0, 0, "purchase", 1.0, None), (0, 1, "purchase", 50.0, "b"), (1, 0, "view", 60.0, None)]
    artifact = train(SmallShop(3, 2, events).write(tmp_path / "s"), device="cpu")
    assert np.isfinite(artifact.scorer.prior).all()


def test_a_shop_without_texts_learns_from_behaviour_alone(tmp_path):
    artifact = train(checkerboard(text=False).write(tmp_path / "s"), device="cpu")
    assert set(artifact.scorer.latent.layers) == {"free"}

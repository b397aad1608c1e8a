import numpy as np
import pytest
from quick_training import short_training
from small_shop import SmallShop, checkerboard

from gnn.artifact import load_artifact
from gnn.data import TrainingError, read_shop
from gnn.datasets import DatasetError, read_question
from gnn.latent import FREE
from gnn.train import earlier_vectors, memory_needed, require_memory, train


@pytest.fixture(scope="module")
def again(snapshot):
    """The same training once more, and the last that each of its stages told."""
    last = {}
    with short_training():
        found = train(
            snapshot, seed=1, device="cpu", report=lambda stage, done, total: last.update({stage: (done, total)})
        )
    return found, last


def test_the_same_seed_gives_the_same_model(again, artifact):
    scorer = again[0].scorer
    assert (scorer.prior == artifact.scorer.prior).all()
    assert all((a.weights == b.weights).all() for a, b in zip(scorer.terms, artifact.scorer.terms, strict=True))
    assert (scorer.latent.vectors == artifact.scorer.latent.vectors).all()


def test_each_training_has_a_version_of_its_own(again, artifact):
    assert again[0].manifest.model_version != artifact.manifest.model_version


def test_progress_reaches_its_total_in_every_stage(again):
    last = again[1]
    assert set(last) == {
        "learning from the past",
        "fitting the weights",
        "fitting the weights again",
        "learning from everything",
    }
    assert all(done == total for done, total in last.values())


def test_relations_without_data_are_absent(artifact):
    names = [term.term.name for term in artifact.scorer.terms]
    assert names == [
        "SAME_PRODUCT",
        "CO_BUYER",
        "SAME_BASKET",
        "NEXT_PRODUCT",
        "IN_CATEGORY",
        "COMPLEMENTS",
        "COMPLEMENTS_REVERSE",
    ]


def test_a_gpu_that_is_not_there_is_refused(snapshot):
    import torch

    if torch.cuda.is_available():
        train(snapshot, device="cuda")
    else:
        with pytest.raises(TrainingError, match="no GPU"):
            train(snapshot, device="cuda")


def test_lists_must_have_a_length(snapshot):
    with pytest.raises(DatasetError, match="at least 1"):
        read_question(snapshot.path, None, (0,))


@pytest.mark.usefixtures("quick")
def test_a_model_goes_on_from_an_earlier_one(snapshot, artifact, artifact_folder):
    shop = read_shop(snapshot)
    vectors = earlier_vectors(load_artifact(artifact_folder).scorer, shop)
    assert (vectors == artifact.scorer.latent.layers[FREE][0]).all()
    later = train(snapshot, seed=1, device="cpu", earlier=artifact)
    assert later.scorer.size == artifact.scorer.size
    assert (later.scorer.latent.vectors != artifact.scorer.latent.vectors).any()


def test_products_that_an_earlier_model_did_not_know_start_at_zero(artifact, tmp_path):
    grown = read_shop(checkerboard(products=42).write(tmp_path / "s"))
    vectors = earlier_vectors(artifact.scorer, grown)
    new = [n for n, product in enumerate(grown.ids["Product"]) if product not in artifact.scorer.positions]
    assert new
    assert not vectors[new].any()


def test_what_cannot_fit_into_memory_is_refused_before_it_starts(snapshot, monkeypatch):
    shop = read_shop(snapshot)
    monkeypatch.setattr("gnn.train.free_memory", lambda: memory_needed(shop) - 1)
    with pytest.raises(TrainingError, match=r"needs about .* GiB"):
        require_memory(shop)


def test_a_short_budget_still_gives_a_model(snapshot):
    assert np.isfinite(train(snapshot, device="cpu", minutes=0.001).scorer.prior).all()


@pytest.mark.usefixtures("quick")
def test_a_tiny_shop_with_one_buyer_still_gets_a_model(tmp_path):
    events = [(0, 0, "purchase", 1.0, None), (0, 1, "purchase", 50.0, "b"), (1, 0, "view", 60.0, None)]
    artifact = train(SmallShop(3, 2, events).write(tmp_path / "s"), device="cpu")
    assert np.isfinite(artifact.scorer.prior).all()


@pytest.mark.usefixtures("quick")
def test_a_shop_without_texts_learns_from_behaviour_alone(tmp_path):
    artifact = train(checkerboard(text=False).write(tmp_path / "s"), device="cpu")
    assert set(artifact.scorer.latent.layers) == {"free"}

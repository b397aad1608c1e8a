import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gnn.fusion import Fusion
from gnn.latent import FREE
from gnn.model import LinearPropagation

WIDTHS = {"text": 3, "image": 2}


def fusion(seed=0):
    generator = np.random.default_rng(seed)
    return Fusion(
        {m: generator.normal(size=(w, 4)).astype(np.float32) for m, w in WIDTHS.items()},
        {m: generator.normal(size=w + 1).astype(np.float32) for m, w in WIDTHS.items()},
    )


def features(seed=0):
    generator = np.random.default_rng(seed)
    return {m: generator.normal(size=w) for m, w in WIDTHS.items()}


@given(st.integers(0, 50))
def test_gates_add_up_to_one_over_what_a_product_has(seed):
    both = fusion(seed).shares(features(seed))
    assert sum(both.values()) == pytest.approx(1.0)
    assert all(share > 0 for share in both.values())
    assert fusion(seed).shares({"text": features(seed)["text"]}) == {"text": 1.0}
    assert fusion(seed).shares({}) == {}


def test_gates_are_a_softmax_of_what_the_features_themselves_say():
    known = Fusion(
        {"text": np.ones((1, 1), np.float32), "image": np.ones((1, 1), np.float32)},
        {"text": np.array([1.0, 0.5], np.float32), "image": np.array([0.0, 0.0], np.float32)},
    )
    shares = known.shares({"text": np.array([2.0]), "image": np.array([1.0])})
    assert shares["text"] / shares["image"] == pytest.approx(np.exp(2.5))


def test_a_feature_of_zeros_or_of_an_unknown_name_is_none():
    assert fusion().shares({"text": np.zeros(3), "sound": np.ones(2)}) == {}


def test_the_parts_of_a_product_are_its_projections_by_their_gates():
    made, known = fusion(), features()
    shares = made.shares(known)
    for modality, part in made.parts(known, shares).items():
        expected = shares[modality] * (known[modality] @ made.projections[modality])
        assert part == pytest.approx(expected, rel=1e-5)


def test_features_of_another_encoder_are_told_by_their_width():
    assert fusion().takes(features())
    assert fusion().takes({"sound": np.ones(9)})
    assert not fusion().takes({"text": np.ones(4)})


def test_a_new_product_gets_the_gates_and_the_content_that_training_gives():
    torch.manual_seed(0)
    generator = np.random.default_rng(3)
    matrices = {m: generator.normal(size=(6, w)).astype(np.float32) for m, w in WIDTHS.items()}
    matrices["image"][2] = 0.0
    matrices["text"][3] = matrices["image"][3] = 0.0
    model = LinearPropagation(np.zeros((6, 4), np.float32), matrices, [], 1)
    for parameter in (*model.projections.values(), *model.openings.values()):
        torch.nn.init.normal_(parameter)
    served = Fusion(
        {m: model.projections[m].detach().numpy() for m in WIDTHS},
        {m: model.openings[m].detach().numpy() for m in WIDTHS},
    )
    shares, parts = model.shares(), model.parts()
    assert not parts[FREE].any()
    for product in range(6):
        own = {m: matrix[product] for m, matrix in matrices.items()}
        made = served.parts(own, served.shares(own))
        for modality in WIDTHS:
            assert shares[modality][product].item() == pytest.approx(served.shares(own).get(modality, 0.0), abs=1e-6)
            assert parts[modality][0, product] == pytest.approx(made.get(modality, np.zeros(4)), abs=1e-5)


def test_gates_learn_which_modality_tells():
    """What is asked for is written in the text alone, so that its gate opens."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    matrices = {m: generator.normal(size=(200, 8)).astype(np.float32) for m in ("text", "image")}
    wanted = torch.from_numpy(matrices["text"] @ generator.normal(size=(8, 4)).astype(np.float32))
    model = LinearPropagation(np.zeros((200, 4), np.float32), matrices, [], 1)
    for projection in model.projections.values():
        torch.nn.init.normal_(projection, std=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        (model(torch.zeros(200)) - wanted).square().mean().backward()
        optimizer.step()
    assert model.shares()["text"].mean() > 0.9

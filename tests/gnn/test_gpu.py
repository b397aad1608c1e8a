"""The same code on a GPU: equal results within the rounding of the products; needs a GPU."""

import numpy as np
import pytest
import torch

from gnn.artifact import load_artifact, save_artifact
from gnn.build import build, fit_split, learned
from gnn.data import read_shop
from gnn.histories import histories
from gnn.incidence import incidences
from gnn.learn import carriers, learn
from gnn.losses import Asked, SoftmaxLoss
from gnn.model import LinearPropagation
from gnn.train import train, validation_split

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

BFLOAT16 = 2**-8


@pytest.fixture(scope="module")
def shop(snapshot):
    return read_shop(snapshot)


def propagation(shop):
    start = np.random.default_rng(0).normal(size=(shop.products, 16)).astype(np.float32)
    return LinearPropagation(start, shop.features, carriers(incidences(shop)), len(shop.behaviours))


def test_propagation_and_its_gradient_are_those_of_the_cpu(shop):
    found = {}
    for device in ("cpu", "cuda"):
        model = propagation(shop).to(device)
        z = model()
        (z * torch.linspace(-1, 1, z.shape[1], device=device)).square().sum().backward()
        gradients = {name: p.grad.cpu() for name, p in model.named_parameters() if p.grad is not None}
        found[device] = {"z": z.detach().cpu()} | gradients
    assert found["cpu"].keys() == found["cuda"].keys()
    for name, expected in found["cpu"].items():
        torch.testing.assert_close(found["cuda"][name], expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_the_loss_and_its_gradients_are_those_of_the_cpu():
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(shape, generator=generator) for shape in ((30, 16), (500, 16), (500,))]
    has = torch.randperm(500, generator=generator)[:60]
    asked = Asked(
        torch.arange(60) // 2,
        has[:60],
        torch.arange(30),
        torch.arange(30) + 200,
        torch.rand(30, generator=generator),
        None,
    )
    found = {}
    for device in ("cpu", "cuda"):
        leaves = [x.to(device, copy=True).requires_grad_() for x in inputs]
        moved = Asked(*(None if part is None else part.to(device) for part in vars(asked).values()))
        loss = SoftmaxLoss(device)(*leaves, moved)
        loss.backward()
        found[device] = [loss.detach().cpu(), *(leaf.grad.cpu() for leaf in leaves)]
    for mine, expected in zip(found["cuda"], found["cpu"], strict=True):
        torch.testing.assert_close(mine, expected, rtol=8 * BFLOAT16, atol=BFLOAT16 * float(expected.abs().max()))


def test_learning_ends_at_the_vectors_of_the_cpu(shop):
    z = [learn(shop, incidences(shop), seed=3, device=device)().detach().cpu().numpy() for device in ("cpu", "cuda")]
    closeness = [np.corrcoef(mine, other)[0, 1] for mine, other in zip(*z, strict=True)]
    assert np.mean(closeness) > 0.99


def test_a_model_of_vectors_from_the_gpu_scores_like_one_of_the_cpu(shop):
    split = validation_split(shop, "time", 1)
    on_cpu, on_gpu = (learned(split.seen, seed=1, device=device) for device in ("cpu", "cuda"))
    fitted = fit_split(split, on_cpu, goal="list", seed=1)
    of_cpu, of_gpu = (build(found, fitted, seed=1, version="test") for found in (on_cpu, on_gpu))
    past = histories(split.seen)
    for user in range(0, shop.users, 5):
        mine, expected = (scorer.personal(past.of(user), shop.as_of_ms, user) for scorer in (of_gpu, of_cpu))
        assert np.corrcoef(mine, expected)[0, 1] > 0.99


def test_training_on_the_gpu_ends_in_an_artifact(snapshot, tmp_path):
    artifact = train(snapshot, seed=1, device="cuda")
    save_artifact(artifact, tmp_path / "artifact")
    assert load_artifact(tmp_path / "artifact").scorer.latent.vectors.any()

import pytest
import torch

from gnn import losses
from gnn.losses import Asked, SoftmaxLoss


@pytest.fixture(params=[torch.float32, torch.bfloat16])
def short(request, monkeypatch):
    monkeypatch.setattr(losses, "product_type", lambda device: request.param)
    return request.param


@pytest.fixture
def asked():
    pairs = torch.tensor([[0, 3], [1, 4], [1, 9]])  # had already
    wanted = torch.tensor([[0, 1], [1, 2], [1, 7]])
    return Asked(*pairs.T, *wanted.T, torch.tensor([0.2, 0.5, 0.3]), torch.linspace(-1, 1, 12))


def plain(users, products, bias, asked):
    logits = users @ products.T + bias + asked.shift
    had = torch.zeros_like(logits, dtype=torch.bool)
    had[asked.rows, asked.columns] = True
    chosen = logits.masked_fill(had, -1e9).log_softmax(1)[asked.target_rows, asked.target_columns]
    return -(asked.weight * chosen).sum()


def test_loss_and_gradients_are_those_of_a_plain_log_softmax(short, asked):
    generator = torch.Generator().manual_seed(0)
    leaves = [torch.randn(shape, generator=generator) for shape in ((2, 5), (12, 5), (12,))]
    mine, expected = ([leaf.clone().requires_grad_() for leaf in leaves] for _ in range(2))
    one, other = SoftmaxLoss("cpu")(*mine, asked), plain(*expected, asked)
    one.backward()
    other.backward()
    tolerance = 1e-5 if short == torch.float32 else 0.05
    torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
    for leaf, same in zip(mine, expected, strict=True):
        torch.testing.assert_close(leaf.grad, same.grad, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("capability", "expected"), [("AVX2", torch.float32), ("AVX512", torch.bfloat16)])
def test_half_the_digits_only_where_the_processor_multiplies_them(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert losses.product_type(torch.device("cpu")) == expected
    assert losses.product_type(torch.device("cuda")) == torch.bfloat16

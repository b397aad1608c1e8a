import numpy as np
import pytest
import torch

from gnn.baselines.common import interactions
from gnn.baselines.lightgcn import csr_form, edge_index_form

from .conftest import Board


@pytest.fixture
def forms(board: Board):
    matrix = interactions(board.shop)
    torch.manual_seed(0)
    reference, fast = edge_index_form(matrix), csr_form(matrix)
    fast[0].load_state_dict(reference[0].state_dict())
    return reference, fast


def test_both_forms_give_the_same(forms):
    (reference, edge_index), (fast, adjacency) = forms
    torch.testing.assert_close(fast(adjacency), reference(edge_index), rtol=1e-5, atol=1e-6)


def test_both_forms_have_the_same_gradient(forms):
    weights = torch.randn(forms[0][0].embedding.shape)
    for model, graph in forms:
        (model(graph) * weights).sum().backward()
    torch.testing.assert_close(forms[1][0].embedding.grad, forms[0][0].embedding.grad, rtol=1e-4, atol=1e-5)


def test_the_result_is_the_mean_over_the_powers_of_the_adjacency(forms, board: Board):
    r = interactions(board.shop).toarray()
    a = np.block([[np.zeros((len(r), len(r))), r], [r.T, np.zeros((r.shape[1],) * 2)]])
    root = np.maximum(a.sum(axis=1), 1.0) ** -0.5
    a = a * np.outer(root, root)
    model, graph = forms[1]
    x = model.embedding.detach().numpy()
    expected = (x + a @ x + a @ a @ x + a @ a @ a @ x) / 4
    np.testing.assert_allclose(model(graph).detach().numpy(), expected, atol=1e-5)

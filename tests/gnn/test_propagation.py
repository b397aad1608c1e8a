import numpy as np
import pytest
import scipy.sparse as sp
import torch

from gnn import model as model_module
from gnn.data import read_shop
from gnn.hetero import to_hetero_data
from gnn.hops import hop_row
from gnn.incidence import incidences
from gnn.latent import FREE
from gnn.learn import learn
from gnn.model import LinearPropagation
from gnn.paths import PathTerm
from gnn.propagation import Hop
from gnn.spectral import item_vectors
from gnn.terms import neutral_units


@pytest.fixture(scope="module")
def shop(snapshot):
    return read_shop(snapshot)


@pytest.fixture(scope="module")
def found(shop):
    return [i for i in incidences(shop) if i.term.kind in ("meeting", "shared", "forward")]


def dense_hop(incidence):
    links = incidence.links.toarray()
    if not incidence.term.two_steps:
        links = links + links.T
        root = np.sqrt(np.maximum(links.sum(1), 1))
        return links / np.outer(root, root)
    rows, columns = np.maximum(links.sum(1), 1), np.maximum(links.sum(0), 1)
    return (links / columns) @ links.T / np.sqrt(np.outer(rows, rows))


def test_a_hop_is_the_degree_normalised_product(found):
    x = torch.randn(40, 5)
    for incidence in found:
        assert Hop(incidence)(x).numpy() == pytest.approx(dense_hop(incidence) @ x.numpy(), abs=1e-5)


def test_the_gradient_of_a_hop_is_the_same_hop(found):
    for incidence in found:
        x = torch.randn(40, 3, requires_grad=True)
        (weight := torch.randn(40, 3))
        (Hop(incidence)(x) * weight).sum().backward()
        assert x.grad.numpy() == pytest.approx(dense_hop(incidence).T @ weight.numpy(), abs=1e-5)


def test_the_row_of_one_product_is_a_row_of_the_propagation(found):
    for incidence in found:
        term: PathTerm = incidence.with_weights(np.ones(4), neutral_units(4), (0.0, 0.0), (1.0, 0.0, 0.0))
        rows = np.stack([hop_row(term, p) for p in range(40)])
        assert rows == pytest.approx(dense_hop(incidence), abs=1e-6)


def test_the_parts_of_the_vectors_add_up_to_the_vectors(shop, found):
    torch.manual_seed(0)
    model = LinearPropagation(np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32), shop.features, found, 4)
    torch.nn.init.normal_(model.projections["text"])
    hops = model.layer_weights().detach().numpy()
    parts = model.parts()
    assert set(parts) == {FREE, "text"}
    total = sum(np.tensordot(hops, layers, axes=1) for layers in parts.values())
    assert total == pytest.approx(model().detach().numpy(), abs=1e-5)


def test_columns_propagated_in_blocks_give_the_same_vectors_and_gradients(shop, found, monkeypatch):
    def learned(cache):
        monkeypatch.setattr(model_module, "CACHE_BYTES", cache)
        torch.manual_seed(0)
        start = np.random.default_rng(0).normal(size=(40, 80)).astype(np.float32)
        model = LinearPropagation(start, shop.features, found, 4)
        z = model()
        z.square().sum().backward()
        return z, model

    (whole, one), (blocks, other) = learned(2**20), learned(40 * 4 * 32)
    torch.testing.assert_close(blocks, whole)
    for name, parameter in one.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(other.get_parameter(name).grad, parameter.grad)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(2_000, 128), (16_384, 128), (20_000, 96), (41_000, 32), (65_536, 32), (65_537, 128), (1_000_000, 128)],
)
def test_as_many_columns_at_once_as_stay_in_the_cache_if_they_fill_two_lines(rows, columns):
    assert model_module.columns_at_once(torch.empty(rows, 128)) == columns


def test_a_product_whose_free_vector_is_dropped_keeps_its_text_and_neighbours(shop, found):
    model = LinearPropagation(np.ones((40, 6), np.float32), shop.features, found, 4)
    keep = torch.ones(40)
    keep[3] = 0
    assert not torch.equal(model(keep)[3], model()[3])
    assert model(keep)[3].abs().sum() > 0


def test_learning_is_the_same_for_the_same_seed(shop, found):
    first, second = (learn(shop, found, seed=5, device="cpu") for _ in range(2))
    assert torch.equal(first(), second())
    assert not torch.equal(first(), learn(shop, found, seed=6, device="cpu")())


def test_singular_vectors_rebuild_a_matrix_of_low_rank():
    generator = np.random.default_rng(0)
    blocks = sp.csr_array(np.kron(np.eye(3), np.ones((4, 5))))
    vectors = item_vectors(blocks, 5, generator)
    assert vectors.shape == (15, 5)
    gram = vectors @ vectors.T
    assert (gram > 1e-6).astype(int) == pytest.approx(np.kron(np.eye(3), np.ones((5, 5))))


def test_pyg_sees_the_whole_shop(shop):
    data = to_hetero_data(shop)
    data.validate()
    assert data["Product"].num_nodes == 40
    assert data["Product"].x_text.shape == (40, 8)
    assert data["User", "purchase", "Product"].edge_index.shape[1] == (shop.events.behaviour == shop.target).sum()
    assert data["Product", "IN_CATEGORY", "Category"].edge_index.shape == (2, 40)

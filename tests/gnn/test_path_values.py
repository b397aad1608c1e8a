import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.path_values import joined, of_person


def people(seed):
    """Dense values (R, J_b, I_b) of some users, mostly zero."""
    generator = np.random.default_rng(seed)
    variants = int(generator.integers(1, 4))
    for _ in range(int(generator.integers(1, 5))):
        shape = variants, int(generator.integers(0, 5)), int(generator.integers(1, 6))
        yield np.where(generator.random(shape) < 0.3, generator.normal(size=shape), 0.0)


def padded(dense):
    shape = (len(dense[0]), len(dense), max(1, *(d.shape[1] for d in dense)), max(d.shape[2] for d in dense))
    table = torch.zeros(shape)
    for row, values in enumerate(dense):
        table[:, row, : values.shape[1], : values.shape[2]] = torch.from_numpy(values)
    return table


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**31))
def test_sums_and_their_gradient_are_those_of_the_dense_product(seed):
    dense = list(people(seed))
    table = padded(dense)
    paths = joined([of_person(values) for values in dense])
    carried = torch.randn(table.shape[:3], generator=torch.Generator().manual_seed(seed), requires_grad=True)
    same = carried.detach().clone().requires_grad_()
    found, expected = paths.sums(carried), torch.einsum("rbj,rbji->rbi", same, table)
    weights = torch.randn(found.shape)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(carried.grad, same.grad)


def test_a_unit_is_linked_in_the_variants_that_lead_somewhere():
    one = np.array([[[0.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]])
    other = np.array([[[3.0]], [[0.0]]])
    linked = joined([of_person(one), of_person(other)]).linked(2, 2)
    assert linked.tolist() == [[[True, False], [True, False]], [[False, True], [False, False]]]


def test_zeros_take_no_room():
    assert joined([of_person([np.zeros((3, 4)), np.eye(3, 4)])]).values == pytest.approx([1, 1, 1])

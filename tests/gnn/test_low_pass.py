import numpy as np
import pytest
from random_model import random_low_pass

from gnn.low_pass import POWERS, LowPass, filtered_between

N, WIDTH = 12, 5


@pytest.fixture
def term() -> LowPass:
    return random_low_pass(np.random.default_rng(0), N, 3, WIDTH)


def naive(term, j, i):
    if i == j:
        return 0.0
    total = 0.0
    for k in range(WIDTH):
        response = sum(eta * term.values[k] ** p for eta, p in zip(term.response, POWERS, strict=True))
        total += float(term.basis[j, k]) * response * float(term.basis[i, k])
    return term.start_factor[j] * total * term.end_factor[i]


def test_values_between_products_are_the_filtered_dot_products(term):
    starts, ends = np.array([0, 3, 3, 7]), np.arange(N)
    expected = [[naive(term, j, i) for i in ends] for j in starts]
    assert term.between(starts, ends) == pytest.approx(np.array(expected), abs=1e-5)


def test_scores_are_the_sum_of_what_lies_between(term):
    starts, amounts = np.array([0, 3, 3, 7]), np.array([1.0, -0.5, 2.0, 0.3])
    expected = amounts @ term.between(starts, np.arange(N))
    assert term.scores(starts, amounts) == pytest.approx(expected, abs=1e-4)


def test_a_product_gives_nothing_to_itself(term):
    assert term.scores(np.array([4]), np.ones(1))[4] == pytest.approx(0, abs=1e-5)
    assert term.between(np.array([4]), np.array([4])) == 0


def test_what_fitting_weighs_adds_up_to_the_term(term):
    starts, ends = np.array([1, 2]), np.arange(N)
    bare = filtered_between(term.basis, term.values, np.eye(len(POWERS)).tolist(), starts, ends)
    total = sum(eta * values for eta, values in zip(term.response, bare, strict=True))
    factors = np.outer(term.start_factor[starts], term.end_factor[ends])
    assert total * factors == pytest.approx(term.between(starts, ends), abs=1e-5)


def test_the_ideal_filter_lets_all_of_the_smooth_part_through():
    basis, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(N, WIDTH)))
    ones = np.ones(N)
    ideal = np.array([1.0] + [0.0] * (len(POWERS) - 1))
    values = np.linspace(1, 0.1, WIDTH)
    units = random_low_pass(np.random.default_rng(0), N, 3).units
    term = LowPass(basis.astype(np.float32), values, ideal, ones, ones, np.ones(3), units)
    between = term.between(np.arange(N), np.arange(N))
    projector = basis @ basis.T
    assert between == pytest.approx(projector - np.diag(np.diag(projector)), abs=1e-6)

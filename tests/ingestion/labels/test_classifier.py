import numpy as np
import pytest

from ingestion.labels.classifier import Classifier, side_by_side, softmax, unit_rows
from ingestion.labels.zero_shot import TEMPERATURE, by_names

CORNERS = Classifier(np.eye(3), np.zeros(3))


def test_probabilities_are_the_softmax_of_a_linear_form() -> None:
    classifier = Classifier(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0.5, 0.0]))
    logits = np.array([1 * 3 + 0.5, 2 * 4])
    expected = np.exp(logits) / np.exp(logits).sum()
    assert classifier.probabilities(np.array([[3.0, 4.0]]))[0] == pytest.approx(expected)


def test_large_logits_do_not_overflow() -> None:
    assert softmax(np.array([[1e4, 0.0]])).tolist() == [[1.0, 0.0]]


def test_a_higher_temperature_makes_it_less_sure_and_changes_no_order() -> None:
    features = np.array([[2.0, 1.0, 0.0]])
    warm, hot = (CORNERS.cooled(temperature).probabilities(features)[0] for temperature in (1.0, 5.0))
    assert warm.max() > hot.max() > 1 / 3
    assert warm.argsort().tolist() == hot.argsort().tolist()


def test_labels_become_as_frequent_as_they_are_among_the_products() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 2000, p=[0.8, 0.15, 0.05])
    # Of two classes with means a and b and unit variance, x (a - b) + (b b - a a) / 2 are the exact log odds.
    means = 1.5 * np.eye(3)
    features = means[truth] + rng.normal(0, 1, (2000, 3))
    exact = Classifier(means.T, -(means**2).sum(axis=1) / 2)
    settled = exact.at_home_in(features)
    assert settled.probabilities(features).mean(axis=0) == pytest.approx([0.8, 0.15, 0.05], abs=0.04)
    before, after = ((c.probabilities(features).argmax(axis=1) == truth).mean() for c in (exact, settled))
    assert after > before + 0.05


def test_a_label_that_no_product_has_is_not_ruled_out() -> None:
    settled = CORNERS.cooled(0.01).at_home_in(np.array([[1.0, 0.0, 0.0]] * 50))
    assert settled.probabilities(np.array([[0.0, 0.0, 1.0]])).argmax() == 2


def test_kinds_of_vectors_count_alike_whatever_their_length() -> None:
    joined = side_by_side(np.array([[3.0, 4.0]]), np.array([[0.0, 500.0]]))
    assert joined[0] == pytest.approx(np.array([0.6, 0.8, 0.0, 1.0]) / np.sqrt(2))


def test_a_vector_of_zeros_stays_zero() -> None:
    assert unit_rows(np.zeros((1, 3))).tolist() == [[0.0, 0.0, 0.0]]


def test_the_nearest_name_is_the_most_probable_label() -> None:
    classifier = by_names(np.array([[2.0, 0.0], [0.0, 5.0]]))
    found = classifier.probabilities(np.array([[0.8, 0.6]]))[0]
    assert found[0] / found[1] == pytest.approx(np.exp(0.2 / TEMPERATURE))

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ingestion.labels import few_shot
from ingestion.labels.calibration import accuracy, calibration_error
from ingestion.labels.classifier import FloatArray, IntArray, unit_rows
from ingestion.labels.few_shot import ExamplesError, learn

WIDTH, LABELS = 40, 6


def drawn(count: int, noise: float, seed: int) -> tuple[FloatArray, IntArray]:
    """`count` unit vectors around the centre of each label."""
    centres = np.random.default_rng(1).normal(size=(LABELS, WIDTH))
    labels = np.repeat(np.arange(LABELS), count)
    rng = np.random.default_rng(seed)
    return unit_rows(centres[labels] + noise * rng.normal(size=(len(labels), WIDTH))), labels


def test_ten_examples_tell_labels_that_lie_apart() -> None:
    classifier, check = learn(*drawn(10, 0.3, 0))
    features, labels = drawn(100, 0.3, 9)
    assert accuracy(classifier.probabilities(features), labels) == 1
    assert (check.examples, check.accuracy) == (60, 1)


def test_confidence_is_about_as_high_as_the_share_of_what_is_right() -> None:
    classifier, check = learn(*drawn(10, 1.6, 0))
    features, labels = drawn(300, 1.6, 9)
    found = classifier.probabilities(features)
    assert 0.6 < accuracy(found, labels) < 0.98
    assert calibration_error(found, labels) < 0.1
    assert check.accuracy == pytest.approx(accuracy(found, labels), abs=0.15)


def test_the_fit_is_that_of_another_implementation() -> None:
    features, labels = drawn(10, 1.0, 0)
    ours = few_shot._fit(features, labels, 1e-2, LABELS).probabilities(features)
    theirs = LogisticRegression(C=1 / (1e-2 * len(labels)), tol=1e-8, max_iter=2000).fit(features, labels)
    assert ours == pytest.approx(theirs.predict_proba(features), abs=1e-3)


def test_folds_take_each_example_once_and_spread_each_label() -> None:
    labels = np.array([0] * 10 + [1] * 5)
    folds = list(few_shot._folds(labels, 5, 0))
    assert sorted(np.concatenate(folds).tolist()) == list(range(15))
    assert [np.bincount(labels[fold]).tolist() for fold in folds] == [[2, 1]] * 5


def test_two_examples_of_each_label_are_enough_to_learn() -> None:
    classifier, _ = learn(*drawn(2, 0.1, 0))
    features, labels = drawn(50, 0.1, 9)
    assert accuracy(classifier.probabilities(features), labels) == 1


def test_the_same_examples_and_seed_give_the_same_classifier() -> None:
    examples = drawn(5, 1.0, 0)
    (one, _), (other, _) = learn(*examples, seed=3), learn(*examples, seed=3)
    assert np.array_equal(one.weight, other.weight)


@pytest.mark.parametrize("labels", [[], [0, 0, 0], [0, 0, 1], [0, 0, 2, 2]])
def test_too_few_examples_are_refused(labels: list[int]) -> None:
    with pytest.raises(ExamplesError, match="two labels or more with 2 examples"):
        learn(np.eye(4)[: len(labels)], np.array(labels, dtype=int))

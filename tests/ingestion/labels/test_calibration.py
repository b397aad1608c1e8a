import numpy as np
import pytest

from ingestion.labels.calibration import accuracy, best_temperature, calibration_error, log_loss
from ingestion.labels.classifier import softmax


def test_accuracy_and_log_loss_of_a_small_case() -> None:
    probabilities = np.array([[0.75, 0.25], [0.5, 0.5], [0.1, 0.9]])
    labels = np.array([0, 0, 0])
    assert accuracy(probabilities, labels) == pytest.approx(2 / 3)
    assert log_loss(probabilities, labels) == pytest.approx(-np.log([0.75, 0.5, 0.1]).mean())


def test_the_calibration_error_by_hand() -> None:
    # Two bins: .9 and .9 with one right, .6 with one right: (|1 - 1.8| + |1 - .6|) / 3
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    assert calibration_error(probabilities, np.array([0, 1, 0])) == pytest.approx((0.8 + 0.4) / 3)


def test_confidence_that_is_always_right_has_no_error() -> None:
    assert calibration_error(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1])) == 0


def test_the_temperature_undoes_what_was_too_sure() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    probabilities = softmax(logits)
    labels = (rng.random((20_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    assert best_temperature(4 * logits, labels) == pytest.approx(4, rel=0.05)
    assert calibration_error(probabilities, labels) < 0.02 < calibration_error(softmax(4 * logits), labels)


@pytest.mark.parametrize("count", [4, 40])
def test_a_few_examples_that_were_all_right_make_nothing_certain(count: int) -> None:
    logits = np.tile([5.0, 0.0, 0.0], (count, 1))
    labels = np.zeros(count, int)
    found = softmax(logits / best_temperature(logits, labels))
    assert found[0, 0] == pytest.approx((count + 1) / (count + 2), abs=1e-3)

"""How far a confidence can be believed.

**Shapes**: n products, C labels.
"""

import numpy as np
from scipy.optimize import minimize_scalar

from ingestion.labels.classifier import FloatArray, IntArray, softmax

BINS = 15
_COLDEST, _HOTTEST = 0.02, 50.0
_SMALLEST = 1e-12  # a probability that is taken for zero


def best_temperature(logits: FloatArray, labels: IntArray) -> float:
    """The temperature at which known labels are most probable.

    Args:
        logits: (n, C) of products that the classifier was not fitted to; C at least 2.
        labels: (n,) positions of their labels.
    """

    # As if one of two more were wrong (the rule of succession): a few that were all right do not make certain.
    wrong = 1 / (len(labels) + 2)
    target = np.full(logits.shape, wrong / (logits.shape[1] - 1))
    target[np.arange(len(labels)), labels] = 1 - wrong

    def loss(log_temperature: float) -> float:
        found = softmax(logits / np.exp(log_temperature))
        return float(-(target * np.log(np.maximum(found, _SMALLEST))).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def log_loss(probabilities: FloatArray, labels: IntArray) -> float:
    """Mean of the negative logarithm of the probability of what is true, in nats."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], _SMALLEST)).mean())


def accuracy(probabilities: FloatArray, labels: IntArray) -> float:
    """Share of products whose most probable label is true."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def calibration_error(probabilities: FloatArray, labels: IntArray) -> float:
    """Expected calibration error: how far confidence is from accuracy, over 15 bins of equal width.

    Args:
        probabilities: (n, C), n at least 1; the confidence of a row is its largest.
        labels: (n,) positions of true labels.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(number, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))

"""Labels learned from a few examples of each: regularised multinomial logistic regression with calibrated confidence.

**Shapes**: n examples, d the width of their vectors, C labels, F folds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ingestion.labels.calibration import accuracy, best_temperature, calibration_error, log_loss
from ingestion.labels.classifier import Classifier, FloatArray, IntArray, softmax
from schema.errors import PathrecError

FEWEST = 2
"""Examples that each label needs: one to learn from while the other is asked."""

_FOLDS = 5
_PENALTIES = (1e-2, 1e-3, 1e-4, 1e-5)  # strongest first: each fit starts where the one before it ended
_STEPS = 200


class ExamplesError(PathrecError):
    """Nothing can be learned from these examples."""


@dataclass(frozen=True)
class Check:
    """How well examples are told that were held out, each once.

    Attributes:
        examples: how many there are.
        accuracy: share of them whose label was found.
        calibration_error: expected calibration error of their confidence; the temperature was fitted to them, too.
        temperature: what logits are divided by; above one where the fit alone is too sure of itself.
        penalty: the weight of the squared weights that cross-validation chose.
    """

    examples: int
    accuracy: float
    calibration_error: float
    temperature: float
    penalty: float


def learn(features: FloatArray, labels: IntArray, *, seed: int = 0) -> tuple[Classifier, Check]:
    """A classifier of examples, with penalty and temperature by cross-validation among them.

    Args:
        features: (n, d) rows of length 1.
        labels: (n,) positions 0 … C - 1, each there at least twice.
        seed: which examples are held out together.

    Raises:
        ExamplesError: a label has fewer than two examples, or there is one label only.
    """
    counts = np.bincount(labels) if len(labels) else np.zeros(0, int)
    if len(counts) < 2 or counts.min() < FEWEST:
        raise ExamplesError(f"two labels or more with {FEWEST} examples or more each are needed to learn from")
    # Weights lie in the space that the examples span, which has no more than n dimensions.
    left, lengths, axes = np.linalg.svd(features.astype(np.float64), full_matrices=False)
    short = left * lengths  # (n, at most n)
    folds = list(_folds(labels, min(_FOLDS, int(counts.min())), seed))
    held_out = _held_out(short, labels, folds, len(counts))
    losses = [log_loss(softmax(logits / best_temperature(logits, labels)), labels) for logits in held_out]
    best = int(np.argmin(losses))
    temperature = best_temperature(held_out[best], labels)
    found = softmax(held_out[best] / temperature)
    check = Check(
        examples=len(labels),
        accuracy=accuracy(found, labels),
        calibration_error=calibration_error(found, labels),
        temperature=temperature,
        penalty=_PENALTIES[best],
    )
    fitted = _fit(short, labels, _PENALTIES[best], len(counts)).cooled(temperature)
    return Classifier(axes.T @ fitted.weight, fitted.bias), check


def _folds(labels: IntArray, count: int, seed: int) -> Iterator[IntArray]:
    """F sets of positions, each label spread evenly over them."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    within = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    yield from (order[within % count == fold] for fold in range(count))


def _held_out(features: FloatArray, labels: IntArray, folds: list[IntArray], count: int) -> list[FloatArray]:
    """For each penalty (n, C) logits of every example by a classifier that has not seen it."""
    found: list[FloatArray] = [np.zeros((len(labels), count)) for _ in _PENALTIES]
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(labels)), fold)
        start: Classifier | None = None
        for penalty, logits in zip(_PENALTIES, found, strict=True):
            start = _fit(features[rest], labels[rest], penalty, count, start)
            logits[fold] = start.logits(features[fold])
    return found


def _fit(
    features: FloatArray, labels: IntArray, penalty: float, count: int, start: Classifier | None = None
) -> Classifier:
    """Minimises the mean log loss plus half the penalty times the squared weights."""
    width = features.shape[1]
    truth = np.eye(count)[labels]

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        made = _shaped(flat, width)
        found = made.probabilities(features)
        missed = (found - truth) / len(labels)  # (n, C)
        gradient = np.vstack([features.T @ missed + penalty * made.weight, missed.sum(axis=0)])
        return log_loss(found, labels) + penalty / 2 * float((made.weight**2).sum()), gradient.ravel()

    flat = np.zeros((width + 1) * count) if start is None else np.vstack([start.weight, start.bias]).ravel()
    found = minimize(loss, flat, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    return _shaped(found.x, width)


def _shaped(flat: FloatArray, width: int) -> Classifier:
    rows = flat.reshape(width + 1, -1)
    return Classifier(rows[:-1], rows[-1])

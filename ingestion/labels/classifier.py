"""A linear classifier over the vectors of products, whose answers are probabilities.

**Shapes**: n products, d the width of their vectors, C labels.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]

_ROUNDS = 200
_SETTLED = 1e-5


@dataclass(frozen=True)
class Classifier:
    """Probabilities are the softmax of `features @ weight + bias`.

    Shapes:
        weight: (d, C).
        bias: (C,).
    """

    weight: FloatArray
    bias: FloatArray

    def logits(self, features: FloatArray) -> FloatArray:
        """(n, C)."""
        return np.asarray(features @ self.weight + self.bias)

    def probabilities(self, features: FloatArray) -> FloatArray:
        """(n, C), rows sum to one."""
        return softmax(self.logits(features))

    def cooled(self, temperature: float) -> "Classifier":
        """The same order of labels, less sure of it the higher the temperature is."""
        return Classifier(self.weight / temperature, self.bias / temperature)

    def at_home_in(self, features: FloatArray) -> "Classifier":
        """The same classifier where labels are as frequent as they are among unlabelled products.

        Examples are the same number of each label, products are not. How frequent labels are is what makes the
        mean of the probabilities agree with it (expectation maximisation; Saerens, Latinne, Decaestecker 2002).

        Args:
            features: (n, d) of products as they come.
        """
        given = self.probabilities(features)
        share = np.full(given.shape[1], 1 / given.shape[1])
        for _ in range(_ROUNDS):
            shifted = given * share
            shifted /= shifted.sum(axis=1, keepdims=True)
            # One product of each label is added, so that no label is ruled out for products to come.
            new = (shifted.sum(axis=0) + 1) / (len(shifted) + len(share))
            moved = np.abs(new - share).max()
            share = new
            if moved < _SETTLED:
                break
        return replace(self, bias=self.bias + np.log(share * len(share)))


def softmax(logits: FloatArray) -> FloatArray:
    """(n, C), rows sum to one."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def unit_rows(matrix: FloatArray) -> FloatArray:
    """(n, d) rows of length 1; one of zeros stays."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.where(lengths > 0, lengths, 1))


def side_by_side(*blocks: FloatArray) -> FloatArray:
    """(n, sum of widths) several kinds of vectors of the same products, each kind counting alike."""
    return np.asarray(np.hstack([unit_rows(block) for block in blocks]) / np.sqrt(len(blocks)))

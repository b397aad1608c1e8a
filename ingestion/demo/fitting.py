"""Which products of the demo shop go together, and which can take each other's place.

**Shapes**: N products.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ingestion.demo.words import Words

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

NONE = -1
"""Fills rows of relations that have fewer ends than the longest."""

_FITTING = 2  # products named for each kind that goes with a product's own
_SIMILAR = 2
_SHARE_WITH_SUBSTITUTES = 0.4


@dataclass(frozen=True)
class Looks:
    """What makes two products fit: (N,) kind, design, style, brand, colour, price level."""

    leaf: IntArray
    design: IntArray
    style: IntArray
    brand: IntArray
    colour: IntArray
    level: FloatArray

    def fit(self, some: IntArray, others: IntArray) -> FloatArray:
        """(len(some), len(others)) the higher the better."""
        same = 1.2 * (self.style[some, None] == self.style[others])
        same = same + 0.9 * (self.brand[some, None] == self.brand[others])
        same = same + 0.7 * (self.colour[some, None] == self.colour[others])
        return np.asarray(same - np.abs(self.level[some, None] - self.level[others]))


def draw_complements(words: Words, looks: Looks, rng: Generator) -> IntArray:
    """(N, K) the best fitting products of each kind that goes with a product's own."""
    names = [place.name for place in words.places]
    most = max(len(place.leaf.goes_with) for place in words.places)
    found = np.full((len(looks.leaf), most * _FITTING), NONE)
    for number, place in enumerate(words.places):
        some = np.flatnonzero(looks.leaf == number)
        for slot, other in enumerate(place.leaf.goes_with):
            others = np.flatnonzero(looks.leaf == names.index(other))
            fit = looks.fit(some, others) + rng.gumbel(0, 0.3, (len(some), len(others)))
            _put_best(found, some, others, fit, slot * _FITTING, _FITTING)
    return found


def draw_substitutes(looks: Looks, rng: Generator) -> IntArray:
    """(N, 2) for some of the products: other designs of the same kind that are most alike."""
    found = np.full((len(looks.leaf), _SIMILAR), NONE)
    has_some = rng.random(len(looks.leaf)) < _SHARE_WITH_SUBSTITUTES
    for number in np.unique(looks.leaf):
        others = np.flatnonzero(looks.leaf == number)
        some = others[has_some[others]]
        fit = looks.fit(some, others) + rng.gumbel(0, 0.1, (len(some), len(others)))
        fit[looks.design[some, None] == looks.design[others]] = -np.inf
        _put_best(found, some, others, fit, 0, _SIMILAR)
    return found


def _put_best(found: IntArray, some: IntArray, others: IntArray, fit: FloatArray, start: int, count: int) -> None:
    order = np.argsort(-fit, axis=1, kind="stable")[:, :count]
    possible = np.isfinite(np.take_along_axis(fit, order, 1))
    found[some, start : start + order.shape[1]] = np.where(possible, others[order], NONE)

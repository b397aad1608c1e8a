"""What the simulated shoppers of the fashion shop like. It is planted here, so that one can tell who finds it.

A shopper prefers a few types, colours and styles, and leans to looks that only the photograph shows.

**Shapes**: U shoppers, N products, M measures of looks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ingestion.demo.fitting import FloatArray, IntArray
from ingestion.fashion.looks import measured
from ingestion.fashion.photographed import TYPE, Photographed

UNISEX = "Unisex"


@dataclass(frozen=True)
class Preference:
    """How shoppers choose among the values of an attribute.

    Attributes:
        few: how many values a shopper prefers.
        strength: how much the best of them counts; the others of the few count between half of it and all.
    """

    few: int
    strength: float


PLANTED = {
    TYPE: Preference(4, 3.0),
    "baseColour": Preference(3, 2.0),
    "usage": Preference(2, 1.5),
    "season": Preference(1, 0.8),
    "gender": Preference(1, 3.0),
}
"""Attributes that shoppers have preferences for: type, colour, and the three that make a style."""
LOOKS = 0.5
"""Standard deviation of what a measure of the photograph counts for a shopper."""
APPEAL = 0.8
"""The same of what a product counts for everybody: its quality and fame."""


@dataclass(frozen=True)
class Tastes:
    """Shoppers and products side by side.

    Attributes:
        codes: for each planted attribute (N,) its value of each product.
        weights: for each planted attribute (U, values) what each value counts for each shopper.
        looks: (N, M) what the photographs show.
        leaning: (U, M) what that counts for each shopper.
        appeal: (N,) what a product counts for everybody.
    """

    codes: dict[str, IntArray]
    weights: dict[str, FloatArray]
    looks: FloatArray
    leaning: FloatArray
    appeal: FloatArray

    def of(self, shopper: int) -> FloatArray:
        """(N,) how much each product is to a shopper's taste, whatever others think of it."""
        planted = sum(self.weights[name][shopper][codes] for name, codes in self.codes.items())
        return np.asarray(planted + self.looks @ self.leaning[shopper])


def draw_tastes(products: Photographed, rng: Generator, count: int) -> Tastes:
    """Tastes of `count` shoppers for some products."""
    coded = {name: products.coded(name) for name in PLANTED}
    codes = {name: numbers for name, (_, numbers) in coded.items()}
    weights = {name: _weights(coded[name], PLANTED[name], rng, count) for name in PLANTED}
    genders = coded["gender"][0]
    if UNISEX in genders:
        weights["gender"][:, genders.index(UNISEX)] = PLANTED["gender"].strength / 2  # fits everybody a little
    looks = measured(products.pictures, codes["baseColour"])
    return Tastes(
        codes=codes,
        weights=weights,
        looks=looks,
        leaning=rng.normal(0, LOOKS, (count, looks.shape[1])),
        appeal=rng.normal(0, APPEAL, len(products)),
    )


def _weights(coded: tuple[list[str], IntArray], preference: Preference, rng: Generator, count: int) -> FloatArray:
    """(count, values) zero but for the few that each shopper prefers; what is frequent is preferred more often."""
    values, codes = coded
    share = np.bincount(codes, minlength=len(values)) / len(codes)
    order = np.argsort(-(0.7 * np.log(share) + rng.gumbel(0, 1, (count, len(values)))), axis=1)
    chosen = order[:, : preference.few]
    worth = rng.uniform(0.5, 1, chosen.shape)
    weights = np.zeros((count, len(values)))
    np.put_along_axis(weights, chosen, preference.strength * worth / worth.max(axis=1, keepdims=True), axis=1)
    return weights

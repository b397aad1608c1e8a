"""What the demo shop's shoppers like. It is planted here, so that one can tell whether a recommender finds it.

A shopper leans to one of a few ways of life and a little to a second: each prefers some kinds of
products, colours and styles. Brands, a price level and how far complements are followed are personal.

**Shapes**: U shoppers, N products, L kinds of products.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ingestion.demo.catalogue import Catalogue
from ingestion.demo.fitting import FloatArray, IntArray
from ingestion.demo.words import Words

COUNTRIES = ("DE", "GB", "FR", "NL", "AT", "SE", "ES", "IT", "PL", "DK")

_WAYS_OF_LIFE = 14
_FAVOURITE_BRANDS = 5


@dataclass(frozen=True)
class Shoppers:
    """People as columns.

    Attributes:
        country: (U,) into COUNTRIES.
        kinds: (U, L) shares of a shopper's interest, each row sums to one.
        liking: (U, N) how probable a choice is; only relations within a row mean something.
        follows: (U,) how readily a shopper turns to what goes with a product.
        activity: (U,) share of the shop's sessions.
        buys: (U,) how readily a view becomes more; 0: only looks.
    """

    country: IntArray
    kinds: FloatArray
    liking: FloatArray
    follows: FloatArray
    activity: FloatArray
    buys: FloatArray


def draw_shoppers(words: Words, catalogue: Catalogue, rng: Generator, count: int) -> Shoppers:
    """`count` shoppers with tastes of their own."""
    country = rng.choice(len(COUNTRIES), size=count, p=_falling(len(COUNTRIES)))
    ways = _ways_of_life(words, rng)
    leaning = _leaning(rng, count)
    kinds = _kinds(words, rng, leaning @ ways.kinds, country)
    colours = np.log(leaning @ ways.colours) + rng.normal(0, 0.5, (count, len(words.colours)))
    styles = np.log(leaning @ ways.styles) + rng.normal(0, 0.4, (count, len(words.styles)))
    looks = catalogue.looks
    wanted_level = rng.normal(0, 0.4, count)
    pull = (
        np.log(kinds / np.maximum(np.bincount(looks.leaf, minlength=kinds.shape[1]), 1))[:, looks.leaf]
        + 0.8 * colours[:, looks.colour]
        + 0.8 * styles[:, looks.style]
        + _brand_pull(words, rng, count)[:, looks.brand]
        - 1.2 * (looks.level - wanted_level[:, None]) ** 2
    )
    activity = 0.35 + rng.lognormal(0, 1.0, count)
    return Shoppers(
        country=country,
        kinds=kinds,
        liking=np.exp(pull - pull.max(axis=1, keepdims=True)),
        follows=rng.beta(2, 3, count),
        activity=activity / activity.sum(),
        buys=np.where(rng.random(count) < 0.12, 0.0, rng.gamma(4, 0.25, count)),
    )


@dataclass(frozen=True)
class _Ways:
    """Of each way of life: (W, L) kinds, (W, colours), (W, styles); rows sum to one."""

    kinds: FloatArray
    colours: FloatArray
    styles: FloatArray


def _ways_of_life(words: Words, rng: Generator) -> _Ways:
    departments = np.array([place.number for place in words.places])
    near = rng.permuted(np.tile(np.arange(departments.max() + 1), (_WAYS_OF_LIFE, 1)), axis=1)[:, :2]
    # Two departments matter to a way of life, and within them some kinds more than others.
    weight = 0.04 + 1.0 * (departments == near[:, :1]) + 0.6 * (departments == near[:, 1:])
    kinds = weight * rng.gamma(0.7, 1, (_WAYS_OF_LIFE, len(departments))) + 1e-4
    return _Ways(
        kinds=kinds / kinds.sum(axis=1, keepdims=True),
        colours=rng.dirichlet(np.full(len(words.colours), 0.6), _WAYS_OF_LIFE) + 0.01,
        styles=rng.dirichlet(np.full(len(words.styles), 0.6), _WAYS_OF_LIFE) + 0.03,
    )


def _leaning(rng: Generator, count: int) -> FloatArray:
    """(U, W) mostly one way of life, a little of a second."""
    first, second = rng.integers(_WAYS_OF_LIFE, size=(2, count))
    share = rng.uniform(0.6, 0.95, count)
    leaning = np.zeros((count, _WAYS_OF_LIFE))
    leaning[np.arange(count), first] += share
    leaning[np.arange(count), second] += 1 - share
    return leaning


def _kinds(words: Words, rng: Generator, kinds: FloatArray, country: IntArray) -> FloatArray:
    """Personal leanings, and small ones of countries, on top of the ways of life."""
    departments = np.array([place.number for place in words.places])
    national = rng.normal(0, 0.25, (len(COUNTRIES), departments.max() + 1))
    kinds = kinds * np.exp(rng.normal(0, 0.6, kinds.shape) + national[country][:, departments])
    return np.asarray(kinds / kinds.sum(axis=1, keepdims=True))


def _brand_pull(words: Words, rng: Generator, count: int) -> FloatArray:
    """(U, brands) a few favourites each, some brands being more people's favourites than others."""
    fame = np.log(rng.permutation(_falling(len(words.brands))))
    order = np.argsort(-(0.5 * fame + rng.gumbel(0, 1, (count, len(words.brands)))), axis=1)
    pull = np.zeros((count, len(words.brands)))
    np.put_along_axis(pull, order[:, :_FAVOURITE_BRANDS], rng.uniform(0.8, 2.2, (count, _FAVOURITE_BRANDS)), axis=1)
    return pull


def _falling(count: int) -> FloatArray:
    """(count,) shares that fall as one over the rank."""
    shares = 1 / np.arange(1, count + 1)
    return np.asarray(shares / shares.sum())

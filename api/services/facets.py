"""What a set of products is made of: how many are in each category, of each brand, in each range of prices.

All of it comes from the model's links and the shelf, as they are now, and costs no query.

Shapes: N products.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from api.services.catalogue import BoolArray, CategoryTree, FloatArray
from api.services.interests import BRAND, CATEGORY
from api.services.live import LiveState
from gnn.paths import IntArray

_RANGES = 5


class Group(NamedTuple):
    """Products of a category or a brand; its `key` is the shop's own."""

    key: str
    count: int


class PriceRange(NamedTuple):
    """Products of a range of prices; both ends are prices of some of them, so that a filter gives just these."""

    minimum: float
    maximum: float
    count: int


@dataclass(frozen=True)
class Facets:
    """Counts of a set of products: groups with most first, prices from low to high.

    A category counts what is in it or below it, like a filter on it.
    """

    categories: tuple[Group, ...]
    brands: tuple[Group, ...]
    prices: tuple[PriceRange, ...]
    available: int
    unavailable: int


def facets(state: LiveState, shown: BoolArray, available: int, unavailable: int) -> Facets:
    """The facets of some products.

    Args:
        state: the model they are of.
        shown: (N,) products that count.
        available, unavailable: how many there are of each, shown or not.
    """
    return Facets(
        categories=_largest(_with_all_above(_members(state, CATEGORY, shown), state.categories)),
        brands=_largest({key: len(rows) for key, rows in _members(state, BRAND, shown).items()}),
        prices=price_ranges(state.shelf.price[shown]),
        available=available,
        unavailable=unavailable,
    )


def price_ranges(prices: FloatArray) -> tuple[PriceRange, ...]:
    """At most five ranges with about as many products each; products without a price (NaN) are in none."""
    values, counts = np.unique(prices[np.isfinite(prices)], return_counts=True)
    if not len(values):
        return ()
    below = np.cumsum(counts) - counts
    place = (below + counts / 2) * _RANGES // counts.sum()
    starts = [*np.flatnonzero(np.diff(place, prepend=-1.0)).tolist(), len(values)]
    return tuple(
        PriceRange(float(values[start]), float(values[stop - 1]), int(counts[start:stop].sum()))
        for start, stop in pairwise(starts)
    )


def _members(state: LiveState, relation: str, shown: BoolArray) -> dict[str, IntArray]:
    """Key of a node -> the products shown that a relation links to it; nodes without any are absent."""
    term = next((term for term in state.scorer.terms if term.term.name == relation), None)
    if term is None:
        return {}
    rows = np.repeat(np.arange(len(shown)), np.diff(term.links.indptr))
    kept = shown[rows]
    rows, nodes = rows[kept], term.links.indices[kept]
    order = np.argsort(nodes, kind="stable")
    found, starts = np.unique(nodes[order], return_index=True)
    return {term.keys[node]: part for node, part in zip(found, np.split(rows[order], starts)[1:], strict=True)}


def _with_all_above(members: Mapping[str, IntArray], tree: CategoryTree) -> dict[str, int]:
    """Category -> how many products are in it or below it; what is in two of them counts once above both."""
    lying: dict[str, list[IntArray]] = {}
    for key, rows in members.items():
        for category in tree.lineage(key):
            lying.setdefault(category, []).append(rows)
    return {
        key: len(parts[0]) if len(parts) == 1 else len(np.unique(np.concatenate(parts))) for key, parts in lying.items()
    }


def _largest(counts: Mapping[str, int]) -> tuple[Group, ...]:
    return tuple(Group(*item) for item in sorted(counts.items(), key=lambda item: (-item[1], item[0])))

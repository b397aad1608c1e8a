"""Popularity: everybody gets what most people bought, lately."""

import numpy as np

from gnn.data import Shop
from gnn.paths import FloatArray
from gnn.scoring import MS_PER_DAY

HALF_LIVES = (3.0, 7.0, 15.0, 30.0, 90.0, 1e6)
"""Days to choose from; the last is popularity over all time."""


def popularity(shop: Shop, half_life: float) -> FloatArray:
    """(N,) target events of each product, halved for every half-life of their age."""
    events = shop.events
    bought = events.behaviour == shop.target
    age = np.maximum(shop.as_of_ms - events.time_ms[bought], 0) / MS_PER_DAY
    weights = np.exp2(-age / half_life)
    return np.asarray(np.bincount(events.product[bought], weights=weights, minlength=shop.products), np.float64)

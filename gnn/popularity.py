"""How much each product was in demand, over several horizons, at the moment the data ends."""

import numpy as np

from gnn.data import Shop
from gnn.paths import FloatArray
from gnn.scoring import MS_PER_DAY

HORIZONS = (5.0, 15.0, 60.0, 365.0)
"""Half-lives in days."""


def demand(shop: Shop) -> FloatArray:
    """(len(HORIZONS), N) events with each product, halved for every half-life of their age.

    A product that nobody met counts like an event's worth of the mean of all: it is unknown, not unwanted.
    """
    age = np.maximum(shop.as_of_ms - shop.events.time_ms, 0) / MS_PER_DAY
    return np.stack(
        [np.bincount(shop.events.product, weights=np.exp2(-age / h), minlength=shop.products) for h in HORIZONS]
    )


def log_popularity(shop: Shop) -> FloatArray:
    """(len(HORIZONS), N) log demand, each row of mean zero and deviation one over the products."""
    counts = demand(shop)
    logs = np.log(counts + 0.5 * counts.mean(axis=1, keepdims=True) + 1e-9)
    deviation = logs.std(axis=1, keepdims=True)
    return np.asarray((logs - logs.mean(axis=1, keepdims=True)) / np.where(deviation > 1e-9, deviation, 1.0))


def shrunk_to_category(shop: Shop, values: FloatArray) -> FloatArray:
    """(N,) values of products that nobody met yet replaced by the mean of their category.

    Else a product that is new since the last training would stand below everything that was ever sold.
    """
    met = np.bincount(shop.events.product, minlength=shop.products) > 0
    result = np.where(met, values, values[met].mean())
    edges = shop.edges.get("IN_CATEGORY")
    if edges is None or not len(edges.source):
        return np.asarray(result)
    width = len(shop.ids["Category"])
    known = met[edges.source]
    count = np.bincount(edges.target[known], minlength=width)
    total = np.bincount(edges.target[known], weights=values[edges.source[known]], minlength=width)
    cold = ~known & (count[edges.target] > 0)
    result[edges.source[cold]] = (total / np.maximum(count, 1))[edges.target[cold]]
    return np.asarray(result)

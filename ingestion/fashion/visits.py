"""What the simulated shoppers of the fashion shop do: visits of views over half a year, with some purchases at the end.

A visit begins with something to the shopper's taste; from view to view it stays with a type of product or turns to
another. What is seen is bought the more readily the more it is to the shopper's taste and the better it is.

**Shapes**: V views of one shopper, N products.
"""

import numpy as np
from numpy.random import Generator

from ingestion.demo.fitting import FloatArray, IntArray
from ingestion.demo.seasons import draw_starts
from ingestion.demo.visits import PURCHASE, VIEW, Events
from ingestion.fashion.photographed import TYPE
from ingestion.fashion.tastes import Tastes

_VISITS = 10  # of a shopper, on average
_LONGEST = 12
_STAYS = 0.5  # of the steps stay with the type at hand
_READINESS = -2.2  # of an average product to an average taste; the logit of a purchase
_SECOND = 1000


def draw_events(tastes: Tastes, rng: Generator) -> Events:
    """Events of all shoppers, by time."""
    shoppers = len(tastes.leaning)
    activity = rng.lognormal(0, 0.9, shoppers)
    visits = 1 + rng.poisson((_VISITS - 1) * activity / activity.mean())
    before = np.cumsum(visits) - visits
    quality = rng.normal(0, 1, len(tastes.appeal))
    parts = [
        _events_of(tastes, quality, shopper, int(before[shopper]), int(visits[shopper]), rng)
        for shopper in range(shoppers)
    ]
    names = ("session", "user", "product", "behaviour", "time", "quantity")
    events = Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return events.at(np.lexsort((events.product, events.behaviour, events.session, events.time)))


def _events_of(tastes: Tastes, quality: FloatArray, shopper: int, first: int, visits: int, rng: Generator) -> Events:
    """All that one shopper does, in visits numbered from `first` on."""
    taste = tastes.of(shopper)
    lengths = np.minimum(rng.geometric(0.27, size=visits), _LONGEST)
    visit = np.repeat(np.arange(visits), lengths)
    product = _views(taste + tastes.appeal, tastes.codes[TYPE], np.diff(visit, prepend=-1) > 0, rng)
    pauses = 20 + rng.lognormal(3.2, 0.8, len(visit))
    starts = draw_starts(rng, visits)
    ends = np.cumsum(lengths) - 1
    passed = np.cumsum(pauses)
    seconds = passed - np.concatenate([[0], passed[ends][:-1]])[visit]
    time = starts[visit] + (np.minimum(seconds, 3000) * _SECOND).astype(np.int64)
    # Half of the taste has already worked in what was looked at.
    ready = _READINESS + 0.5 * (taste[product] - taste.mean()) / max(taste.std(), 1e-9) + 0.5 * quality[product]
    bought = rng.random(len(visit)) < 1 / (1 + np.exp(-ready))
    bought[np.setdiff1d(np.flatnonzero(bought), _first_of_each(product, bought))] = False
    checkout = time[ends][visit] + 90 * _SECOND
    seen = np.arange(len(visit))
    rows = np.concatenate([seen, seen[bought]])
    purchase = np.arange(len(rows)) >= len(seen)
    return Events(
        session=first + visit[rows],
        user=np.full(len(rows), shopper),
        product=product[rows],
        behaviour=np.where(purchase, PURCHASE, VIEW),
        time=np.where(purchase, checkout[rows], time[rows]),
        quantity=purchase.astype(np.int64),
    )


def _views(
    liking: FloatArray, types: IntArray, begins: "np.ndarray[tuple[int], np.dtype[np.bool_]]", rng: Generator
) -> IntArray:
    """(V,) products drawn by the exponential of the liking, from all or from the type that was looked at before."""
    reached = np.concatenate([[0.0], np.cumsum(np.exp(liking - liking.max()))])
    bounds = np.searchsorted(types, np.arange(types[-1] + 2))  # a type is a range of positions
    stays = (rng.random(len(begins)) < _STAYS) & ~begins
    points = rng.random(len(begins))
    product = np.zeros(len(begins), np.int64)
    for step in range(len(begins)):
        kind = types[product[step - 1]]
        low, high = (bounds[kind], bounds[kind + 1]) if stays[step] else (0, len(types))
        point = reached[low] + points[step] * (reached[high] - reached[low])
        product[step] = min(max(np.searchsorted(reached, point, side="right") - 1, low), high - 1)
    return product


def _first_of_each(product: IntArray, bought: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> IntArray:
    """Positions of the first purchase of each product: nobody needs the same twice."""
    rows = np.flatnonzero(bought)
    _, first = np.unique(product[rows], return_index=True)
    return np.asarray(rows[first])

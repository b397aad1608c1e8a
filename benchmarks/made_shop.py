"""Shops of any size, made as arrays: what size alone does to training, without a store or a file in between.

Users have a few tastes that nobody is told of (a group of products each), buy from them most of the time and
otherwise whatever is popular. Products, brands and the activity of users follow power laws, so that there are
hubs; a category holds several tastes. What one user does in a visit stands in one basket, if it is bought.
"""

from dataclasses import dataclass

import numpy as np

from gnn.data import Edges, Events, Int32, Int64, Shop
from gnn.paths import FloatArray
from gnn.units import MS_PER_DAY
from schema.ontology import default_ontology

EVENTS_PER_USER = 10
DAYS = 365
START_MS = 1_735_689_600_000
"""2025-01-01."""
# Products of a hidden taste, tastes of a category, products of a brand.
OF_TASTE, OF_CATEGORY, OF_BRAND = 50, 5, 200
FAVOURITES = (0.5, 0.3, 0.2)
BY_TASTE = 0.7
BOUGHT = 0.4
OF_VISIT = 3
MS_PER_MINUTE = 60_000
# Exponents of the power laws: the larger, the fewer hubs.
POPULARITY, ACTIVITY = 1.2, 2.0


@dataclass(frozen=True)
class _Shelf:
    """Products in order of their taste, with weights to draw by.

    Shapes:
        order: (N,) products.
        reached: (N,) sum of the weights up to each of them.
        ends: (T + 1,) sum of the weights before each taste.
        taste: (N,) of each product by position.
    """

    order: Int64
    reached: FloatArray
    ends: FloatArray
    taste: Int64

    def draw(self, share: FloatArray) -> Int64:
        """(E,) products by weight, from numbers in [0, total)."""
        return self.order[np.minimum(np.searchsorted(self.reached, share, side="right"), len(self.order) - 1)]


def made_shop(products: int, users: int, *, seed: int = 0) -> Shop:
    """A shop of `EVENTS_PER_USER` events a user over a year; the same numbers give the same shop."""
    generator, ontology = np.random.default_rng(seed), default_ontology()
    shelf = _shelf(products, generator)
    user = _by_weight(generator.pareto(ACTIVITY, users) + 1, EVENTS_PER_USER * users, generator)
    user.sort()
    product = _wanted(shelf, user, users, generator)
    bought = generator.random(len(user)) < BOUGHT
    visit, time_ms = _visits(user, users, bought, generator)
    names, numbers = np.unique(visit[bought], return_inverse=True)
    basket = np.full(len(user), -1, np.int32)
    basket[bought] = numbers
    order = np.argsort(time_ms, kind="stable")
    codes = [list(ontology.behaviours).index(name) for name in ("view", "purchase")]
    events = Events(
        user=user[order].astype(np.int32),
        product=product[order].astype(np.int32),
        behaviour=np.array(codes, np.int32)[bought[order].astype(np.intp)],
        time_ms=time_ms[order],
        basket=basket[order],
        session=np.full(len(user), -1, np.int32),
    )
    category = shelf.taste // OF_CATEGORY
    brand = (max(products // OF_BRAND, 1) * generator.random(products) ** 2).astype(np.int64)
    nothing = _edges(np.empty(0, np.int64), np.empty(0, np.int64))
    ids = {"User": users, "Product": products, "Category": int(category.max()) + 1, "Brand": int(brand.max()) + 1}
    return Shop(
        ontology=ontology,
        ids={node: tuple(f"{node[0].lower()}{n}" for n in range(ids.get(node, 0))) for node in ontology.nodes},
        baskets=tuple(f"v{number}" for number in names.tolist()),
        sessions=(),
        events=events,
        edges=dict.fromkeys(ontology.relations, nothing)
        | {"IN_CATEGORY": _edges(np.arange(products), category), "MADE_BY": _edges(np.arange(products), brand)},
        features={},
        as_of_ms=int(time_ms.max()) + 1,
        change_number=0,
    )


def _shelf(products: int, generator: np.random.Generator) -> _Shelf:
    taste = generator.integers(0, max(products // OF_TASTE, 1), products)
    order = np.argsort(taste, kind="stable")
    reached = np.cumsum((generator.pareto(POPULARITY, products) + 1)[order])
    ends = np.concatenate([[0.0], reached])[np.concatenate([[0], np.cumsum(np.bincount(taste))])]
    return _Shelf(order, reached, ends, taste)


def _wanted(shelf: _Shelf, user: Int64, users: int, generator: np.random.Generator) -> Int64:
    """(E,) what each event is about."""
    total = shelf.reached[-1]
    favourites = shelf.taste[shelf.draw(total * generator.random(users * len(FAVOURITES)))].reshape(users, -1)
    which = np.searchsorted(np.cumsum(FAVOURITES[:-1]), generator.random(len(user)))
    taste, share = favourites[user, which], generator.random(len(user))
    own = shelf.ends[taste] + share * (shelf.ends[taste + 1] - shelf.ends[taste])
    return shelf.draw(np.where(generator.random(len(user)) < BY_TASTE, own, total * share))


def _visits(
    user: Int64, users: int, bought: "np.ndarray[tuple[int], np.dtype[np.bool_]]", generator: np.random.Generator
) -> tuple[Int64, Int64]:
    """(E,) number of the visit and moment of each event; one looks around before one buys all at once."""
    count = np.bincount(user, minlength=users)
    visits = -(-count // OF_VISIT)
    first = np.cumsum(visits) - visits
    visit = first[user] + (generator.random(len(user)) * visits[user]).astype(np.int64)
    moment = (generator.random(int(visits.sum())) * DAYS * MS_PER_DAY).astype(np.int64)
    before = generator.integers(1, 30, len(user)) * MS_PER_MINUTE
    return visit, START_MS + moment[visit] - np.where(bought, 0, before)


def _by_weight(weights: FloatArray, count: int, generator: np.random.Generator) -> Int64:
    """(count,) positions drawn by weight, with replacement."""
    reached = np.cumsum(weights)
    drawn = np.searchsorted(reached, generator.random(count) * reached[-1], side="right")
    return np.asarray(np.minimum(drawn, len(weights) - 1))


def _edges(source: Int64, target: Int64) -> Edges:
    ends: tuple[Int32, Int32] = (source.astype(np.int32), target.astype(np.int32))
    return Edges(*ends, np.ones(len(source), np.float32))

"""What the demo shop's shoppers do: sessions of views, some carts, some purchases, over half a year.

A session starts with something that the shopper likes at the time, or with what goes with the last
purchase; from view to view it stays with a kind of product, follows complements, or turns elsewhere.

**Shapes**: S sessions, U shoppers, N products, E events.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ingestion.demo.catalogue import Catalogue
from ingestion.demo.fitting import FloatArray, IntArray
from ingestion.demo.seasons import draw_attraction, draw_starts, weeks_of
from ingestion.demo.tastes import Shoppers
from ingestion.demo.words import Words

VIEW, CART, PURCHASE = range(3)
NOBODY = -1

_ANONYMOUS = 0.06
_LONGEST = 15
_SECOND = 1000


@dataclass(frozen=True)
class Events:
    """Events as columns, by time; `user` is NOBODY where somebody did not log in.

    Attributes:
        session: (E,) numbers a session; what is bought in one is one basket.
        time: (E,) milliseconds since 1970.
        quantity: (E,) pieces bought, 0 where nothing was.
    """

    session: IntArray
    user: IntArray
    product: IntArray
    behaviour: IntArray
    time: IntArray
    quantity: IntArray

    def __len__(self) -> int:
        return len(self.session)

    def at(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> "Events":
        """Some of the events, or all in another order."""
        columns = (self.session, self.user, self.product, self.behaviour, self.time, self.quantity)
        return Events(*(column[which] for column in columns))


@dataclass(frozen=True)
class _Sessions:
    """(S,) each: who (also where nobody logged in), number of views, start, week."""

    user: IntArray
    views: IntArray
    start: IntArray
    week: IntArray
    anonymous: NDArray[np.bool_]


def draw_events(words: Words, catalogue: Catalogue, shoppers: Shoppers, rng: Generator, count: int) -> Events:
    """`count` events; a session is whole, but for the last one drawn."""
    sessions = _draw_sessions(shoppers, rng, count)
    attraction = draw_attraction(words, catalogue, rng)
    viewed = _draw_views(catalogue, shoppers, sessions, attraction, rng)
    events = _act(words, catalogue, shoppers, sessions, viewed, rng)
    events = _buy_once(words, catalogue, events)
    sizes = np.bincount(events.session, minlength=len(sessions.user))
    # Sessions are drawn independently, so the first of them are as good a sample as any.
    whole = np.cumsum(sizes) <= count
    last = int(whole.sum())
    rest = count - int(sizes[whole].sum())
    kept = np.concatenate([np.flatnonzero(events.session < last), np.flatnonzero(events.session == last)[:rest]])
    return events.at(np.sort(kept))


def _draw_sessions(shoppers: Shoppers, rng: Generator, count: int) -> _Sessions:
    views = np.minimum(rng.geometric(0.27, size=count), _LONGEST)
    number = int(np.searchsorted(np.cumsum(views), count)) + 1  # as many as give `count` views, the carts on top
    start = draw_starts(rng, number)
    return _Sessions(
        user=rng.choice(len(shoppers.activity), size=number, p=shoppers.activity),
        views=views[:number],
        start=start,
        week=weeks_of(start),
        anonymous=rng.random(number) < _ANONYMOUS,
    )


def _draw_views(
    catalogue: Catalogue, shoppers: Shoppers, sessions: _Sessions, attraction: FloatArray, rng: Generator
) -> IntArray:
    """(S, longest) products in the order they are looked at; what lies beyond a session's end means nothing."""
    viewed = np.zeros((len(sessions.user), _LONGEST), dtype=int)
    before = np.full(len(shoppers.activity), NOBODY)  # what each shopper looked at last
    for week in np.unique(sessions.week):
        some = np.flatnonzero(sessions.week == week)
        some = some[np.argsort(sessions.start[some], kind="stable")]
        people, row = np.unique(sessions.user[some], return_inverse=True)
        chooser = _Chooser(catalogue, shoppers.liking[people] * attraction[week], shoppers.follows[people], rng)
        product = chooser.first(row, before[sessions.user[some]])
        for step in range(_LONGEST):
            viewed[some, step] = product
            going = np.flatnonzero(sessions.views[some] > step + 1)
            product[going] = chooser.next(row[going], product[going])
        before[sessions.user[some]] = product
    return viewed


class _Chooser:
    """Draws products for the shoppers of one week by their liking of the moment."""

    def __init__(self, catalogue: Catalogue, liking: FloatArray, follows: FloatArray, rng: Generator) -> None:
        self._liking = liking  # (R, N) of the R shoppers of the week
        self._sum = np.concatenate([np.zeros((len(liking), 1)), np.cumsum(liking, axis=1)], axis=1)
        self._follows = follows
        self._leaf = catalogue.looks.leaf
        self._starts = np.searchsorted(self._leaf, np.arange(self._leaf.max() + 2))
        self._complements = catalogue.complements
        self._rng = rng

    def first(self, row: IntArray, before: IntArray) -> IntArray:
        """Where sessions start: often near where the shopper was last time."""
        known = before != NOBODY
        product = self._anything(row)
        product[known] = self._move(row[known], before[known], same_kind=0.25, follow=0.5)
        return product

    def next(self, row: IntArray, product: IntArray) -> IntArray:
        """The next look after a look at a product."""
        return self._move(row, product, same_kind=0.5, follow=0.5)

    def _move(self, row: IntArray, product: IntArray, *, same_kind: float, follow: float) -> IntArray:
        mode = self._rng.random(len(row))
        following = mode < follow * self._follows[row]
        staying = ~following & (mode < follow * self._follows[row] + same_kind)
        chosen = self._anything(row)
        chosen[staying] = self._of_kind(row[staying], self._leaf[product[staying]])
        chosen[following] = self._complement(row[following], product[following])
        return chosen

    def _anything(self, row: IntArray) -> IntArray:
        return self._between(row, np.zeros(len(row), dtype=int), np.full(len(row), len(self._leaf)))

    def _of_kind(self, row: IntArray, leaf: IntArray) -> IntArray:
        return self._between(row, self._starts[leaf], self._starts[leaf + 1])

    def _complement(self, row: IntArray, product: IntArray) -> IntArray:
        """One of the products that go with a product; another of its kind where the shopper can have none."""
        choices = self._complements[product]  # (n, K)
        weights = np.cumsum(np.where(choices >= 0, self._liking[row[:, None], choices], 0), axis=1)
        point = self._rng.random(len(row))[:, None] * weights[:, -1:]
        slot = np.minimum((weights <= point).sum(axis=1), choices.shape[1] - 1)
        found = choices[np.arange(len(row)), slot]
        return np.where(weights[:, -1] > 0, found, self._of_kind(row, self._leaf[product]))

    def _between(self, row: IntArray, low: IntArray, high: IntArray) -> IntArray:
        """A product of [low, high) each, by liking: binary search in the running sums, all rows at once."""
        point = self._sum[row, low] + self._rng.random(len(row)) * (self._sum[row, high] - self._sum[row, low])
        low, high = low.copy(), high - 1
        while (low < high).any():
            middle = (low + high) // 2
            beyond = self._sum[row, middle + 1] <= point
            low, high = np.where(beyond & (low < high), middle + 1, low), np.where(beyond, high, middle)
        return low


def _act(
    words: Words, catalogue: Catalogue, shoppers: Shoppers, sessions: _Sessions, viewed: IntArray, rng: Generator
) -> Events:
    """Events of all sessions, each in its order: a cart follows its view, purchases end the session."""
    session, step = np.nonzero(np.arange(_LONGEST) < sessions.views[:, None])
    user, product = sessions.user[session], viewed[session, step]
    pauses = (20 + rng.lognormal(3.2, 0.8, viewed.shape)).cumsum(axis=1)
    time = sessions.start[session] + (np.minimum(pauses, 3000)[session, step] * _SECOND).astype(int)
    carted = rng.random(len(session)) < np.minimum(
        0.8, 0.55 * (shoppers.buys[user] * shoppers.liking[user, product] ** 0.12)
    )
    bought = carted & (rng.random(len(session)) < 0.72)
    end = time[np.cumsum(sessions.views)[session] - 1] + 90 * _SECOND
    again = np.array([place.leaf.again for place in words.places])[catalogue.looks.leaf[product]]
    pieces = 1 + rng.poisson(np.where(again, 0.9, 0.12))
    who = np.where(sessions.anonymous[session], NOBODY, user)
    nothing = np.zeros(len(session), dtype=int)
    columns = [
        (np.ones(len(session), bool), time, VIEW, nothing),
        (carted, time + 12 * _SECOND, CART, nothing),
        (bought, end, PURCHASE, pieces),
    ]
    events = [
        Events(session, who, product, np.full(len(session), behaviour), when, quantity).at(which)
        for which, when, behaviour, quantity in columns
    ]
    return _by_time(events)


def _by_time(parts: list[Events]) -> Events:
    names = ("session", "user", "product", "behaviour", "time", "quantity")
    events = Events(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return events.at(np.lexsort((events.product, events.behaviour, events.session, events.time)))


def _buy_once(words: Words, catalogue: Catalogue, events: Events) -> Events:
    """Without second purchases of what nobody needs twice."""
    again = np.array([place.leaf.again for place in words.places])[catalogue.looks.leaf[events.product]]
    counted = np.flatnonzero((events.behaviour == PURCHASE) & ~again & (events.user != NOBODY))
    pairs = events.user[counted] * len(catalogue) + events.product[counted]
    _, first = np.unique(pairs, return_index=True)
    repeated = np.setdiff1d(counted, counted[first])
    return events.at(np.setdiff1d(np.arange(len(events)), repeated))

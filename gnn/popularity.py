"""How much each product is in demand, over several horizons, at any moment.

The prior and the trend are fitted mixtures of log decayed counts

    c_h(i, t) = Σ_{events e of i before t} 2^(-(t - t_e) / h)

for half-lives h. Counts are causal: what happens at a moment does not yet count in it, but for the moment
that the data ends at, which has seen it all.
"""

from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

from gnn.data import Int64, Shop
from gnn.paths import FloatArray
from gnn.units import MS_PER_DAY

HORIZONS = (5.0, 15.0, 60.0, 365.0, np.inf)
"""Half-lives in days; the last counts everything alike."""
_BEFORE = 0.9


@dataclass(frozen=True)
class Demand:
    """When each product was met, and what its log counts are measured against.

    Shapes:
        indptr: (N + 1,) events of product i are indptr[i] : indptr[i + 1].
        time_ms: (E,) of the events, in order within a product.
        decayed: (H, E) counts just after each event.
        smoothing, centre, deviation: (H,) of the log counts at the end of the data.
    """

    horizons: tuple[float, ...]
    as_of_ms: int
    indptr: Int64
    time_ms: Int64
    decayed: FloatArray
    smoothing: FloatArray
    centre: FloatArray
    deviation: FloatArray

    def log(self, as_of_ms: int | None = None) -> FloatArray:
        """(H, N) standardised log demand of all products at a moment; at the end of the data, if not said."""
        products = np.arange(len(self.indptr) - 1)
        return self.log_of(products, np.full(len(products), self.as_of_ms if as_of_ms is None else as_of_ms))

    def log_of(self, products: npt.NDArray[np.integer], as_of_ms: Int64) -> FloatArray:
        """(H, P) standardised log demand of some products, each at its own moment (P,)."""
        counts = self._counts(np.asarray(products, np.int64), np.asarray(as_of_ms, np.int64))
        return _standardised(counts, self)

    def since(self, shop: Shop) -> "Demand":
        """The same measure over what has happened in a shop by now."""
        now = demand(shop)
        return replace(self, as_of_ms=now.as_of_ms, indptr=now.indptr, time_ms=now.time_ms, decayed=_decays(now, self))

    def _counts(self, products: Int64, as_of_ms: Int64) -> FloatArray:
        before = np.where(as_of_ms >= self.as_of_ms, np.iinfo(np.int64).max, as_of_ms)
        last = _last_before(self.indptr, self.time_ms, products, before)
        found = last >= 0
        age = np.maximum(as_of_ms - self.time_ms[last], 0) / MS_PER_DAY if len(self.time_ms) else np.zeros(len(last))
        counts = [
            np.where(found, decayed[last] * np.exp2(-age / h), 0.0) if len(decayed) else np.zeros(len(last))
            for h, decayed in zip(self.horizons, self.decayed, strict=True)
        ]
        return np.stack(counts)


@dataclass(frozen=True)
class Moment:
    """The prior and the trend at any moment: fitted mixtures of log demand.

    Shapes:
        prior, trend: (H,) weights.
    """

    demand: Demand
    prior: FloatArray
    trend: FloatArray

    def at(self, as_of_ms: npt.NDArray[np.int64], products: int) -> tuple[FloatArray, FloatArray]:
        """(B, N) prior and trend, each row at its own moment."""
        everything = np.tile(np.arange(products), len(as_of_ms))
        known = self.demand.log_of(everything, np.repeat(as_of_ms, products))
        shape = (len(as_of_ms), products)
        return (self.prior @ known).reshape(shape), np.exp(self.trend @ known).reshape(shape)


@dataclass(frozen=True)
class Pulse:
    """What a model keeps of its `Moment`, so that what has happened since counts without training.

    Shapes:
        prior, trend, smoothing, centre, deviation: (H,) as of `Moment` and `Demand`.
        counts: (H, N) decayed counts at `as_of_ms`.
    """

    as_of_ms: int
    horizons: tuple[float, ...]
    prior: FloatArray
    trend: FloatArray
    smoothing: FloatArray
    centre: FloatArray
    deviation: FloatArray
    counts: FloatArray

    @classmethod
    def of(cls, moment: Moment) -> "Pulse":
        """At the end of a moment's data."""
        known = moment.demand
        products = np.arange(len(known.indptr) - 1)
        counts = known._counts(products, np.full(len(products), known.as_of_ms))
        return cls(
            known.as_of_ms,
            known.horizons,
            moment.prior,
            moment.trend,
            known.smoothing,
            known.centre,
            known.deviation,
            counts,
        )

    def longer(self, more: int) -> "Pulse":
        """With new products at the end, which nobody has met."""
        return replace(self, counts=np.pad(self.counts, ((0, 0), (0, more))))

    def at(self, as_of_ms: int, products: Int64, time_ms: Int64) -> tuple[FloatArray, FloatArray]:
        """(N,) prior and log trend at a moment, of what was met by then.

        Args:
            as_of_ms: the moment, not before the model's own.
            products: (E,) positions of what was met since the model's moment.
            time_ms: (E,) when, not after `as_of_ms`.
        """
        logs = _standardised(self.counted(as_of_ms, products, time_ms), self)
        return self.prior @ logs, self.trend @ logs

    def counted(self, as_of_ms: int, products: Int64, time_ms: Int64) -> FloatArray:
        """(H, N) decayed counts at a moment; arguments as of `at`."""
        half_lives = np.array(self.horizons)[:, None] * MS_PER_DAY
        counts = self.counts * np.exp2(-(as_of_ms - self.as_of_ms) / half_lives)
        for row, decayed in zip(counts, np.exp2(-(as_of_ms - time_ms) / half_lives), strict=True):
            row += np.bincount(products, decayed, minlength=len(row))
        return counts

    def lasting(self, stored: FloatArray, live: FloatArray, products: Int64) -> FloatArray:
        """(N,) live values; of products that nobody had met when the model was made, what it stored for them.

        The latter moves with the mean of all others, and a first event never lowers it.

        Args:
            stored: (N,) the model's own.
            live: (N,) by the counts.
            products: (E,) positions of what was met since.
        """
        met = self.counts[-1] > 0  # over all time
        unmet = stored + float((live - stored)[met].mean() if met.any() else 0.0)
        since = np.bincount(products, minlength=len(stored)) > 0
        return np.where(met, live, np.where(since, np.maximum(unmet, live), unmet))


def demand(shop: Shop) -> Demand:
    """The demand that a shop's events show.

    A product that nobody met counts like half an event's worth of the mean of all: it is unknown, not unwanted.
    """
    events, n = shop.events, shop.products
    order = np.argsort(events.product, kind="stable")  # events are in order of time
    indptr = np.concatenate([[0], np.cumsum(np.bincount(events.product, minlength=n))]).astype(np.int64)
    time_ms = events.time_ms[order].astype(np.int64)
    horizons = _horizons(shop)
    decayed = np.stack([_decayed(indptr, time_ms, h * MS_PER_DAY) for h in horizons])
    zero, one = np.zeros(len(horizons)), np.ones(len(horizons))
    bare = Demand(horizons, shop.as_of_ms, indptr, time_ms, decayed, zero, zero, one)
    counts = bare._counts(np.arange(n), np.full(n, shop.as_of_ms))
    smoothing = 0.5 * counts.mean(axis=1) + 1e-9
    logs = np.log(counts + smoothing[:, None])
    deviation = logs.std(axis=1)
    return Demand(
        horizons,
        shop.as_of_ms,
        indptr,
        time_ms,
        decayed,
        smoothing,
        logs.mean(axis=1),
        np.where(deviation > 1e-9, deviation, 1.0),
    )


def _standardised(counts: FloatArray, scale: Demand | Pulse) -> FloatArray:
    """(H, P) log counts by what they are measured against."""
    logs = np.log(counts + scale.smoothing[:, None])
    return np.asarray((logs - scale.centre[:, None]) / scale.deviation[:, None])


def _decays(now: Demand, wanted: Demand) -> FloatArray:
    """(H, E) decayed counts at the horizons of an earlier demand."""
    if now.horizons == wanted.horizons:
        return now.decayed
    return np.stack([_decayed(now.indptr, now.time_ms, h * MS_PER_DAY) for h in wanted.horizons])


def for_horizons(weights: FloatArray, count: int) -> FloatArray:
    """(count,) weights for horizons of later data, which may span more of them than they were fitted on."""
    full = np.zeros(count)
    # Horizons are a prefix of the same list and all time, which is last.
    full[: len(weights) - 1], full[-1] = weights[:-1], weights[-1]
    return full


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


def share_of_unmet(shop: Shop) -> float:
    """Which share of what people did in the latest tenth of their events was with products that none had met before.

    Without times, the share of events that are the only one of their product (Good 1953).
    """
    product = shop.events.product[shop.events.user >= 0]
    if not len(product):
        return 0.0
    if not shop.has_times:
        return float(np.count_nonzero(np.bincount(product) == 1) / len(product))
    before, latest = np.split(product, [int(_BEFORE * len(product))])
    return float(1.0 - np.isin(latest, before).mean())


def _horizons(shop: Shop) -> tuple[float, ...]:
    """Half-lives that differ on this data: all time alone where there are no times."""
    if not shop.has_times:
        return (np.inf,)
    days = float(np.ptp(shop.events.time_ms)) / MS_PER_DAY
    return tuple(h for h in HORIZONS if h < 2 * days or h == np.inf)


@numba.njit(cache=True)
def _decayed(indptr: Int64, time_ms: Int64, half_life_ms: float) -> FloatArray:
    """(E,) decayed counts of a product just after each of its events."""
    result = np.ones(len(time_ms))
    for product in range(len(indptr) - 1):
        for at in range(indptr[product] + 1, indptr[product + 1]):
            passed = (time_ms[at] - time_ms[at - 1]) / half_life_ms
            result[at] = 1.0 + result[at - 1] * 2.0**-passed
    return result


@numba.njit(cache=True)
def _last_before(indptr: Int64, time_ms: Int64, products: Int64, before: Int64) -> Int64:
    """(P,) the last event of each product before a moment; -1 if there is none."""
    result = np.full(len(products), -1, np.int64)
    for k in range(len(products)):
        low, high = indptr[products[k]], indptr[products[k] + 1]
        found = low + np.searchsorted(time_ms[low:high], before[k])
        if found > low:
            result[k] = found - 1
    return result

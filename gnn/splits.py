"""Splits by time: what a model may see, and what it is asked afterwards.

The question is the next thing that a known user wants: first target events (purchases) after the
cut. Repeat purchases and users without history are other questions; they are counted apart.
"""

from dataclasses import dataclass

import numpy as np

from gnn.data import Int32, Shop, TrainingError
from gnn.scoring import MS_PER_DAY

TEST_DAYS = 30.0
LARGEST_SHARE = 0.2


@dataclass(frozen=True)
class Pairs:
    """Distinct (user, product) pairs, ordered by user; (P,) each."""

    user: Int32
    product: Int32

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class Split:
    """What came before a moment, and who first bought what from it on.

    Attributes:
        seen: the shop before the cut.
        first: pairs of users with history who had not bought the product before.
        repeat: pairs of users with history who had.
        newcomers: pairs of users without any event before the cut.
    """

    seen: Shop
    cut_ms: int
    first: Pairs
    repeat: Pairs
    newcomers: Pairs


def split_by_time(shop: Shop) -> Split:
    """Cuts off the last 30 days, or the last fifth of the time where the data spans less than 150 days.

    Raises:
        TrainingError: all events happened at one moment.
    """
    times = shop.events.time_ms
    start, end = int(times.min()), int(times.max())
    if start == end:
        raise TrainingError("all events happened at one moment; a split by time needs events over days")
    window = min(TEST_DAYS * MS_PER_DAY, LARGEST_SHARE * (end - start))
    return split_at(shop, end + 1 - int(window))


def split_at(shop: Shop, cut_ms: int) -> Split:
    """Cuts a shop at a moment."""
    events = shop.events
    later = events.take((events.time_ms >= cut_ms) & (events.behaviour == shop.target) & (events.user >= 0))
    seen = shop.until(cut_ms)
    known = np.zeros(shop.users, bool)
    known[seen.events.user[seen.events.user >= 0]] = True
    before = seen.events.take((seen.events.behaviour == shop.target) & (seen.events.user >= 0))
    asked = np.unique(_key(shop, later.user, later.product))
    user, product = (asked // shop.products).astype(np.int32), (asked % shop.products).astype(np.int32)
    had = np.isin(asked, _key(shop, before.user, before.product))
    return Split(
        seen,
        cut_ms,
        first=Pairs(user[known[user] & ~had], product[known[user] & ~had]),
        repeat=Pairs(user[had], product[had]),
        newcomers=Pairs(user[~known[user]], product[~known[user]]),
    )


def _key(shop: Shop, user: Int32, product: Int32) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return user.astype(np.int64) * shop.products + product

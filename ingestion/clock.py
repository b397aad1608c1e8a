"""The shop's clock: what is "now" for the shop, and which events are later than that."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl

_STRAGGLERS = 1000
"""At most one event in so many can be a straggler."""
_GAP = timedelta(days=90)


def latest_allowed(times: pl.Series, clock: Literal["wall", "data"], now: datetime) -> datetime:
    """The moment after which an event lies in the future.

    By the wall clock, that is `now`. Data that ended in the past carry their own clock, and a date
    that was mistyped must not set it: where a few events, at most one in a thousand, follow after a
    gap longer than 90 days and longer than everything before it lasted, the last event before the
    gap is the end.

    Args:
        times: of all events.
        now: the wall clock, with zone.
    """
    past = times.filter(times <= now.astimezone(UTC))
    few = len(past) // _STRAGGLERS
    if clock == "wall" or few == 0:
        return now
    stamps = np.sort(past.dt.epoch("ms").to_numpy())
    for last in range(len(stamps) - few - 1, len(stamps) - 1):
        gap = stamps[last + 1] - stamps[last]
        if gap > max(stamps[last] - stamps[0], _GAP / timedelta(milliseconds=1)):
            return datetime.fromtimestamp(stamps[last] / 1000, UTC)
    return now

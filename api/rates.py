"""How often somebody may ask: a bucket of tokens for each, in the memory of one worker process.

With several workers each has buckets of its own, so that all together let up to that many times more through.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

_KEPT = 100_000
_BURST_SECONDS = 2.0


class Buckets:
    """Buckets that fill at one rate. Who has not asked for longest is forgotten first: their bucket is full anyway."""

    def __init__(self, rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Args:
        rate: requests a second, twice as many at once; 0 lets everything through.
        clock: seconds that never go back.
        """
        self._rate = rate
        self._most = max(rate * _BURST_SECONDS, 1.0)
        self._clock = clock
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, who: Hashable) -> float:
        """Takes a token; seconds until there is one if there is none."""
        if not self._rate:
            return 0.0
        now = self._clock()
        level, then = self._levels.pop(who, (self._most, now))
        level = min(self._most, level + (now - then) * self._rate)
        taken = level >= 1.0
        self._levels[who] = (level - 1.0 if taken else level, now)
        if len(self._levels) > _KEPT:
            self._levels.popitem(last=False)
        return 0.0 if taken else (1.0 - level) / self._rate

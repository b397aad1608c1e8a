"""How many steps of learning there is time for."""

import math
import time

import numpy as np

# Steps that tell how long one takes. The first does not count: it may have to compile or to read what it needs.
TIMED = 3


class Pace:
    """Steps that fit into a time, known once a few were timed; the schedule then ends where they do.

    Args:
        steps: how many are wanted.
        seconds: the longest that they may take.
        fewest: how many there are in any case.
    """

    def __init__(self, steps: int, seconds: float, fewest: int = 1 + TIMED) -> None:
        self.steps = steps
        self._seconds, self._fewest = seconds, min(fewest, steps)
        self._started, self._taken = 0.0, 0

    def took_one(self) -> None:
        """Counts a step; after the first few the total is cut to what fits."""
        self._taken += 1
        if self._taken == 1:
            self._started = time.monotonic()
        if self._taken == 1 + TIMED:
            for_one = (time.monotonic() - self._started) / TIMED
            self.steps = int(np.clip(self._seconds / for_one, self._fewest, self.steps))

    def rate(self, step: int) -> float:
        """What the learning rate is multiplied with at a step, counted from 0: a cosine down to a twentieth."""
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / self.steps))

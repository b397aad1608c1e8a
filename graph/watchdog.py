"""Ends what waits too long for a store: a store that listens and says nothing would hold a thread for ever."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_EVERY = 0.1
_LINGERS = 2.0


@dataclass
class Watched:
    """One thing that is waited for."""

    end: Callable[[], None]
    deadline: float
    sooner: Callable[[], bool]
    bitten: bool = False

    def due(self, now: float) -> bool:
        """Whether it is to be ended now."""
        return not self.bitten and (self.deadline < now or self.sooner())


class Watchdog:
    """Ends what is not done in time, from a thread of its own that lives while there is something to watch."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._watched: dict[int, Watched] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._awake = False

    @contextmanager
    def over(self, end: Callable[[], None], sooner: Callable[[], bool] = lambda: False) -> Iterator[Watched]:
        """Watches over the block, which sees `bitten` when it was ended.

        Args:
            end: ends what the block waits for; called in another thread.
            sooner: whether to end it before its time; asked all the while in that thread.
        """
        number, watched = next(self._numbers), Watched(end, time.monotonic() + self.seconds, sooner)
        with self._lock:
            self._watched[number] = watched
            if not self._awake:
                self._awake = True
                threading.Thread(target=self._watch, name="store-watchdog", daemon=True).start()
        try:
            yield watched
        finally:
            with self._lock:
                del self._watched[number]

    def _watch(self) -> None:
        idle_since = time.monotonic()
        while True:
            time.sleep(_EVERY)
            now = time.monotonic()
            with self._lock:
                if self._watched:
                    idle_since = now
                elif now > idle_since + min(self.seconds, _LINGERS):
                    self._awake = False
                    return
                late = [each for each in self._watched.values() if each.due(now)]
                for watched in late:
                    watched.bitten = True
            for watched in late:
                watched.end()

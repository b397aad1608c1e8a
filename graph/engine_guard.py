"""Holds the embedded engine's readers to their time.

The engine ends a query when its client hangs up, and looks for that between rows. Within one expression it does not
look: `[x IN range(1, 900) | [y IN range(1, 900) | ‥]]` goes on until the heap is full, and no thread of a Java machine
can be ended from outside. Then the engine itself is ended, and started again by whoever uses it, two seconds later.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

MOST_SECONDS = 600.0
GRACE_SECONDS = 10.0


class Guard:
    """Looks at what runs, as often as it is told to.

    Args:
        user: the login that is held to its time.
        running: the engine's list of queries that run.
        end: ends the engine.
        most: for how many seconds a query may run whose client does not hang up, because it is gone or was asked
            to wait longer.
        grace: for how many seconds a query may go on after it was told to end.
    """

    def __init__(
        self,
        user: str,
        running: Callable[[], Iterable[Any]],
        end: Callable[[], None],
        *,
        most: float = MOST_SECONDS,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._user = user
        self._running = running
        self._end = end
        self._most = most
        self._grace = grace
        self._told: dict[str, float] = {}

    def look(self) -> None:
        """Tells those to end that run for too long, and ends the engine if one of them does not."""
        now = time.monotonic()
        mine = {str(each.getId()): each for each in self._running() if str(each.getUser()) == self._user}
        self._told = {query: since for query, since in self._told.items() if query in mine}
        for query, each in mine.items():
            if each.isTerminated():
                self._told.setdefault(query, now)
            elif each.getElapsedMillis() > self._most * 1000:
                each.terminate(self._user)
        if any(since < now - self._grace for since in self._told.values()):
            self._end()

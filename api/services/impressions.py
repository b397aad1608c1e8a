"""What was shown, written down beside the answering: whoever asks never waits for it."""

import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta

import structlog

from graph import Impression, Store, StoreError

WAITING = 20_000
"""Answers that wait to be written; the oldest goes first where the store cannot keep up."""
_BATCH = 500
_EVERY = 0.5
_FORGET_EVERY = 3600.0
_log = structlog.get_logger()


class ImpressionLog:
    """Keeps what was shown, in batches from a thread of its own, and forgets it after some days."""

    def __init__(self, store: Store, keep: timedelta) -> None:
        """Args:
        store: where it is kept.
        keep: for how long.
        """
        self._store = store
        self._keep = keep
        self._lock = threading.Lock()
        self._waiting: deque[Impression] = deque()
        self._writing = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="impressions", daemon=True)
        self._forgotten: float | None = None  # of time.monotonic(), which nobody sets back
        self._problem: str | None = None
        self.dropped = 0
        """Answers that could not be written in time."""

    @property
    def waiting(self) -> int:
        """Answers that are not written yet."""
        with self._lock:
            return len(self._waiting) + self._writing

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, and ends."""
        self._over.set()
        self._thread.join()

    def offer(self, shown: Impression) -> None:
        """Takes an answer to be written within a second or so."""
        with self._lock:
            self._waiting.append(shown)
            self._drop()

    def flush(self) -> None:
        """Writes what waits; what the store does not take now goes on waiting."""
        while batch := self._taken():
            try:
                self._store.record_impressions(batch)
                self._written()
                self._problem = None
            except StoreError as error:
                self._give_back(batch)
                self._report(error)
                return

    def forget(self) -> None:
        """Deletes what was kept long enough, once an hour."""
        now = time.monotonic()
        if self._forgotten is not None and now < self._forgotten + _FORGET_EVERY:
            return
        try:
            self._store.delete_impressions(datetime.now(UTC) - self._keep)
            self._forgotten = now
        except StoreError as error:
            self._report(error)

    def _work(self) -> None:
        while not self._over.wait(_EVERY):
            try:
                self.flush()
                self.forget()
            except Exception:
                _log.exception("impressions_failed")
        self.flush()

    def _taken(self) -> list[Impression]:
        with self._lock:
            self._writing = min(_BATCH, len(self._waiting))
            return [self._waiting.popleft() for _ in range(self._writing)]

    def _written(self) -> None:
        with self._lock:
            self._writing = 0

    def _give_back(self, batch: list[Impression]) -> None:
        with self._lock:
            self._writing = 0
            self._waiting.extendleft(reversed(batch))
            self._drop()

    def _drop(self) -> None:
        while len(self._waiting) > WAITING:
            self._waiting.popleft()
            self.dropped += 1

    def _report(self, error: StoreError) -> None:
        if str(error) != self._problem:
            _log.error("impressions_not_written", problem=str(error), waiting=len(self._waiting), dropped=self.dropped)
        self._problem = str(error)

"""Who waits for news of a user or a session, and a thread that sees the news of every process in the store.

One question every tenth of a second serves all who wait, however many; where nobody waits there is none. When the clock
on the wall jumps, everybody is woken: what was written about then cannot be found by its second.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from api.services.live import COMMITTED, LiveModel
from graph import Arrival, Store, StoreError

EVERY = 0.1
_JUMP = timedelta(seconds=1)
_log = structlog.get_logger()
Key = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Watch:
    """Somebody who waits for news of some viewer, or of a new model; `wake` is called from another thread."""

    keys: tuple[Key, ...]
    wake: Callable[[], None]


class Watcher:
    """Wakes those who wait."""

    def __init__(self, store: Store, live: LiveModel) -> None:
        self._store = store
        self._live = live
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._by_key: dict[Key, set[Watch]] = {}
        self._seen: set[str] = set()
        self._read_to, self._read_at = datetime.now(UTC), time.monotonic()
        self._jumped = False
        self._model: str | None = None
        self._problem: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watcher", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._over.set()
        self._thread.join()

    @property
    def watches(self) -> int:
        """How many wait."""
        return len(self._watches)

    def add(self, user: str | None, session: str | None, wake: Callable[[], None]) -> Watch:
        """Lets somebody be woken by all that is committed from now on.

        Raises:
            StoreUnavailable: nobody can look.
        """
        keys = tuple((kind, key) for kind, key in (("user", user), ("session", session)) if key is not None)
        watch = Watch(keys, wake)
        with self._lock:
            if not self._watches:  # what came while nobody waited is no news
                self._read_to, self._read_at = datetime.now(UTC), time.monotonic()
                self._look()
                self._model = self._served()
            self._watches.add(watch)
            for key in keys:
                self._by_key.setdefault(key, set()).add(watch)
        return watch

    def remove(self, watch: Watch) -> None:
        """Lets somebody wait no longer."""
        with self._lock:
            self._watches.discard(watch)
            for key in watch.keys:
                others = self._by_key.get(key, set())
                others.discard(watch)
                if not others:
                    self._by_key.pop(key, None)

    def _work(self) -> None:
        while not self._over.wait(EVERY):
            try:
                self._tell()
            except Exception:
                _log.exception("watcher_failed")

    def _tell(self) -> None:
        with self._lock:
            if not self._watches:
                return
            try:
                self._jumped = self._jumped or self._was_set()
                news = self._look()
                self._problem = None
            except StoreError as error:
                if str(error) != self._problem:
                    _log.error("watcher_sees_nothing", problem=str(error))
                self._problem = str(error)
                return
            awake = set(self._watches) if self._jumped else self._concerned(news)
            self._jumped = False
        for watch in awake:
            watch.wake()

    def _was_set(self) -> bool:
        """Whether the clock was set since it was looked at; what is read next then begins at the new time."""
        now = datetime.now(UTC)
        jumped = abs((now - self._read_to) - timedelta(seconds=time.monotonic() - self._read_at)) > _JUMP
        if jumped:
            self._read_to, self._read_at = now, time.monotonic()
        return jumped

    def _look(self) -> list[Arrival]:
        """What was not seen before. Writing takes its time: what is committed late is found as well."""
        now, at = datetime.now(UTC), time.monotonic()
        found = self._store.arrivals(self._read_to - COMMITTED)
        news = [arrival for arrival in found if arrival.id not in self._seen]
        self._seen, self._read_to, self._read_at = {arrival.id for arrival in found}, now, at
        return news

    def _concerned(self, news: Iterable[Arrival]) -> set[Watch]:
        model = self._served()
        if model != self._model:
            self._model = model
            return set(self._watches)
        keys = {key for arrival in news for key in (("user", arrival.user), ("session", arrival.session))}
        return {watch for kind, key in keys if key is not None for watch in self._by_key.get((kind, key), ())}

    def _served(self) -> str | None:
        state = self._live.loaded
        return None if state is None else state.model_version

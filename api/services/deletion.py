"""Deleting what the law or the shop wants gone: from the store, from running models, from disk.

The store's change log is what makes it certain: a process that was down, or a model that comes back
by a rollback, finds there what it has to forget.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import structlog

from api.services.errors import BadInputError
from api.services.live import Erasures, LiveModel
from gnn.artifact import ArtifactError
from gnn.erasure import erase
from graph import Store
from schema.files import WriteError

LIMIT = 1_000
AGAIN_SECONDS = 10.0
"""How soon what could not be taken out of an artifact is tried again."""
_log = structlog.get_logger()


class Deleter:
    """Deletes from the store, then lets this process and the artifacts on disk follow."""

    def __init__(
        self,
        store: Store,
        live: LiveModel,
        artifacts: Callable[[], Iterable[Path]],
        lock: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Args:
        artifacts: folders of all artifacts that somebody could serve.
        lock: held while they are rewritten; whoever publishes holds the same.
        """
        self._store = store
        self._live = live
        self._artifacts = artifacts
        self._lock = lock
        self._owing = threading.Lock()
        self._owed = Erasures()
        self._again = 0.0

    def delete_user(self, user_id: str) -> bool:
        """Forgets a person: their node, their events, every path through them. False if there was nobody."""
        before = self._store.change_number()
        deleted = bool(self._store.delete_user(user_id))
        self._follow(before)
        return deleted

    def delete_events(self, event_ids: Sequence[str]) -> list[str]:
        """Deletes events and the paths that rested on them alone; returns the ids that there were."""
        _check_number(event_ids, "eventIds")
        before = self._store.change_number()
        deleted = list(self._store.delete_events(list(event_ids)))
        self._follow(before)
        return deleted

    def delete_products(self, product_ids: Sequence[str]) -> list[str]:
        """Deletes products with their events; returns the ids that there were."""
        _check_number(product_ids, "productIds")
        before = self._store.change_number()
        deleted = list(self._store.delete_products(list(product_ids)))
        self._follow(before)
        return deleted

    def erase(self, erasures: Erasures) -> None:
        """Takes people and meetings out of every artifact on disk.

        What cannot be written now is owed, since it is gone from the store already: it is tried again at the next call
        after some seconds, and by whoever loads the model next.
        """
        with self._owing:
            if not erasures and (not self._owed or time.monotonic() < self._again):
                return
            self._owed += erasures
            try:
                self._erase(self._owed)
                self._owed = Erasures()
            except WriteError as error:
                self._again = time.monotonic() + AGAIN_SECONDS
                _log.error("artifacts_not_erased", problem=str(error), people=len(self._owed.people))

    def _erase(self, erasures: Erasures) -> None:
        with self._lock():
            for folder in self._artifacts():
                try:
                    erased = erase(folder, erasures.people, erasures.meetings)
                except ArtifactError as error:
                    # A damaged artifact serves nobody; the others must still forget.
                    _log.error("artifact_not_erased", folder=str(folder), problem=str(error))
                    continue
                _log.info("artifact_erased", folder=str(folder), changed=erased)

    def _follow(self, before: int) -> None:
        changes = self._store.changes(before)
        if self._live.loaded is not None and changes:
            self._live.at_least(changes[-1].number)
        self.erase(Erasures.of(changes))


def _check_number(ids: Sequence[str], field: str) -> None:
    if len(ids) > LIMIT:
        remedy = f"send at most {LIMIT} at a time"
        raise BadInputError(f"{field} has {len(ids)} entries", field=field, remedy=remedy)

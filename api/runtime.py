"""What runs behind the routes of one process: store, live model, encoder, and a thread that follows.

The server starts even if the store is down or no model is published: it says so at /readyz and goes
on trying.
"""

import gc
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import structlog

from api import metrics, registry
from api.audit import AuditLog
from api.encoding import EncoderProcess, picture_encoder, text_encoder
from api.services.cursors import Cursors, key_of, load_key
from api.services.deletion import Deleter
from api.services.events import EventRecorder
from api.services.explanation import PathWriter
from api.services.exploration import Explorer
from api.services.feedback import FeedbackRecorder
from api.services.impressions import ImpressionLog
from api.services.interests import Listener
from api.services.knowledge import Expertise
from api.services.live import LiveModel
from api.services.products import IMAGE, ProductWriter
from api.services.recommendation import Recommender
from api.services.reports import Reports
from api.services.rulebook import Rulebook
from api.services.search import Searcher
from api.services.shop import Shop
from api.services.watching import Watcher
from api.settings import Settings
from graph import Store, connect
from schema.errors import PathrecError

_EVERY = 0.5
_RETRY = 5.0
_log = structlog.get_logger()


class Runtime:
    """The services of one process, from start to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="follower", daemon=True)
        self._next_try = 0.0
        self._states = metrics.States()
        self.encoder = text_encoder(settings.text_model, settings.home / "cache", settings.home)
        self.pictures = picture_encoder(
            settings.image_model,
            settings.home / "cache",
            settings.images,
            allow_private=settings.allow_private_addresses,
        )
        self.shop: Shop | None = None
        self.problem: str | None = None
        self._served: Path | None = None

    def start(self) -> None:
        """Brings up what can be brought up, then follows in the background."""
        self._follow()
        # After the rest: their start takes long, and nothing waits for it.
        self.encoder.start()
        if self.shop is not None and _has_pictures(self.shop.store):
            self.pictures.start()  # else the first picture starts it
        self._thread.start()

    def stop(self) -> None:
        """Ends everything that was started."""
        self._over.set()
        self._thread.join()
        self.encoder.stop()
        self.pictures.stop()
        if self.shop is not None:
            self.shop.watcher.stop()
            if self.shop.impressions is not None:
                self.shop.impressions.stop()
            self.shop.store.close()
        gc.unfreeze()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            try:
                self._follow()
            except Exception:
                _log.exception("follower_failed")

    def _follow(self) -> None:
        self.encoder.check()
        self.pictures.check()
        if self.shop is None and time.monotonic() >= self._next_try:
            self._next_try = time.monotonic() + _RETRY
            self._connect()
        if self.shop is not None:
            erasures = self.shop.live.follow()
            with suppress(PathrecError):
                self.shop.deleter.erase(erasures)
            self._settle(self.shop.live.served)
        self._states.follow(self)

    def _settle(self, served: Path | None) -> None:
        """Takes a new model out of what the garbage collector looks through: that took 0.1 s each time."""
        if served != self._served:
            self._served = served
            gc.unfreeze()
            gc.collect()
            gc.freeze()

    def _connect(self) -> None:
        try:
            store = connect(self._settings.store_url, timeout=self._settings.store_seconds, observe=metrics.store_call)
            self.shop, self.problem = assemble(self._settings, store, self.encoder, self.pictures), None
            self.shop.watcher.start()
            if self.shop.impressions is not None:
                self.shop.impressions.start()
        except (PathrecError, OSError) as error:
            if str(error) != self.problem:
                _log.error("store_not_connected", problem=str(error))
            self.problem = str(error)


def _has_pictures(store: Store) -> bool:
    with suppress(PathrecError):
        return IMAGE in store.encoders("Product")
    return False


def assemble(settings: Settings, store: Store, encoder: EncoderProcess, pictures: EncoderProcess) -> Shop:
    """The services over a store."""
    home, own = settings.home, settings.artifact
    live = LiveModel(store, (lambda: own) if own is not None else (lambda: registry.served(home)))
    listener = Listener(store, encoder)
    recommender = Recommender(store, live, listener)

    def artifacts() -> list[Path]:
        return [*registry.published(home), *([own] if own is not None else [])]

    key = key_of(settings.secret.get_secret_value().encode()) if settings.secret else load_key(home / "secret")
    return Shop(
        store=store,
        live=live,
        encoder=encoder,
        cursors=Cursors(key),
        recommender=recommender,
        searcher=Searcher(store, recommender, listener),
        paths=PathWriter(store, settings.minimum_group),
        events=EventRecorder(store, recommender),
        feedback=FeedbackRecorder(store, recommender),
        impressions=ImpressionLog(store, timedelta(days=settings.impression_days)) if settings.impressions else None,
        watcher=Watcher(store, live),
        products=ProductWriter(store, encoder, pictures),
        deleter=Deleter(store, live, artifacts, lambda: registry.locked(home)),
        rules=Rulebook(store, recommender),
        expertise=Expertise(store, live),
        audit=AuditLog(home),
        reports=Reports(home / "reports"),
        explorer=Explorer(store),
    )

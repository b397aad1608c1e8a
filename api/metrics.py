"""What Prometheus reads at /metrics, of all worker processes together."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess
from prometheus_client import generate_latest as as_text

from api import measuring
from api.services.events import Receipt

if TYPE_CHECKING:
    from api.runtime import Runtime

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Variable with the folder that several workers keep their numbers in; the library reads it when it is imported."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Histogram(
    "pathrec_request_seconds", "GraphQL requests by root field and code of the first error.", ["field", "status"],
    buckets=_SECONDS,
)  # fmt: skip
PARTS = Histogram(
    "pathrec_request_part_seconds", "Seconds of a request in the store, in scoring, and in the rest.",
    ["field", "part"], buckets=_SECONDS,
)  # fmt: skip
STORE_CALLS = Histogram("pathrec_store_call_seconds", "Calls to the store.", buckets=_SECONDS)
STORE_ERRORS = Counter("pathrec_store_errors", "Calls to the store that failed.")
EVENTS = Counter("pathrec_events", "Events that were sent, by what became of them.", ["outcome"])
REFUSED = Counter("pathrec_refused_requests", "Requests that were refused before anything was executed.", ["code"])
LOST_LINES = Counter("pathrec_lost_log_lines", "Lines of the log that could not be written.")
UNWRITTEN = Gauge(
    "pathrec_impressions_waiting", "Answers that were shown and are not in the store yet.", multiprocess_mode="livesum"
)
DROPPED = Gauge(
    "pathrec_impressions_dropped", "Answers that were shown and are in the store no more: too many had to wait.",
    multiprocess_mode="livesum",
)  # fmt: skip
WAITING = Gauge("pathrec_requests_waiting", "Requests that wait for a thread.", multiprocess_mode="livesum")
READY = Gauge("pathrec_ready", "1 for each part that is ready.", ["part"], multiprocess_mode="livemin")
MODEL = Gauge("pathrec_model_info", "1 for the model that is served.", ["version"], multiprocess_mode="livemax")
MODEL_CHANGE = Gauge(
    "pathrec_model_change_number", "Entry of the change log that counts by now.", multiprocess_mode="livemin"
)
MODEL_AS_OF = Gauge(
    "pathrec_model_as_of_timestamp_seconds", "Up to when the served model knows events.", multiprocess_mode="livemin"
)


def router() -> APIRouter:
    """The route `/metrics`."""
    routes = APIRouter()

    @routes.get("/metrics")
    def metrics(request: Request) -> Response:
        if request.state.caller.is_visitor:
            raise HTTPException(403, "metrics are not for storefronts")
        return Response(as_text(_registry()), media_type=CONTENT_TYPE_LATEST)

    return routes


def store_call(seconds: float, failed: bool) -> None:
    """Counts a call to the store, also for the request that it belongs to."""
    measuring.add(measuring.STORE, seconds)
    STORE_CALLS.observe(seconds)
    READY.labels("store").set(not failed)
    if failed:
        STORE_ERRORS.inc()


def answered(measured: measuring.Request, field: str, status: str, seconds: float) -> None:
    """Counts a GraphQL request that was executed."""
    REQUESTS.labels(field, status).observe(seconds)
    rest = max(seconds - sum(measured.totals.values()), 0.0)
    for part, spent in {**measured.totals, "hydrate": rest}.items():
        PARTS.labels(field, part).observe(spent)


def recorded(receipt: Receipt) -> None:
    """Counts events that were sent."""
    for outcome in ("accepted", "duplicates", "rejected"):
        EVENTS.labels(outcome).inc(len(getattr(receipt, outcome)))


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Worker processes that start in the block keep their numbers together."""
    os.environ[SHARED_FOLDER] = str(folder)
    try:
        yield
    finally:
        del os.environ[SHARED_FOLDER]


class States:
    """Follows what is ready and which model is served."""

    def __init__(self) -> None:
        self._version: str | None = None

    def follow(self, runtime: "Runtime") -> None:
        """Takes over how things are now."""
        shop = runtime.shop
        state = shop.live.loaded if shop is not None else None
        if shop is not None and shop.impressions is not None:
            UNWRITTEN.set(shop.impressions.waiting)
            DROPPED.set(shop.impressions.dropped)
        if shop is None:
            READY.labels("store").set(False)
        READY.labels("model").set(state is not None)
        READY.labels("text_encoder").set(runtime.encoder.state == "ready")
        READY.labels("picture_encoder").set(runtime.pictures.state == "ready")
        version = state.model_version if state is not None else None
        if self._version not in (None, version):
            MODEL.labels(self._version).set(0)
        self._version = version
        if state is not None:
            MODEL.labels(version).set(1)
            MODEL_CHANGE.set(state.change)
            MODEL_AS_OF.set(state.manifest.as_of.timestamp())


def _registry() -> CollectorRegistry:
    folder = os.environ.get(SHARED_FOLDER)
    if folder is None:
        return REGISTRY
    for file in Path(folder).glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(process):
            with suppress(FileNotFoundError):  # another worker was faster
                multiprocess.mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    return registry

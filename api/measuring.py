"""How long the parts of a request take: what waits for the store, what scores; the rest puts the answer together."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

STORE = "store"
SCORE = "score"
_MOST = 200


@dataclass(frozen=True)
class Part:
    """One stretch of a request."""

    name: str
    began: float  # by the wall clock, in seconds
    seconds: float


@dataclass
class Request:
    """What one request is made of so far."""

    began: float = field(default_factory=time.time)
    parts: list[Part] = field(default_factory=list)
    totals: dict[str, float] = field(default_factory=lambda: {STORE: 0.0, SCORE: 0.0})

    def add(self, name: str, seconds: float) -> None:
        """Adds a stretch that ends now."""
        self.totals[name] += seconds
        if len(self.parts) < _MOST:
            self.parts.append(Part(name, time.time() - seconds, seconds))


_current: ContextVar[Request | None] = ContextVar("request", default=None)


@contextmanager
def request() -> Iterator[Request]:
    """Measures the request that the block answers."""
    measured = Request()
    token = _current.set(measured)
    try:
        yield measured
    finally:
        _current.reset(token)


def add(name: str, seconds: float) -> None:
    """Adds a stretch to the request that is answered, if there is one."""
    measured = _current.get()
    if measured is not None:
        measured.add(name, seconds)


@contextmanager
def scoring() -> Iterator[None]:
    """The block scores products."""
    began = time.perf_counter()
    try:
        yield
    finally:
        add(SCORE, time.perf_counter() - began)

"""Requests at a pace, and how long each took.

A closed loop sends the next request when the last one was answered: a slow server is asked less. An open loop sends by
the clock, whatever the answers do, as shoppers do; latency counts from when a request was due, waiting included.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Protocol

import numpy as np

CONNECTIONS = 32
"""Of an open loop: so many requests are under way at most, later ones wait."""


class Sender(Protocol):
    """A connection that takes a body and returns the status and the body of the answer."""

    def send(self, body: bytes) -> tuple[int, bytes]: ...
    def close(self) -> None: ...


def measured(
    connect: Callable[[], Sender], bodies: Sequence[bytes], *, clients: int = 1, per_second: float | None = None
) -> dict[str, float]:
    """Milliseconds, rate and errors of sending some bodies.

    Args:
        connect: opens a connection; each client has its own.
        bodies: what is sent, each once.
        clients: of a closed loop.
        per_second: pace of an open loop, which takes the place of `clients`.
    """
    turns, lock = iter(range(len(bodies))), threading.Lock()
    milliseconds: list[float] = []
    failures: list[str] = []

    def client() -> None:
        with closing(connect()) as connection:
            while True:
                with lock:
                    turn = next(turns, None)
                if turn is None:
                    return
                due = time.perf_counter() if per_second is None else began + turn / per_second
                time.sleep(max(due - time.perf_counter(), 0.0))
                problem = _sent(connection, bodies[turn])
                if problem is not None:
                    failures.append(problem)
                milliseconds.append(1000 * (time.perf_counter() - due))

    own, began = time.process_time(), time.perf_counter()
    threads = clients if per_second is None else CONNECTIONS
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(client) for _ in range(threads)]:
            done.result()
    seconds = time.perf_counter() - began
    p50, p90, p99 = np.percentile(milliseconds, [50, 90, 99])
    return {
        "p50_ms": round(float(p50), 2),
        "p90_ms": round(float(p90), 2),
        "p99_ms": round(float(p99), 2),
        "per_second": round(len(bodies) / seconds, 1),
        "errors": len(failures),
        "client_cpu_share": round((time.process_time() - own) / seconds, 2),
    }


def _sent(connection: Sender, body: bytes) -> str | None:
    """What went wrong with a request; None if nothing did."""
    try:
        status, answer = connection.send(body)
    except OSError as error:
        return str(error)
    # Within a text of the shop the quotation mark before the colon would have a backslash.
    return None if status == 200 and b'"errors":' not in answer else f"status {status}"

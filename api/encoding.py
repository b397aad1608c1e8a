"""The text encoder in a process of its own, so that the server itself never imports torch.

A child that dies or hangs is replaced; until the next one is ready, texts cannot be encoded and the
server goes on without (`EncoderUnavailableError`).
"""

import multiprocessing
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import structlog

from schema.errors import PathrecError

START_SECONDS = 120.0
ENCODE_SECONDS = 10.0
_FALSE_STARTS = 3
_log = structlog.get_logger()

State = Literal["starting", "ready", "failed", "stopped"]


class EncoderUnavailableError(PathrecError):
    """No text can be encoded now."""


@dataclass(frozen=True)
class Encoded:
    """Vectors of texts with the hashes under which the store keeps them."""

    matrix: npt.NDArray[np.float32]
    hashes: tuple[str, ...]


class EncoderProcess:
    """A text encoder behind a pipe. Thread-safe; one request at a time."""

    def __init__(self, model: str | None, cache: Path, home: Path | None = None) -> None:
        """Args:
        model: as of `load_text_encoder`.
        cache: folder of vectors.
        home: the shop's; the adapter that it uses goes with the model if none is named.
        """
        self._arguments = (model, cache, home)
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._began = 0.0
        self._false_starts = 0
        self.state: State = "stopped"
        self.problem: str | None = None

    def start(self) -> None:
        """Starts the child and comes back at once; it takes some seconds until it is ready."""
        with self._lock:
            self._start()

    def stop(self) -> None:
        """Ends the child."""
        with self._lock:
            self._end("stopped")

    def check(self) -> State:
        """How the child is; one that died is replaced, one that became ready is noticed."""
        if self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self.state

    def encode(self, nodes: Sequence[Sequence[object]], seconds: float = ENCODE_SECONDS) -> Encoded:
        """Vectors of some nodes.

        Args:
            nodes: for each node the properties that describe it, in the ontology's order.
            seconds: how long to wait.

        Raises:
            EncoderUnavailableError: the child is not ready, died, or did not answer in time.
        """
        with self._lock:
            self._look()
            if self.state != "ready" or self._pipe is None:
                raise EncoderUnavailableError(
                    f"the text encoder is {self.state}; {self.problem or 'try again in a moment'}"
                )
            try:
                self._pipe.send(list(nodes))
                answer = _receive(self._pipe, seconds)
            except (EOFError, OSError, TimeoutError) as error:
                self._start()
                raise EncoderUnavailableError(
                    f"the text encoder did not answer ({error!r}); it was started anew"
                ) from error
        if isinstance(answer, str):
            raise EncoderUnavailableError(f"the text encoder failed: {answer}")
        matrix, hashes = answer
        return Encoded(matrix, tuple(hashes))

    def _start(self) -> None:
        self._end("starting")
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, *self._arguments), daemon=True, name="encoder")
        self._process.start()
        other.close()
        self._began = time.monotonic()

    def _end(self, state: State) -> None:
        self.state = state
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.terminate()
            self._process.join(2)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
            self._process = None

    def _look(self) -> None:
        if self.state == "starting" and self._pipe is not None:
            with suppress(EOFError, OSError):
                if self._pipe.poll():
                    self._took_up(self._pipe.recv())
        if self.state in ("stopped", "failed") or self._process is None:
            return
        if not self._process.is_alive():
            self._replace(f"ended with code {self._process.exitcode}")
        elif self.state == "starting" and time.monotonic() - self._began > START_SECONDS:
            self._replace(f"was not ready after {START_SECONDS:g} s")

    def _replace(self, reason: str) -> None:
        _log.warning("encoder_lost", reason=reason)
        self._false_starts += self.state == "starting"
        if self._false_starts < _FALSE_STARTS:
            self._start()
        else:
            self._end("failed")
            self.problem = f"the process {reason}, {_FALSE_STARTS} times in a row"

    def _took_up(self, greeting: str | None) -> None:
        if greeting is None:
            self.state, self.problem, self._false_starts = "ready", None, 0
            _log.info("encoder_ready", seconds=round(time.monotonic() - self._began, 2))
            return
        # A model that cannot be opened will not open the next time either: no endless restarts.
        self._end("failed")
        self.problem = greeting
        _log.error("encoder_failed", problem=greeting)


def _receive(pipe: Connection, seconds: float) -> Any:
    if not pipe.poll(seconds):
        raise TimeoutError(f"no answer in {seconds:g} s")
    return pipe.recv()


def _serve(pipe: Connection, model: str | None, cache: Path, home: Path | None) -> None:
    """The child: says that it is ready (None) or why not, then answers until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle, which then ends this process
    with suppress(EOFError, BrokenPipeError):
        _answer(pipe, model, cache, home)


def _answer(pipe: Connection, model: str | None, cache: Path, home: Path | None) -> None:
    try:
        # Here, not above: torch and the readers of files belong to this process alone.
        from api import adapters
        from ingestion.encoders.cache import EmbeddingCache, encode_cached
        from ingestion.encoders.text import load_text_encoder
        from ingestion.encoders.wording import joined

        adapter = adapters.in_use(home) if home and not model else None
        encoder = load_text_encoder(model, adapter=adapter)
    except (PathrecError, ImportError, OSError) as error:
        pipe.send(str(error))
        return
    pipe.send(None)
    kept = EmbeddingCache(cache)
    while True:
        texts = [joined(properties) for properties in pipe.recv()]
        try:
            pipe.send(encode_cached(encoder, texts, kept))
        except PathrecError as error:
            pipe.send(str(error))

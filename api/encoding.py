"""Encoders in processes of their own, so that the server itself never imports torch.

Texts have one and pictures another, so that words do not wait behind pictures. A child that dies or hangs is
replaced; until the next one is ready, nothing can be encoded and the server goes on without
(`EncoderUnavailableError`).
"""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import structlog

from schema.errors import PathrecError

START_SECONDS = 120.0
ENCODE_SECONDS = 10.0
PIECE = 32
"""Nodes encoded in one turn: others that wait come between, and each turn has its own time."""
_FALSE_STARTS = 3
_log = structlog.get_logger()

State = Literal["starting", "ready", "failed", "stopped"]
Node = Sequence[object]
"""The properties that describe a node, in the ontology's order."""


class Sought(NamedTuple):
    """Words that somebody looks for something with, in the place of a node: they describe none, and are not kept."""

    text: str


class EncoderUnavailableError(PathrecError):
    """Nothing can be encoded now."""


class Problem(NamedTuple):
    """Why something cannot be encoded: a word for programs, a sentence for people."""

    reason: str
    explanation: str


@dataclass(frozen=True)
class Encoded:
    """Vectors of nodes, (n, d), zero where a node has nothing that can be encoded.

    Attributes:
        version: of the encoder.
        hashes: under which the store keeps the vectors; none of what is sought.
        problems: row -> why what it shows cannot be used.
    """

    version: str
    matrix: npt.NDArray[np.float32]
    hashes: tuple[str, ...]
    problems: Mapping[int, Problem] = field(default_factory=dict)


Encode = Callable[[Sequence[Node]], Encoded]
Opened = Callable[[], AbstractContextManager[Encode]]
"""Loads a model, for as long as the context lasts."""


def text_encoder(model: str | None, cache: Path, home: Path | None = None) -> "EncoderProcess":
    """An encoder of words.

    Args:
        model: as of `load_text_encoder`.
        cache: folder where vectors are kept.
        home: the shop's; the adapter that it uses goes with the model if none is named.
    """
    return EncoderProcess("text encoder", partial(_open_texts, model, cache, home))


def picture_encoder(model: str | None, cache: Path, images: Path, *, allow_private: bool = False) -> "EncoderProcess":
    """An encoder of pictures.

    Args:
        model: as of `load_image_encoder`.
        cache: folder where vectors are kept.
        images, allow_private: as of `shop_pictures`.
    """
    return EncoderProcess("picture encoder", partial(_open_pictures, model, cache, images, allow_private))


class EncoderProcess:
    """An encoder behind a pipe. Thread-safe; one request at a time."""

    def __init__(self, name: str, opened: Opened) -> None:
        """Args:
        name: what it is called in messages.
        opened: loads the model; called in the child.
        """
        self.name = name
        self._opened = opened
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

    def wake(self, seconds: float) -> State:
        """Starts the child unless it was started, and gives it some time to become ready."""
        with self._lock:
            if self.state == "stopped":
                self._start()
        deadline = time.monotonic() + seconds
        while self.check() == "starting" and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.state

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

    def encode(self, nodes: Sequence[Node], seconds: float = ENCODE_SECONDS) -> Encoded:
        """Vectors of some nodes.

        Args:
            nodes: one at least; all of them nodes, or all `Sought`.
            seconds: how long to wait for `PIECE` of them.

        Raises:
            EncoderUnavailableError: the child is not ready, died, or did not answer in time.
        """
        parts = [self._encode(nodes[at : at + PIECE], seconds) for at in range(0, len(nodes), PIECE)]
        return Encoded(
            parts[0].version,
            np.concatenate([part.matrix for part in parts]),
            tuple(digest for part in parts for digest in part.hashes),
            {turn * PIECE + row: why for turn, part in enumerate(parts) for row, why in part.problems.items()},
        )

    def _encode(self, nodes: Sequence[Node], seconds: float) -> Encoded:
        with self._lock:
            self._look()
            if self.state != "ready" or self._pipe is None:
                raise EncoderUnavailableError(
                    f"the {self.name} is {self.state}; {self.problem or 'try again in a moment'}"
                )
            try:
                self._pipe.send(list(nodes))
                answer = _receive(self._pipe, seconds)
            except (EOFError, OSError, TimeoutError) as error:
                self._start()
                raise EncoderUnavailableError(
                    f"the {self.name} did not answer ({error!r}); it was started anew"
                ) from error
        if not isinstance(answer, Encoded):
            raise EncoderUnavailableError(f"the {self.name} failed: {answer}")
        return answer

    def _start(self) -> None:
        self._end("starting")
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._opened), daemon=True, name=self.name)
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
        _log.warning("encoder_lost", encoder=self.name, reason=reason)
        self._false_starts += self.state == "starting"
        if self._false_starts < _FALSE_STARTS:
            self._start()
        else:
            self._end("failed")
            self.problem = f"the process {reason}, {_FALSE_STARTS} times in a row"

    def _took_up(self, greeting: str | None) -> None:
        if greeting is None:
            self.state, self.problem, self._false_starts = "ready", None, 0
            _log.info("encoder_ready", encoder=self.name, seconds=round(time.monotonic() - self._began, 2))
            return
        # A model that cannot be opened will not open the next time either: no endless restarts.
        self._end("failed")
        self.problem = greeting
        _log.error("encoder_failed", encoder=self.name, problem=greeting)


def _receive(pipe: Connection, seconds: float) -> Any:
    if not pipe.poll(seconds):
        raise TimeoutError(f"no answer in {seconds:g} s")
    return pipe.recv()


def _serve(pipe: Connection, opened: Opened) -> None:
    """The child: says that it is ready (None) or why not, then answers until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle, which then ends this process
    with suppress(EOFError, BrokenPipeError):
        _answer(pipe, opened)


def _answer(pipe: Connection, opened: Opened) -> None:
    with ExitStack() as stack:
        try:
            encode = stack.enter_context(opened())
        except (PathrecError, ImportError, OSError) as error:
            pipe.send(str(error))
            return
        pipe.send(None)
        while True:
            nodes = pipe.recv()
            try:
                pipe.send(encode(nodes))
            except PathrecError as error:
                pipe.send(str(error))


@contextmanager
def _open_texts(model: str | None, cache: Path, home: Path | None) -> Iterator[Encode]:
    # Here, not above: torch and the readers of files belong to the child alone.
    from api import adapters
    from ingestion.encoders import EmbeddingCache, encode_cached, joined
    from ingestion.encoders.model_folder import require_name

    if model:
        require_name(model)
    from ingestion.encoders.text import load_text_encoder

    adapter = adapters.in_use(home) if home and not model else None
    encoder, kept = load_text_encoder(model, adapter=adapter), EmbeddingCache(cache)
    of_queries = encoder.for_queries()

    def encode(nodes: Sequence[Node]) -> Encoded:
        texts = [joined(_words(node)) for node in nodes]
        if isinstance(nodes[0], Sought):
            return Encoded(of_queries.version, of_queries.encode(texts), ())
        matrix, hashes = encode_cached(encoder, texts, kept)
        return Encoded(encoder.version, matrix, tuple(hashes))

    yield encode


@contextmanager
def _open_pictures(model: str | None, cache: Path, images: Path, allow_private: bool) -> Iterator[Encode]:
    from ingestion.encoders import EmbeddingCache, Named, encode_gallery, first_named, shop_pictures
    from ingestion.encoders.model_folder import require_name

    if model:
        require_name(model)
    from ingestion.encoders.vision import load_image_encoder

    encoder, kept = load_image_encoder(model), EmbeddingCache(cache)
    with shop_pictures(images, cache, allow_private=allow_private) as source:

        def encode(nodes: Sequence[Node]) -> Encoded:
            named = [Named("", first_named(_words(node))) for node in nodes]
            (hung,) = encode_gallery(encoder, named, source, kept)
            problems = {row: Problem(error.reason, str(error)) for row, error in hung.rejected.items()}
            return Encoded(encoder.version, hung.matrix, tuple(hung.hashes), problems)

        yield encode


def _words(node: Node) -> list[str | None]:
    """The properties as texts; one of another type says nothing."""
    return [value if isinstance(value, str) else None for value in node]

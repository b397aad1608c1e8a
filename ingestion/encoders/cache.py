"""What was encoded once is not encoded again: vectors kept by the hash of model and content.

One SQLite file a model version. SQLite brings what a cache on disk needs: commits that survive a
crash whole or not at all, and several processes that write at the same time.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schema.errors import PathrecError
from schema.progress import Report, silent

FloatArray = NDArray[np.float32]

BATCH = 512
"""Texts encoded between two commits: what an interruption can lose."""

_LOCK_SECONDS = 60


class CacheError(PathrecError):
    """The file of cached vectors cannot be read or written."""


class Versioned(Protocol):
    """A model that knows which version of itself makes vectors, and how long they are."""

    @property
    def version(self) -> str:
        """Hash of everything that decides the vectors."""

    @property
    def width(self) -> int:
        """Length of a vector."""


class Encoder(Versioned, Protocol):
    """Anything that turns texts into vectors."""

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        """(n, width), row by row."""


@dataclass(frozen=True)
class EmbeddingCache:
    """Vectors in a folder, apart by model version; safe to share between processes."""

    folder: Path

    def get(self, version: str, keys: Sequence[str]) -> dict[str, FloatArray]:
        """The vectors that are there, by content hash."""
        found: dict[str, FloatArray] = {}
        with self._open(version) as database:
            for some in _pieces(keys):
                marks = ",".join("?" * len(some))
                rows = database.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some)  # noqa: S608
                found.update((key, np.frombuffer(vector, dtype="<f4")) for key, vector in rows)
        return found

    def put(self, version: str, vectors: Mapping[str, FloatArray]) -> None:
        """Keeps vectors by content hash, all of them or, after a crash, none."""
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._open(version) as database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def path(self, version: str) -> Path:
        """The file of a model version; deleting it costs nothing but the time to encode again."""
        return self.folder / f"{version}.sqlite"

    @contextmanager
    def _open(self, version: str) -> Iterator[sqlite3.Connection]:
        file = self.path(version)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(file, timeout=_LOCK_SECONDS)) as database, database:
                # With row ids: vectors are appended, and only their keys, which come in no order, go into a tree.
                database.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB)")
                yield database
        except (sqlite3.Error, OSError) as error:
            raise CacheError(
                f"{file}: the cache of embeddings cannot be used ({error}); "
                "free some space or name a folder you may write to; a damaged file may be deleted"
            ) from error


def content_hash(version: str, text: str) -> str:
    """The key of a text under a model: equal hashes mean equal vectors."""
    return hashlib.sha256(f"{version}\x1f{text}".encode()).hexdigest()


def encode_cached(
    encoder: Encoder, texts: Sequence[str], cache: EmbeddingCache, report: Report = silent
) -> tuple[FloatArray, list[str]]:
    """Vectors of texts, encoding only those that this model has not seen; resumes where it was interrupted.

    Returns:
        (n, width) matrix and n content hashes, in the order of the texts.
    """
    hashes = [content_hash(encoder.version, text) for text in texts]
    wanted = dict(zip(hashes, texts, strict=True))
    known = cache.get(encoder.version, list(wanted))
    # Longest first: texts of a batch are of like length, and the slowest part is not a surprise at the end.
    missing = sorted((key for key in wanted if key not in known), key=lambda key: -len(wanted[key]))
    done = len(wanted) - len(missing)
    report("encode", done, len(wanted))
    for keys in _pieces(missing):
        matrix = encoder.encode([wanted[key] for key in keys], _shifted(report, done, len(wanted)))
        fresh = dict(zip(keys, matrix, strict=True))
        cache.put(encoder.version, fresh)
        known.update(fresh)
        done += len(keys)
    rows = [known[key] for key in hashes]
    return (np.stack(rows) if rows else np.zeros((0, encoder.width), np.float32)), hashes


def _pieces(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def _shifted(report: Report, before: int, total: int) -> Report:
    """The news of one batch as news of the whole."""
    return lambda stage, done, _: report(stage, before + done, total)

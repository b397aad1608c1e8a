"""The pictures of many nodes, some at a time: what was encoded once is not decoded again."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ingestion.encoders.cache import BATCH, EmbeddingCache, FloatArray, Versioned, content_hash
from ingestion.encoders.downloads import TOGETHER
from ingestion.encoders.picture_source import PictureSource
from ingestion.encoders.pictures import PictureError, Seen
from schema.progress import Report, silent

READ = 64
"""Files that are encoded at a time; as many more are being read."""

Read = tuple[bytes, str] | PictureError | None
"""A picture's file and its hash; why it cannot be used; nothing where a node names none."""


class PictureEncoder(Versioned, Protocol):
    """Anything that turns pictures into vectors."""

    def encode(self, contents: Sequence[bytes], report: Report = silent) -> Seen:
        """Vectors of the pictures in some files."""


@dataclass(frozen=True)
class Named:
    """A node and what its picture is called; nothing where it has none."""

    node: str
    picture: str | None


@dataclass(frozen=True)
class Hung:
    """Some nodes with the vectors of their pictures.

    Shapes:
        matrix: (n, d), zero where there is no picture that can be used.
        hashes: n, of model and content.
        rejected: positions among them -> why.
    """

    named: Sequence[Named]
    matrix: FloatArray
    hashes: list[str]
    rejected: dict[int, PictureError]


def encode_gallery(
    encoder: PictureEncoder,
    named: Sequence[Named],
    source: PictureSource,
    cache: EmbeddingCache,
    report: Report = silent,
) -> Iterator[Hung]:
    """Vectors of pictures, encoding only what this model has not seen; resumes where it was interrupted.

    Args:
        encoder: the model.
        named: nodes with the names of their pictures.
        source: where the pictures are.
        cache: where vectors are kept.
        report: told how far it is.
    """
    with ThreadPoolExecutor(TOGETHER) as pool:
        files = _read_ahead(pool, named, source)
        for start in range(0, len(named), BATCH):
            some = named[start : start + BATCH]
            hung = [_hung(encoder, some[at : at + READ], next(files), cache) for at in range(0, len(some), READ)]
            yield _joined(hung)
            report("encode pictures", start + len(some), len(named))


def _read_ahead(pool: Executor, named: Sequence[Named], source: PictureSource) -> Iterator[list[Read]]:
    """The files of `READ` nodes at a time; those of the next ones are read meanwhile."""

    def read(one: Named) -> Read:
        if not one.picture:
            return None
        try:
            content = source.read(one.picture)
        except PictureError as error:
            return error
        return content, hashlib.sha256(content).hexdigest()

    coming = pool.map(read, named[:READ])
    for start in range(READ, len(named) + READ, READ):
        these, coming = coming, pool.map(read, named[start : start + READ])
        yield list(these)


def _hung(encoder: PictureEncoder, named: Sequence[Named], files: Sequence[Read], cache: EmbeddingCache) -> Hung:
    matrix = np.zeros((len(named), encoder.width), np.float32)
    hashes = [content_hash(encoder.version, "")] * len(named)
    rejected: dict[int, PictureError] = {}
    contents: dict[str, bytes] = {}
    for row, found in enumerate(files):
        if isinstance(found, PictureError):
            rejected[row] = found
        elif found is not None:
            hashes[row] = content_hash(encoder.version, found[1])
            contents[hashes[row]] = found[0]
    known, problems = _vectors(encoder, contents, cache)
    for row, key in enumerate(hashes):
        if key in problems:
            rejected[row], hashes[row] = problems[key], content_hash(encoder.version, "")
        elif key in known:
            matrix[row] = known[key]
    return Hung(named, matrix, hashes, rejected)


def _vectors(
    encoder: PictureEncoder, contents: Mapping[str, bytes], cache: EmbeddingCache
) -> tuple[dict[str, FloatArray], dict[str, PictureError]]:
    """Vectors of pictures by the hash of their content, or why there is none."""
    known = cache.get(encoder.version, list(contents))
    keys = [key for key in contents if key not in known]
    if not keys:
        return known, {}
    seen = encoder.encode([contents[key] for key in keys])
    problems = {keys[row]: problem for row, problem in seen.problems.items()}
    fresh = {key: vector for key, vector in zip(keys, seen.matrix, strict=True) if key not in problems}
    cache.put(encoder.version, fresh)
    return known | fresh, problems


def _joined(hung: Sequence[Hung]) -> Hung:
    """Pieces of `READ` nodes, all but the last, as one."""
    return Hung(
        [one for piece in hung for one in piece.named],
        np.concatenate([piece.matrix for piece in hung]),
        [key for piece in hung for key in piece.hashes],
        {at * READ + row: why for at, piece in enumerate(hung) for row, why in piece.rejected.items()},
    )

"""The pictures of many nodes, some at a time: what was encoded once is not decoded again."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ingestion.encoders.cache import BATCH, EmbeddingCache, FloatArray, Versioned, content_hash
from ingestion.encoders.pictures import MOST_BYTES, PictureError, Seen
from schema.files import sha256
from schema.progress import Report, silent

READ = 64
"""Files in memory at a time."""


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
    encoder: PictureEncoder, named: Sequence[Named], folder: Path, cache: EmbeddingCache, report: Report = silent
) -> Iterator[Hung]:
    """Vectors of pictures, encoding only what this model has not seen; resumes where it was interrupted.

    Args:
        encoder: the model.
        named: nodes with the names of their pictures.
        folder: where the pictures are; names that lead out of it are refused.
        cache: where vectors are kept.
        report: told how far it is.
    """
    for start in range(0, len(named), BATCH):
        some = named[start : start + BATCH]
        yield _hung(encoder, some, folder, cache)
        report("encode pictures", start + len(some), len(named))


def _hung(encoder: PictureEncoder, named: Sequence[Named], folder: Path, cache: EmbeddingCache) -> Hung:
    matrix = np.zeros((len(named), encoder.width), np.float32)
    hashes = [content_hash(encoder.version, "")] * len(named)
    rejected: dict[int, PictureError] = {}
    files: dict[int, Path] = {}
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda one: _digest(folder, one.picture), named)
        for row, digest in enumerate(digests):
            if isinstance(digest, PictureError):
                rejected[row] = digest
            elif digest is not None:
                files[row], content = digest
                hashes[row] = content_hash(encoder.version, content)
    wanted = {hashes[row]: file for row, file in files.items()}
    known = cache.get(encoder.version, list(wanted))
    problems: dict[str, PictureError] = {}
    missing = [key for key in wanted if key not in known]
    for start in range(0, len(missing), READ):
        keys = missing[start : start + READ]
        seen = encoder.encode([_read(wanted[key]) for key in keys])
        problems |= {keys[row]: problem for row, problem in seen.problems.items()}
        fresh = {key: vector for key, vector in zip(keys, seen.matrix, strict=True) if key not in problems}
        cache.put(encoder.version, fresh)
        known |= fresh
    for row in files:
        if hashes[row] in problems:
            rejected[row], hashes[row] = problems[hashes[row]], content_hash(encoder.version, "")
        else:
            matrix[row] = known[hashes[row]]
    return Hung(named, matrix, hashes, rejected)


def _digest(folder: Path, name: str | None) -> tuple[Path, str] | PictureError | None:
    """The file of a picture and the hash of its content; why it cannot be used; None where there is no name."""
    if not name:
        return None
    if "://" in name:
        return PictureError("elsewhere", "is an address; pictures are read from the shop's folder")
    with suppress(OSError, ValueError):
        root, file = folder.resolve(), (folder / name).resolve()  # links, too, may not lead out of the folder
        if file.is_relative_to(root) and file.is_file():
            if file.stat().st_size > MOST_BYTES:
                return PictureError("too_large", f"has more than {MOST_BYTES // 2**20} MiB; shrink it")
            return file, sha256(file)
    return PictureError("missing", f"is not in {folder}")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # gone since it was looked at: no picture
        return b""

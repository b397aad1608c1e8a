"""Files of RDF as triples, one after the other, each with the line on which it ends."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import pyoxigraph as ox

from ingestion.delimited import Broken
from ingestion.errors import SourceError
from schema.errors import suggestion

FORMATS = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
    ".jsonld": ox.RdfFormat.JSON_LD,
    ".json": ox.RdfFormat.JSON_LD,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".owl": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
}
"""Suffix of a file, after `.gz` is taken off, and how it is read."""

_LINEWISE = (ox.RdfFormat.N_TRIPLES, ox.RdfFormat.N_QUADS)
_SCHEMA_ORG = ("http://schema.org", "https://schema.org", "http://www.schema.org", "https://www.schema.org")
_REMOTE = "LoadDocumentCallback"
_HOPELESS = 1000
"""Broken lines, if they are more than the sound ones, after which a file is taken to be something else."""


@dataclass
class Parsed:
    """A file on its way: the triples, the line that was read last, and the lines that are no triples."""

    path: Path
    quads: Iterator[ox.Quad] = field(repr=False)
    lines: "Lines"
    broken: list[Broken] = field(default_factory=list)

    def __iter__(self) -> Iterator[ox.Quad]:
        return self.quads


class Lines:
    """A file that is read line by line, so that it is known on which line a parser is."""

    def __init__(self, file: IO[bytes]) -> None:
        self.number = 0
        self._file = file

    def read(self, size: int = -1) -> bytes:
        line = self._file.readline(size)
        self.number += line.endswith(b"\n")
        return line


@contextmanager
def opened_rdf(path: Path, base: str) -> Iterator[Parsed]:
    """A file of Turtle, N-Triples, JSON-LD, RDF/XML, N-Quads or TriG, perhaps with .gz.

    Args:
        path: the file; its suffix tells the format.
        base: what relative IRIs are relative to.

    Raises:
        SourceError: here or while triples are taken: the file is missing, cut off or broken; the message
            names the line. Of N-Triples and N-Quads a broken line costs that line alone.
    """
    form = format_of(path)
    if not path.is_file():
        near = sorted(p.name for p in path.parent.iterdir() if p.is_file())[:8] if path.parent.is_dir() else []
        raise SourceError(f"{path}: no such file; the folder has {', '.join(near) or 'no files'}")
    with path.open("rb") as plain:
        file = cast(IO[bytes], gzip.GzipFile(fileobj=plain)) if path.suffix.lower() == ".gz" else plain
        lines = Lines(file)
        broken: list[Broken] = []
        quads = _quads(path, form, lines, base, broken)
        yield Parsed(path, quads, lines, broken)


def format_of(path: Path) -> ox.RdfFormat:
    """How a file is read, by its suffix.

    Raises:
        SourceError: the suffix says nothing.
    """
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = plain.suffix.lower()
    if suffix not in FORMATS:
        raise SourceError(f"{path}: the suffix {suffix or '(none)'} tells no RDF format; {suggestion(suffix, FORMATS)}")
    return FORMATS[suffix]


def _quads(path: Path, form: ox.RdfFormat, lines: Lines, base: str, broken: list[Broken]) -> Iterator[ox.Quad]:
    taken = 0
    try:
        parser = ox.parse(cast(IO[bytes], lines), form, base_iri=base)
        while True:
            try:
                for quad in parser:
                    taken += 1
                    yield quad
                return
            except SyntaxError as error:
                if _REMOTE in str(error) and taken == 0:
                    yield from _with_context(path, base)
                    return
                if form not in _LINEWISE or _hopeless(broken, taken):
                    raise _broken(path, form, error, lines) from error
                broken.append(Broken(error.lineno or lines.number, "broken_triple", error.msg, ""))
    except (EOFError, zlib.error) as error:
        raise SourceError(f"{path}: the gzip file is cut off or damaged ({error}); fetch or export it again") from error
    except gzip.BadGzipFile as error:
        raise SourceError(f"{path}: is not gzip although its name ends in .gz; rename it or compress it") from error
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror or error}); check the file and its rights"
        ) from error


def _hopeless(broken: list[Broken], taken: int) -> bool:
    return (len(broken) >= _HOPELESS and len(broken) > taken) or (taken == 0 and len(broken) > 20)


def _broken(path: Path, form: ox.RdfFormat, error: SyntaxError, lines: Lines) -> SourceError:
    line = error.lineno or lines.number
    column = f" column {error.offset}" if error.offset else ""
    return SourceError(
        f"{path}:{line}: is not {form.name}: {error.msg}. Nothing was loaded; correct line {line}{column}, or have the "
        "file written anew, and run it again"
    )


def _with_context(path: Path, base: str) -> Iterator[ox.Quad]:
    """JSON-LD whose context is to be fetched: that of schema.org is known, others are never fetched."""
    opener = gzip.open if path.suffix.lower() == ".gz" else io.open
    with opener(path, "rb") as file:
        document = json.load(cast(IO[bytes], file))
    text = json.dumps(_known_contexts(path, document)).encode()
    try:
        yield from ox.parse(text, ox.RdfFormat.JSON_LD, base_iri=base)
    except SyntaxError as error:
        raise SourceError(
            f"{path}: is not JSON-LD: {error.msg}. Nothing was loaded; correct it and run it again"
        ) from error


def _known_contexts(path: Path, part: Any) -> Any:
    if isinstance(part, list):
        return [_known_contexts(path, member) for member in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _context(path, value) if key == "@context" else _known_contexts(path, value) for key, value in part.items()
    }


def _context(path: Path, context: Any) -> Any:
    if isinstance(context, list):
        return [_context(path, member) for member in context]
    if not isinstance(context, str):
        return context
    if context.rstrip("/#").removesuffix("/docs/jsonldcontext.jsonld") in _SCHEMA_ORG:
        return {"@vocab": "http://schema.org/", "schema": "http://schema.org/"}
    raise SourceError(
        f"{path}: its @context is to be fetched from {context}; contexts are not fetched: write it into the file, or "
        "convert the file to N-Triples"
    )

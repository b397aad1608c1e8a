"""Files of RDF as triples, one after the other, each with the line on which it ends."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
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
_SUSPICIOUS, _HOPELESS = 20, 100_000
"""Broken lines after which a file is given up: where they are more than the sound ones, and in any case."""


class Lines:
    """A file that is read line by line, so that it is known on which line a parser is."""

    def __init__(self, file: IO[bytes]) -> None:
        self.number = 0
        self._file = file

    def read(self, size: int = -1) -> bytes:
        line = self._file.readline(size)
        self.number += line.endswith(b"\n")
        return line


class Parsed:
    """A file on its way: a parser, the line that it is on, and the lines that are no triples.

    Whoever takes triples from `parser` gives a SyntaxError of it to `broke`, and goes on if that returns.
    """

    def __init__(self, path: Path, file: IO[bytes], form: ox.RdfFormat, base: str) -> None:
        self.lines = Lines(file)
        self.parser = ox.parse(cast(IO[bytes], self.lines), form, base_iri=base)
        self.broken: list[Broken] = []
        self._path, self._form, self._base = path, form, base

    def broke(self, error: SyntaxError, taken: int) -> None:
        """Notes a broken line where each line is for itself.

        Args:
            error: what the parser said.
            taken: triples that were read so far.

        Raises:
            SourceError: the file cannot be read any further.
        """
        if _REMOTE in str(error) and taken == 0:
            self.parser = _with_context(self._path, self._base)
            self.lines.number = 0  # the document was read as a whole
        elif self._form in _LINEWISE and not _hopeless(len(self.broken), taken):
            line = error.lineno or self.lines.number
            if not self.broken or self.broken[-1].line != line:
                self.broken.append(Broken(line, "broken_triple", error.msg, ""))
        else:
            raise _broken(self._path, self._form, error, self.lines) from error


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
    with path.open("rb") as plain, _said(path):
        file = cast(IO[bytes], gzip.GzipFile(fileobj=plain)) if path.suffix.lower() == ".gz" else plain
        yield Parsed(path, file, form, base)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Errors of reading in the words of a person."""
    try:
        yield
    except (EOFError, zlib.error) as error:
        raise SourceError(f"{path}: the gzip file is cut off or damaged ({error}); fetch or export it again") from error
    except gzip.BadGzipFile as error:
        raise SourceError(f"{path}: is not gzip although its name ends in .gz; rename it or compress it") from error


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


def _hopeless(broken: int, taken: int) -> bool:
    """Whether there are so many broken lines that the file is likely something else."""
    return broken >= (_HOPELESS if taken > broken else _SUSPICIOUS)


def _broken(path: Path, form: ox.RdfFormat, error: SyntaxError, lines: Lines) -> SourceError:
    line = error.lineno or lines.number or 1
    column = f" column {error.offset}" if error.offset else ""
    return SourceError(
        f"{path}:{line}: is not {form.name}: {error.msg}. Nothing was loaded; correct line {line}{column}, or have the "
        "file written anew, and run it again"
    )


def _with_context(path: Path, base: str) -> ox.QuadParser:
    """JSON-LD whose context is to be fetched: that of schema.org is known, others are never fetched."""
    opener = gzip.open if path.suffix.lower() == ".gz" else io.open
    with opener(path, "rb") as file:
        try:
            document = json.load(cast(IO[bytes], file))
        except ValueError as error:
            raise SourceError(
                f"{path}: is not JSON: {error}. Nothing was loaded; correct it and run it again"
            ) from error
    text = json.dumps(_known_contexts(path, document)).encode()
    return ox.parse(text, ox.RdfFormat.JSON_LD, base_iri=base)


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

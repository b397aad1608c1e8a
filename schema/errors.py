"""The root of every error that Pathrec raises on purpose, and how such errors are worded.

A message says what happened, where, and what to do about it.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class PathrecError(Exception):
    """Something that a person can put right; the message names the place and the remedy."""


class OntologyError(PathrecError):
    """An ontology file contradicts itself or names what does not exist."""


class SnapshotError(PathrecError):
    """A snapshot folder is incomplete, damaged, of another format or of another ontology."""


class RecordError(PathrecError):
    """A table of records does not have the columns or types that the ontology asks for."""


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: what there is, and the likely spelling."""
    names = sorted(known)
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    close = get_close_matches(wrong, names, n=1)
    return f"there is {listed or 'nothing'}." + (f" Did you mean {close[0]}?" if close else "")

"""The one error that a public data set can cause, and what it says of relations."""

from collections.abc import Collection

from schema.errors import PathrecError, suggestion


class DatasetError(PathrecError):
    """A data set's folder is not what its format says; the message names the file and the remedy."""


def missing_relation(name: str, there: Collection[str]) -> str:
    """What to say of a relation that shall be left out and is not there."""
    if not there:
        return f"without {name}: the data has no relations that could be left out"
    return f"without {name}: the data has no such relation; {suggestion(name, there)}"

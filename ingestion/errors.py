"""What can be wrong with a mapping or a file before a single row is judged."""

from schema.errors import PathrecError


class MappingError(PathrecError):
    """A mapping contradicts itself, the ontology or the files; the message lists every mistake."""


class SourceError(PathrecError):
    """A file is missing, empty, cut off, or not what its name says."""


class BalanceError(PathrecError):
    """Rows were lost or counted twice on the way: rows in is not rows kept plus rows quarantined."""

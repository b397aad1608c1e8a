"""The one error that a public data set can cause."""

from schema.errors import PathrecError


class DatasetError(PathrecError):
    """A data set's folder is not what its format says; the message names the file and the remedy."""

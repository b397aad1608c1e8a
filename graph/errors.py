"""What can go wrong between Pathrec and its store."""

from schema.errors import PathrecError


class StoreError(PathrecError):
    """The store refused something: an unknown end, an ontology that does not fit, a bad query."""


class StoreUnavailable(StoreError):  # noqa: N818 - the contract's name, as drivers call it
    """The store cannot be reached, or went away in the middle."""


class StoreReadOnly(StoreUnavailable):
    """The store answers and keeps nothing new, as with a full disk; nothing of what was to be written is there."""


class QueryRefused(StoreError):  # noqa: N818 - named as its neighbour is
    """The store does not take a query: a fault of ours or of the store, never of whoever asked for something."""


class KnowledgeError(StoreError):
    """A rule of knowledge names what is not there, contradicts the graph, or returns something else than links."""


class NoSuchRule(KnowledgeError):  # noqa: N818 - named as its neighbours are
    """There is no rule of knowledge of some id."""

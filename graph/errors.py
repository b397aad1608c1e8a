"""What can go wrong between Pathrec and its store."""

from typing import Literal, Self

from schema.errors import PathrecError

Reason = Literal["WRONG", "NOT_READING", "TOO_LONG", "TOO_LARGE"]


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


class ExplorationError(StoreError):
    """A query that somebody wrote is not answered: it is wrong, it does not only read, or it takes too much."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason

    @classmethod
    def not_reading(cls, why: str) -> Self:
        """It would do more than read."""
        return cls(
            f"only queries that read are run, and {why}; ask with MATCH, CALL of "
            "db.labels, db.index.fulltext.queryNodes and the like, and RETURN",
            "NOT_READING",
        )

    @classmethod
    def too_long(cls, seconds: float) -> Self:
        """It was ended before it was done."""
        return cls(
            f"the query took longer than {seconds:g} seconds and was ended; ask for less, or give it more time",
            "TOO_LONG",
        )

    @classmethod
    def too_large(cls, most: int) -> Self:
        """One row alone does not fit."""
        return cls(f"a row of the answer is larger than {most:,} bytes; return less of each", "TOO_LARGE")

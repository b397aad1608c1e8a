"""What can be wrong with a request, each with the code that the interface shows."""

from schema.errors import PathrecError


class ServiceError(PathrecError):
    """A request that cannot be answered.

    Args:
        message: what is wrong.
        field: the argument or input field it is about.
        remedy: what the caller can do.
    """

    code = "INTERNAL"

    def __init__(self, message: str, *, field: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.remedy = remedy


class BadInputError(ServiceError):
    """An argument has a value that it cannot have."""

    code = "BAD_USER_INPUT"


class NotFoundError(ServiceError):
    """What was asked about does not exist."""

    code = "NOT_FOUND"


class RateLimitedError(ServiceError):
    """Somebody asks more often than they may."""

    code = "RATE_LIMITED"


class OverloadedError(ServiceError):
    """More is asked than the server can answer in time."""

    code = "OVERLOADED"


class TimedOutError(ServiceError):
    """A request takes longer than one may."""

    code = "TIMED_OUT"


class TooLargeError(ServiceError):
    """A request has more bytes than one may have."""

    code = "TOO_LARGE"


class CursorExpiredError(ServiceError):
    """A cursor or a moment belongs to a model that is no longer served."""

    code = "CURSOR_EXPIRED"


class UnauthenticatedError(ServiceError):
    """Nobody can tell who asks."""

    code = "UNAUTHENTICATED"


class ForbiddenError(ServiceError):
    """The caller has not got the role that this needs."""

    code = "FORBIDDEN"


class UnavailableError(ServiceError):
    """The store cannot be reached, or there is no model to answer with."""

    code = "UNAVAILABLE"

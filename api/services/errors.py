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


class CursorExpiredError(ServiceError):
    """A cursor or a moment belongs to a model that is no longer served."""

    code = "CURSOR_EXPIRED"


class ForbiddenError(ServiceError):
    """The caller has not got the role that this needs."""

    code = "FORBIDDEN"


class UnavailableError(ServiceError):
    """The store cannot be reached, or there is no model to answer with."""

    code = "UNAVAILABLE"

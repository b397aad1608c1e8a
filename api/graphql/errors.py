"""What a client learns of an error: a code, the field, a remedy, and never what is inside."""

from typing import Any

import structlog
from graphql import GraphQLError

from api.services.errors import ServiceError
from graph import StoreReadOnly, StoreUnavailable
from schema.files import WriteError

_log = structlog.get_logger()


def formatted(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """The JSON form of an error that came up in the execution."""
    original = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    extensions: dict[str, Any]
    if isinstance(original, ServiceError):
        message, extensions = original.message, {"code": original.code}
        if original.field is not None:
            extensions["field"] = original.field
        if original.remedy is not None:
            extensions["remedy"] = original.remedy
    elif isinstance(original, StoreUnavailable):
        _log.error("store_unavailable", problem=str(original))
        read_only = isinstance(original, StoreReadOnly)
        message = f"the shop's store {'takes nothing new now' if read_only else 'cannot be reached'}"
        extensions = {"code": "UNAVAILABLE", "remedy": "try again in a moment"}
    elif isinstance(original, WriteError):
        _log.error("not_written", problem=str(original))
        message = "the server cannot write what this needs written; nothing was begun"
        extensions = {"code": "UNAVAILABLE", "remedy": "try again later; the server's log says more"}
    elif original is None:
        message, extensions = error.message, {"code": "BAD_USER_INPUT"}
    else:
        _log.error("request_failed", path=error.path, exc_info=original)
        message, extensions = "something went wrong on the server", {"code": "INTERNAL"}
        extensions["remedy"] = f"report it with the request id {request_id}"
    return _located(error, message, extensions)


def refused(errors: list[GraphQLError]) -> list[dict[str, Any]]:
    """The JSON form of what is wrong with a query before it is executed."""
    return [_located(error, error.message, {"code": "GRAPHQL_VALIDATION_FAILED"}) for error in errors]


def _located(error: GraphQLError, message: str, extensions: dict[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = {"message": message, "extensions": extensions}
    if error.locations:
        form["locations"] = [location.formatted for location in error.locations]
    if error.path:
        form["path"] = error.path
    return form

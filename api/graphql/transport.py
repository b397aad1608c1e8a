"""The messages of graphql-transport-ws: what a client may send, and with which codes a server ends a socket.

The protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import json
from dataclasses import dataclass
from typing import Any

PROTOCOL = "graphql-transport-ws"

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
WRONG_PROTOCOL = 4406
LATE = 4408
ID_IN_USE = 4409
INITIALISED_TWICE = 4429
_REASON_BYTES = 123


class CloseError(Exception):
    """The socket must end."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_REASON_BYTES].decode(errors="ignore")


@dataclass(frozen=True)
class Incoming:
    """A message of a client; `payload` has the form that its type asks for."""

    type: str
    id: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """An operation to execute."""

    query: str
    variables: dict[str, Any] | None
    operation: str | None


def parse(text: str) -> Incoming:
    """A message.

    Raises:
        CloseError: it is none.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise CloseError(BAD_REQUEST, "Invalid message received: it is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise CloseError(BAD_REQUEST, "Invalid message received: it has no type")
    kind, key, payload = message["type"], message.get("id"), message.get("payload")
    if kind not in ("connection_init", "ping", "pong", "subscribe", "complete"):
        raise CloseError(BAD_REQUEST, f"Invalid message received: no client sends {kind}")
    if kind in ("subscribe", "complete") and not (isinstance(key, str) and key):
        raise CloseError(BAD_REQUEST, f"Invalid message received: {kind} needs an id")
    if not isinstance(payload, dict) and (payload is not None or kind == "subscribe"):
        raise CloseError(BAD_REQUEST, "Invalid message received: the payload is no object")
    return Incoming(kind, key if isinstance(key, str) else "", payload or {})


def request(message: Incoming) -> Request:
    """What a subscribe message asks for.

    Raises:
        CloseError: it is not said.
    """
    payload = message.payload
    query, variables, operation = payload.get("query"), payload.get("variables"), payload.get("operationName")
    if not isinstance(query, str):
        raise CloseError(BAD_REQUEST, "Invalid message received: the payload has no query")
    if not isinstance(variables, dict | None) or not isinstance(operation, str | None):
        raise CloseError(BAD_REQUEST, "Invalid message received: variables or operationName have a wrong form")
    return Request(query, variables, operation)


def message(kind: str, key: str | None = None, payload: object = None) -> str:
    """A message of the server."""
    form: dict[str, object] = {"type": kind, **({"id": key} if key is not None else {})}
    if payload is not None:
        form["payload"] = payload
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))

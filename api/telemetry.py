"""Logs as JSON lines on standard error, each with the id of the request that it belongs to."""

import logging
import re
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import uuid4

import structlog

from api import metrics

REQUEST_ID_HEADER = b"x-request-id"
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_log = structlog.get_logger()

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Lines(structlog.PrintLogger):
    """Prints lines, and counts those that cannot be: a full disk must not cost whoever asks their answer."""

    def msg(self, message: str) -> None:
        """Prints a line."""
        try:
            super().msg(message)
        except OSError:
            metrics.LOST_LINES.inc()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def configure_logging() -> None:
    """JSON lines on standard error for a server."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Lines(sys.stderr),
        cache_logger_on_first_use=True,
    )


def request_id() -> str:
    """The id of the request that is being answered."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


class RequestLog:
    """Gives each request an id, or keeps the one it came with, and logs how it ended."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(REQUEST_ID_HEADER, b"")
        identity = given if _GIVEN.fullmatch(given) else uuid4().hex.encode()
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER, identity)]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=identity.decode())
        try:
            await self._app(scope, receive, sending)
        finally:
            milliseconds = round(1000 * (time.perf_counter() - began), 2)
            _log.info("request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)
            structlog.contextvars.clear_contextvars()

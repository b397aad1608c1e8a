"""Who may come in: whoever shows a key; while there are none, this machine. Not too often, with a bearable body."""

import json
import math
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from anyio import move_on_after

from api import metrics
from api.auth import Authority
from api.rates import Buckets
from api.services.callers import Caller
from api.services.errors import (
    ForbiddenError,
    RateLimitedError,
    ServiceError,
    TimedOutError,
    TooLargeError,
    UnauthenticatedError,
)
from api.settings import Settings, is_loopback
from api.telemetry import App, Message, Receive, Scope, Send

# What shows nothing of the shop's people and changes nothing, by method and path: health, pictures, pages.
_OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/graphql"), ("GET", "/")}
_OPEN_FOLDERS = ("/images/", "/web/")
_ELSEWHERE = ForbiddenError("only this machine may ask until there are keys", remedy="use http://127.0.0.1")
_TOO_OFTEN = RateLimitedError("you ask too often", remedy="wait as long as Retry-After says")
_FORBIDDEN = 4403  # as graphql-transport-ws says it


class Gate:
    """Refuses whoever shows no key, or without keys what does not come from this machine; who asks too often; and
    bodies that are too large or too slow.

    While there are no keys, Host and Origin are looked at as well: a web page, also one whose name is made to
    resolve to 127.0.0.1, must not reach the shop through its visitor's browser.
    """

    def __init__(self, app: App, *, authority: Authority, settings: Settings) -> None:
        self._app = app
        self._authority = authority
        self._max_body_bytes = settings.max_body_bytes
        self._body_seconds = settings.body_seconds
        self._visitors = Buckets(settings.storefront_rate)
        self._own = Buckets(settings.server_rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another one; `scope["state"]["caller"]` is who asks, None on open routes."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if not self._authority.closed and not _from_here(scope, headers):
            await _refuse(send, HTTPStatus.FORBIDDEN, _ELSEWHERE)
            return
        caller, stranger = self._known(headers)
        scope.setdefault("state", {})["caller"] = caller
        wait = 0.0 if _is_open(scope) else self._wait(caller, scope)
        if wait:
            await _refuse(send, HTTPStatus.TOO_MANY_REQUESTS, _TOO_OFTEN, retry_after=wait)
        elif stranger is not None and not _is_open(scope):
            await _refuse(send, HTTPStatus.UNAUTHORIZED, stranger)
        elif _declared(headers) > self._max_body_bytes:
            await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large())
        else:
            await self._counted(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Without a key in its headers, which no browser can set, a connection has to show one as it begins."""
        headers = dict(scope["headers"])
        if not self._authority.closed and not (_from_here(scope, headers) and _from_own_page(headers)):
            await send({"type": "websocket.close", "code": _FORBIDDEN})
            return
        state = scope.setdefault("state", {})
        state["caller"], _ = self._known(headers)
        state["wait"] = lambda caller: self._wait(caller, scope)
        await self._app(scope, receive, send)

    def _known(self, headers: Mapping[bytes, bytes]) -> tuple[Caller | None, UnauthenticatedError | None]:
        """Who asks, or what is wrong with what they show."""
        try:
            caller = self._authority.caller(headers)
        except UnauthenticatedError as error:
            return None, error
        structlog.contextvars.bind_contextvars(key=caller.key)
        return caller, None

    def _wait(self, caller: Caller | None, scope: Scope) -> float:
        """Seconds until somebody may ask. A stranger counts by address, as does a key that a page shows everybody."""
        if caller is not None and not caller.is_visitor:
            return self._own.wait(caller.key)
        client = scope.get("client")
        address = client[0] if client else ""
        user = caller.user if caller is not None else None
        return self._visitors.wait(("address", address) if user is None else ("user", user))

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Holds the body to its size, said or not, and to its time."""
        size, complete, began = 0, False, False
        deadline = time.monotonic() + self._body_seconds

        async def receiving() -> Message:
            nonlocal size, complete
            if complete:  # what follows is only whether the client is still there
                return await receive()
            with move_on_after(deadline - time.monotonic()) as hurry:
                message = await receive()
            if hurry.cancelled_caught:
                raise _RefusedError(HTTPStatus.REQUEST_TIMEOUT, self._too_slow())
            size += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if size > self._max_body_bytes:
                raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large())
            return message

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receiving, sending)
        except _RefusedError as refused:
            if not began:
                await _refuse(send, refused.status, refused.error)

    def _too_slow(self) -> ServiceError:
        return TimedOutError(
            f"the body did not arrive within {self._body_seconds:g} seconds", remedy="send it faster, or in parts"
        )

    def _too_large(self) -> ServiceError:
        return TooLargeError(f"the body is larger than {self._max_body_bytes} bytes", remedy="send it in parts")


class _RefusedError(Exception):
    """Never leaves this module."""

    def __init__(self, status: int, error: ServiceError) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error


def _from_here(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    client = scope.get("client")
    host = headers.get(b"host", b"").decode("latin-1")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return (client is None or is_loopback(client[0])) and is_loopback(name)


def _from_own_page(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page that opens a connection is of this machine; programs say nothing of a page."""
    origin = headers.get(b"origin")
    return origin is None or is_loopback(urlsplit(origin.decode("latin-1")).hostname or "")


def _is_open(scope: Scope) -> bool:
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return (method, scope["path"]) in _OPEN or (method == "GET" and scope["path"].startswith(_OPEN_FOLDERS))


def _declared(headers: dict[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(send: Send, status: int, error: ServiceError, *, retry_after: float | None = None) -> None:
    metrics.REFUSED.labels(error.code).inc()
    extensions = {"code": error.code, **({"remedy": error.remedy} if error.remedy else {})}
    body = json.dumps({"errors": [{"message": error.message, "extensions": extensions}]})
    headers = [(b"content-type", b"application/json")]
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(retry_after)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})

"""GraphQL over WebSocket: graphql-transport-ws on the route `/graphql`.

Operations are executed in worker threads as over HTTP. A subscription that waits holds neither a thread nor a
connection to the store; it is woken by the `Watcher`.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from api.auth import Authority
from api.graphql import transport
from api.graphql.context import Context
from api.graphql.execution import Executor, Outcome
from api.graphql.transport import CloseError, Incoming, Request
from api.services.callers import Caller
from api.services.errors import RateLimitedError, UnauthenticatedError
from api.services.shop import Shop
from api.services.watching import Watch, Watcher
from api.settings import Settings

OPERATIONS = 20
"""How many of one socket may run at the same time."""
GREETING_SECONDS = 10.0
"""How long a socket may be open before it says connection_init."""
PAUSE = 0.5
"""Seconds between two lists of one subscription: what arrives meanwhile comes together."""
_RETRY = 1.0
_GOING_AWAY, _TRY_LATER = 1001, 1013
Follow = Callable[[str | None, str | None], None]


def router(executor: Executor, authority: Authority, settings: Settings) -> APIRouter:
    """The route `/graphql` for sockets."""
    routes = APIRouter()
    # A new model wakes everybody: requests over HTTP must not wait for that.
    limiter = CapacityLimiter(max(1, settings.threads // 2))
    sockets: set[Socket] = set()

    @routes.websocket("/graphql")
    async def graphql(websocket: WebSocket) -> None:
        if len(sockets) >= settings.max_sockets:
            await websocket.send_denial_response(Response(status_code=503, headers={"retry-after": "5"}))
            return
        socket = Socket(websocket, executor, authority, limiter, settings.socket_idle_seconds)
        sockets.add(socket)
        try:
            await socket.run()
        finally:
            sockets.discard(socket)

    return routes


class Socket:
    """One socket with the operations that run over it."""

    def __init__(
        self, websocket: WebSocket, executor: Executor, authority: Authority, limiter: CapacityLimiter, idle: float
    ) -> None:
        self._websocket = websocket
        self._executor = executor
        self._authority = authority
        self._limiter = limiter
        self._idle = idle
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Talks until one side ends it; nothing is left behind then."""
        offered = transport.PROTOCOL in self._websocket.scope["subprotocols"]
        await self._websocket.accept(transport.PROTOCOL if offered else None)
        try:
            if not offered:
                raise CloseError(transport.WRONG_PROTOCOL, "Subprotocol not acceptable")
            await self._talk()
        except CloseError as ending:
            if self._websocket.application_state is WebSocketState.CONNECTED:
                await self._websocket.close(ending.code, ending.reason)
        except WebSocketDisconnect:
            pass
        finally:
            await self._end_all()

    async def _talk(self) -> None:
        caller = await self._greeted()
        while True:
            incoming = await self._next(self._idle)
            if incoming.type == "connection_init":
                raise CloseError(transport.INITIALISED_TWICE, "Too many initialisation requests")
            if incoming.type == "ping":
                await self._send("pong")
            elif incoming.type == "subscribe":
                await self._begin(incoming, caller)
            elif incoming.type == "complete" and (running := self._operations.pop(incoming.id, None)):
                running.cancel()

    async def _greeted(self) -> Caller:
        """Waits for connection_init; says whose socket it is: by its headers or, as browsers have to, the payload."""
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                while (incoming := await self._next(None)).type != "connection_init":
                    if incoming.type == "subscribe":
                        raise CloseError(transport.UNAUTHORIZED, "Unauthorized")
                    if incoming.type == "ping":
                        await self._send("pong")
        except TimeoutError:
            raise CloseError(transport.LATE, "Connection initialisation timeout") from None
        try:
            caller: Caller = self._websocket.state.caller or self._authority.greeting(incoming.payload)
        except UnauthenticatedError:
            raise CloseError(transport.FORBIDDEN, "Forbidden") from None
        await self._send("connection_ack")
        return caller

    async def _next(self, patience: float | None) -> Incoming:
        """The next message.

        Raises:
            CloseError: it is none, or there is none for long while nothing runs.
            WebSocketDisconnect: the client is gone.
        """
        while True:
            try:
                received = await asyncio.wait_for(self._websocket.receive(), patience)
                break
            except TimeoutError:
                if not self._operations:
                    raise CloseError(_GOING_AWAY, "Nothing was asked for long; connect again") from None
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        if received.get("text") is None:
            raise CloseError(transport.BAD_REQUEST, "Invalid message received: send text")
        return transport.parse(received["text"])

    async def _begin(self, incoming: Incoming, caller: Caller) -> None:
        request = transport.request(incoming)
        if incoming.id in self._operations:
            raise CloseError(transport.ID_IN_USE, f"Subscriber for {incoming.id} already exists")
        if len(self._operations) >= OPERATIONS:
            message = f"{OPERATIONS} operations of this socket run already; end one, or open another socket"
            error = {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
            await self._send("error", incoming.id, [error])
            return
        if wait := self._websocket.state.wait(caller):
            late = RateLimitedError("you ask too often", remedy=f"wait for {wait:.0f} seconds")
            extensions = {"code": late.code, "remedy": late.remedy}
            await self._send("error", incoming.id, [{"message": late.message, "extensions": extensions}])
            return
        self._operations[incoming.id] = asyncio.create_task(self._operate(incoming.id, request, caller))

    async def _operate(self, key: str, request: Request, caller: Caller) -> None:
        shop: Shop | None = self._websocket.app.state.runtime.shop
        try:
            if shop is None:
                raise CloseError(_TRY_LATER, "The server has no store yet; /readyz says why")
            if self._executor.subscribes(request.query, request.operation):
                await self._stream(key, request, shop, caller)
            else:
                outcome = await self._answer(request, Context(shop, uuid4().hex, caller))
                if outcome.status == 200:
                    await self._send("next", key, outcome.body)
                    await self._send("complete", key)
                else:
                    await self._send("error", key, outcome.body["errors"])
        except CloseError as ending:
            await self._websocket.close(ending.code, ending.reason)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the client is gone, as the socket's own task will see
        finally:
            if self._operations.get(key) is asyncio.current_task():
                del self._operations[key]

    async def _stream(self, key: str, request: Request, shop: Shop, caller: Caller) -> None:
        news = News(shop.watcher)
        began = False
        try:
            while True:
                outcome = await self._answer(request, Context(shop, uuid4().hex, caller, follow=news.follow))
                if _failed(outcome) and not (began and _passes(outcome)):
                    await self._send("error", key, outcome.body["errors"])
                    return
                if _failed(outcome):
                    news.again()
                else:
                    await self._send("next", key, outcome.body)
                if began or _failed(outcome):
                    await asyncio.sleep(_RETRY if _failed(outcome) else PAUSE)
                began = True
                await news.wait()
        finally:
            news.end()

    async def _answer(self, request: Request, context: Context) -> Outcome:
        return await to_thread.run_sync(
            self._executor.execute,
            request.query,
            request.variables,
            request.operation,
            context,
            limiter=self._limiter,
        )

    async def _send(self, kind: str, key: str | None = None, payload: object = None) -> None:
        await self._websocket.send_text(transport.message(kind, key, payload))

    async def _end_all(self) -> None:
        running = list(self._operations.values())
        self._operations.clear()
        for operation in running:
            operation.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class News:
    """Wakes one subscription when there is something new for its viewer."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._ended = False

    def follow(self, user: str | None, session: str | None) -> None:
        """Says for whom; called by whoever answers, from a worker thread, before the history is read."""
        with self._lock:
            if self._watch is None and not self._ended:
                self._watch = self._watcher.add(user, session, self._wake)

    async def wait(self) -> None:
        """Returns when there is something new since it returned last."""
        await self._event.wait()
        self._event.clear()

    def again(self) -> None:
        """There is still something new."""
        self._event.set()

    def end(self) -> None:
        """Nobody waits any more; a worker that has not looked yet will find that out."""
        with self._lock:
            self._ended = True
            if self._watch is not None:
                self._watcher.remove(self._watch)

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)


def _failed(outcome: Outcome) -> bool:
    return outcome.body.get("data") is None


def _passes(outcome: Outcome) -> bool:
    """Whether what went wrong may be over in a moment."""
    errors: list[dict[str, Any]] = outcome.body["errors"]
    return all(error["extensions"]["code"] == "UNAVAILABLE" for error in errors)

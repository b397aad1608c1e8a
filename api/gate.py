"""Who may come in while there are no keys: this machine, under its own name, with a body of bearable size."""

import json

from api.settings import is_loopback
from api.telemetry import App, Message, Receive, Scope, Send


class Gate:
    """Refuses what does not come from this machine and bodies that are too large.

    The Host header is looked at as well: a web page whose name is made to resolve to 127.0.0.1 must
    not reach the shop through its visitor's browser.
    """

    def __init__(self, app: App, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if not _from_here(scope, headers):
            await _refuse(send, 403, "only this machine may ask until there are keys; use http://127.0.0.1")
            return
        if _declared(headers) > self._max_body_bytes:
            await _refuse(send, 413, f"the body is larger than {self._max_body_bytes} bytes; send it in parts")
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Also holds bodies to the limit that do not say how long they are."""
        size, began = 0, False

        async def receiving() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_body_bytes:
                raise _TooLarge
            return message

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receiving, sending)
        except _TooLarge:
            if not began:
                await _refuse(send, 413, f"the body is larger than {self._max_body_bytes} bytes; send it in parts")


class _TooLarge(Exception):  # noqa: N818 - never leaves this module
    pass


def _from_here(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    client = scope.get("client")
    host = headers.get(b"host", b"").decode("latin-1")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return (client is None or is_loopback(client[0])) and is_loopback(name)


def _declared(headers: dict[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps(
        {"errors": [{"message": message, "extensions": {"code": "FORBIDDEN" if status == 403 else "TOO_LARGE"}}]}
    )
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})

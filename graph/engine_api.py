"""The embedded engine's own HTTP API: what it does not offer over Bolt."""

import base64
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any

from graph.connection import DATABASE, Endpoint
from graph.errors import StoreError, StoreUnavailable
from graph.watchdog import Watchdog

ADDRESS = "127.0.0.1"
SECONDS = 300.0
LINES = "application/x-ndjson"


def run_sql(name: str, endpoint: Endpoint, command: str) -> None:
    """A command in the engine's own SQL.

    Args:
        name: the store, for messages.
        endpoint: where the engine is.
        command: what it shall do.

    Raises:
        StoreError: it refuses.
        StoreUnavailable: it does not answer.
    """
    _accepted(name, endpoint, f"/api/v1/command/{DATABASE}", {"language": "sql", "command": command}, command)


def command_server(name: str, endpoint: Endpoint, command: str) -> None:
    """A command for the server as a whole; see `run_sql`. Secrets in it are not repeated by errors."""
    _accepted(name, endpoint, "/api/v1/server", {"command": command}, command.partition("{")[0].strip())


@contextmanager
def asked(
    endpoint: Endpoint,
    login: tuple[str, str] | None,
    path: str,
    body: Mapping[str, Any],
    *,
    accept: str = "application/json",
    seconds: float = SECONDS,
) -> Iterator[http.client.HTTPResponse]:
    """The engine's answer to one request, which ends with the block: what it still does for it, it gives up then.

    Raises:
        StoreError: the endpoint is not an embedded engine's.
        TimeoutError: the answer is not read to its end in time.
        OSError, http.client.HTTPException: the engine does not answer.
    """
    if login is None or endpoint.http is None:
        raise StoreError(f"{endpoint.url}: is not an embedded engine")
    word = base64.b64encode(":".join(login).encode()).decode()
    headers = {"Authorization": f"Basic {word}", "Accept": accept, "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(ADDRESS, endpoint.http, timeout=seconds)) as connection:
        connection.request("POST", path, json.dumps(body), headers)
        line = connection.sock
        with Watchdog(seconds).over(lambda: _hang_up(line)) as watched:
            try:
                with connection.getresponse() as response:
                    yield response
            except (OSError, ValueError, http.client.HTTPException, StoreError) as error:
                if watched.bitten:
                    raise TimeoutError from error
                raise
            if watched.bitten:
                raise TimeoutError


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        line.shutdown(socket.SHUT_RDWR)


def _accepted(name: str, endpoint: Endpoint, path: str, body: Mapping[str, Any], what: str) -> None:
    try:
        with asked(endpoint, endpoint.auth, path, body) as response:
            answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StoreUnavailable(f"{name}: the embedded engine does not answer ({error}); try again") from error
    if response.status != http.client.OK:
        raise StoreError(f"{name}: the engine refused `{what}`: {answer.get('detail') or answer}")

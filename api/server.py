"""The server process: settings, a bound port, and uvicorn with one or several workers."""

import os
import resource
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from uvicorn.supervisors import Multiprocess

from api import metrics
from api.app import create_app
from api.settings import PREFIX, Settings, load_settings
from schema.errors import PathrecError

_STOP_SECONDS = 10
_MEMORY = "/dev/shm"  # noqa: S108 - a folder of our own is made in it
# A worker that says nothing for so long is replaced; on a busy machine even its start takes a while.
_SILENT_SECONDS = 60


class ServerError(PathrecError):
    """The server cannot begin to listen."""


def app() -> FastAPI:
    """The application of one worker, from the environment, where `run` has put the settings."""
    # Requests are answered side by side. Further threads for one of them spin while they wait for its next product of
    # matrices, which took a third of the cores from the others and the store.
    threadpool_limits(1, "blas")
    return create_app(load_settings())


def run(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves until it is told to stop.

    Args:
        announce: called with the server's address once its port is taken.

    Raises:
        ServerError: the port is taken.
    """
    _allow_connections()
    listening = _listen(settings.host, settings.port)
    announce(f"http://{settings.host}:{listening.getsockname()[1]}")
    _hand_down(settings)
    config = uvicorn.Config(
        "api.server:app",
        factory=True,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,  # its state would be most of what an idle socket holds
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    if settings.workers > 1:
        # In memory where there is such a folder: workers map these files, and a full disk under a map ends a process.
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix="pathrec-metrics-", dir=memory) as folder, metrics.shared(Path(folder)):
            Multiprocess(config, sockets=[listening]).run()
        return
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    if not server.started:
        sys.exit(1)  # what went wrong was logged


def _allow_connections() -> None:
    """As many open files as may be: each connection is one, and most systems begin with a thousand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        remedy = "name another --port, or 0 for a free one"
        raise ServerError(f"{host}:{port}: cannot listen there ({error.strerror}); {remedy}") from error
    listening.set_inheritable(True)
    return listening


def _hand_down(settings: Settings) -> None:
    """Worker processes read the environment; what the command line said must be in it."""
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        # Secrets come from the environment alone, and are there already.
        if value is not None and not isinstance(value, SecretStr):
            os.environ[f"{PREFIX}{name.upper()}"] = str(value)

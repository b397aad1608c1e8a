"""A server as a child process, for the demo: started, awaited, and stopped whatever happens."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.settings import Settings
from schema.errors import PathrecError

_START_SECONDS = 120.0
_STOP_SECONDS = 15.0


class ChildServerError(PathrecError):
    """The server did not come up, or ended by itself."""


@dataclass(frozen=True)
class ChildServer:
    """A server that answers at `url`; what it says goes to `log`."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"

    def wait(self) -> None:
        """Until the server ends, which it should not do by itself.

        Raises:
            ChildServerError: it did.
        """
        # In turns: polars handles SIGINT in a way that lets an endless wait sleep through Ctrl-C.
        while (code := self.process.poll()) is None:
            time.sleep(0.2)
        raise ChildServerError(f"the server ended with exit code {code}; see {self.log}{_tail(self.log)}")


@contextmanager
def child_server(settings: Settings, *, port: int = 0) -> Iterator[ChildServer]:
    """`pathrec serve` in a process of its own, ready to answer; it ends with the block.

    Args:
        port: where it should listen; 0 takes a free one.

    Raises:
        ChildServerError: it ended, or was not ready in time.
    """
    log = settings.home / "server.log"
    with tempfile.TemporaryDirectory() as folder, log.open("wb") as words:
        announced = Path(folder) / "server.json"
        command = _command(settings, port, announced)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words)  # noqa: S603
        try:
            yield _awaited(process, announced, log)
        finally:
            _stop(process)


def _command(settings: Settings, port: int, announced: Path) -> list[str]:
    command = [sys.executable, "-P", "-m", "api.cli", "serve", "--json", str(announced), "--port", str(port)]
    command += ["--host", settings.host, "--home", str(settings.home), "--store", settings.store_url]
    command += ["--workers", str(settings.workers)]
    return command + (["--artifact", str(settings.artifact)] if settings.artifact else [])


def _awaited(process: "subprocess.Popen[bytes]", announced: Path, log: Path) -> ChildServer:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ChildServerError(f"the server ended with exit code {process.returncode}; see {log}{_tail(log)}")
        if announced.is_file():
            server = ChildServer(json.loads(announced.read_text(encoding="utf-8"))["url"], log, process)
            if _is_ready(server.url):
                return server
        time.sleep(0.1)
    raise ChildServerError(f"the server is not ready after {_START_SECONDS:g} s; see {log}{_tail(log)}")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    return "".join(f"\n  {line}" for line in lines)

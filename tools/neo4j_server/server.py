"""A server process for as long as a block runs."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.neo4j_server.releases import Installed, MissingNeo4jError

STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """A running server; `process` is there for tests that end it the hard way."""

    url: str
    process: "subprocess.Popen[str]"


@contextmanager
def running_server(installed: Installed, data: Path, *, port: int | None = None, gds: bool = False) -> Iterator[Server]:
    """A server with its data in a folder, answering Bolt when the block begins.

    Args:
        installed: what to run.
        data: folder of the database; what is in it is kept.
        port: where to listen on loopback; by default a free one.
        gds: with the Graph Data Science library, which takes some seconds longer.

    Raises:
        MissingNeo4jError: it did not start; the message ends with its last words.
    """
    data.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    log = data / "launcher.log"
    classpath = f"{installed.classpath}:{installed.gds}/*" if gds else installed.classpath
    arguments: list[str | Path] = [data, str(port), *([installed.gds] if gds else [])]
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [installed.jdk / "bin" / "java", "-Xmx1g", "-cp", classpath, "Launcher", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            _await_ready(process, log)
            yield Server(f"bolt://127.0.0.1:{port}", process)
        finally:
            _stop(process)


def _await_ready(process: "subprocess.Popen[str]", log: Path) -> None:
    for line in process.stdout or ():
        if line.strip() == "READY":
            return
    last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
    raise MissingNeo4jError(f"Neo4j did not start (exit code {process.wait()}); the end of {log}:\n{last}")


def _stop(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""The embedded engine, as its clients see it: find the process that has a folder open, or start it.

Three lock files in the folder say who is there. The kernel lets go of a lock when its holder dies,
however it dies, so nothing has to be cleaned up after a crash:

    clients.lock   shared by every client; the engine ends when it can have it alone
    server.lock    held by the engine while it runs
    start.lock     held by a client while it looks for the engine or starts one

`server.json` (mode 600) tells ports, logins and process id of the running engine.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from graph.connection import Endpoint
from graph.errors import StoreError, StoreUnavailable

CLIENTS, SERVER, START, RUNNING, LOG = "clients.lock", "server.lock", "start.lock", "server.json", "engine.log"
START_SECONDS = 60.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Running:
    """The content of `server.json`; an engine that an older Pathrec started has no login for reading."""

    bolt: int
    http: int
    user: str
    password: str
    pid: int
    reader: str = ""
    reader_password: str = ""

    def write(self, folder: Path) -> None:
        """Puts the file in place at once, readable by its owner only."""
        aside = folder / f".{RUNNING}.{self.pid}"
        aside.unlink(missing_ok=True)
        handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        aside.replace(folder / RUNNING)


class EmbeddedEngine:
    """One client's hold on the engine of a folder; the engine runs as long as anybody holds it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._hold = lock_file(self._folder / CLIENTS)
        except OSError as error:
            raise StoreError(
                f"{folder}: cannot hold a store ({error.strerror}); name a folder you may write to"
            ) from error
        _wait_for_lock(self._hold, fcntl.LOCK_SH, f"{folder}: the engine does not finish stopping")

    def locate(self) -> Endpoint:
        """Where the engine listens; started if it does not run.

        Raises:
            StoreUnavailable: it cannot be started; the message names its log file.
        """
        with lock_file(self._folder / START) as start:
            _wait_for_lock(start, fcntl.LOCK_EX, f"{self._folder}: another process does not finish starting the engine")
            running = self._await() if _held(self._folder / SERVER) else self._start()
        reader = (running.reader, running.reader_password) if running.reader else None
        return Endpoint(f"bolt://127.0.0.1:{running.bolt}", (running.user, running.password), running.http, reader)

    def close(self) -> None:
        """Lets go; the last one to do so ends the engine."""
        self._hold.close()

    def _start(self) -> Running:
        (self._folder / RUNNING).unlink(missing_ok=True)
        with (self._folder / LOG).open("ab") as log:
            subprocess.run(  # noqa: S603 - our own module and a folder
                # -P: nothing that lies in the store's folder may shadow a module
                [sys.executable, "-P", "-m", "graph.engine", str(self._folder)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        return self._await()

    def _await(self) -> Running:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and _held(self._folder / SERVER):
            if (running := read_running(self._folder)) is not None:
                return running
            time.sleep(POLL_SECONDS)
        raise StoreUnavailable(
            f"{self._folder}: the embedded engine did not start; the end of {self._folder / LOG}:\n{self._last_words()}"
        )

    def _last_words(self) -> str:
        text = (self._folder / LOG).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-5:])


def read_running(folder: Path) -> Running | None:
    """What `server.json` says, None while there is none."""
    try:
        return Running(**json.loads((folder / RUNNING).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StoreError(f"{folder / RUNNING}: is damaged; end the process that has it open, then delete it") from error


def lock_file(path: Path) -> IO[bytes]:
    """A file to put a lock on; closing it lets go."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, 0o600), "r+b")


def try_lock(file: IO[bytes], kind: int) -> bool:
    """Takes a lock if nobody's lock stands against it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for_lock(file: IO[bytes], kind: int, what: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not try_lock(file, kind):
        if time.monotonic() > deadline:
            file.close()
            raise StoreUnavailable(f"{what}; wait, or end that process")
        time.sleep(POLL_SECONDS)


def _held(path: Path) -> bool:
    with lock_file(path) as file:
        return not try_lock(file, fcntl.LOCK_SH)

"""`pathrec`, in this process or, where the process is what is tested, in one of its own, and its server."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import structlog

from api.child_server import ChildServer, child_server
from api.cli import main
from api.settings import Settings

# Loading models takes a server's processes longer than all the rest; with this environment they find none.
NO_ENCODERS = {"PATHREC_TEXT_MODEL": "/no/text/model", "PATHREC_IMAGE_MODEL": "/no/image/model"}


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said, as `subprocess` tells it."""

    returncode: int
    stdout: str
    stderr: str


def pathrec(*arguments: object, **environment: str) -> Done:
    """Runs the command's own `main` here: most of what a process of its own takes is to load libraries anew."""
    said, told, logging = StringIO(), StringIO(), structlog.get_config()
    with (
        patch.object(sys, "argv", ["pathrec", *map(str, arguments)]),
        patch.dict(os.environ, environment),
        warnings.catch_warnings(),
        redirect_stdout(said),
        redirect_stderr(told),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            structlog.configure(**logging)
    return Done(code, said.getvalue(), told.getvalue())


def pathrec_apart(
    *arguments: object, folder: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Runs the command in a process of its own, in a folder if one is named."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@contextmanager
def encoderless_server(settings: Settings) -> Iterator[ChildServer]:
    """A server in a process of its own that can encode nothing, for as long as the block lasts."""
    with ExitStack() as stack:
        with patch.dict(os.environ, NO_ENCODERS):
            server = stack.enter_context(child_server(settings))
        yield server

"""Who did what that cannot be undone or needs trust: JSON lines in `<home>/audit.log`, only ever added to.

An action is written down before it begins, and is not begun if it cannot be. A line is there as a whole or not at all.
"""

import errno
import fcntl
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import structlog

from api.services.callers import Caller
from schema.files import WriteError
from schema.pseudonym import pseudonym

_LISTED = 20
_LENGTH = 200
# Comments, texts and quoted names of Cypher, from left to right; one that is not ended goes on to the end.
_SAID = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|`(?:``|[^`])*(?:`|\Z)|'(?:\\.|[^'\\])*(?:'|\\?\Z)|"(?:\\.|[^"\\])*(?:"|\\?\Z)""",
    re.DOTALL,
)


class AuditLog:
    """The log of one home; several processes may write to it."""

    def __init__(self, home: Path) -> None:
        self._file = home / "audit.log"

    def write(self, event: str, caller: Caller, **what: Any) -> None:
        """Adds a line.

        Args:
            event: what happened: "begun", "done", "failed".
            caller: who did it.
            what: values that JSON can hold.

        Raises:
            WriteError: it cannot be written.
        """
        who = {"key": caller.key, "roles": sorted(role.value for role in caller.roles)}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(handle, "ab", buffering=0) as file:
                _append(file, _rendered().info(event, **who, **what))
        except OSError as error:
            remedy = "free some space, or let the server write there"
            raise WriteError(f"{self._file}: cannot be written ({error.strerror}); {remedy}") from error


def described(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as the log keeps them: shortened, people by stand-ins: who is forgotten must be forgotten here too."""
    return {name: _described(name, value) for name, value in arguments.items()}


def described_query(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a query in Cypher, without comments, texts and values, all of which may name people."""
    shown = {**arguments, "parameters": sorted(arguments.get("parameters") or ())}
    if "query" in shown:
        shown["query"] = _SAID.sub(lambda found: found[0] if found[0].startswith("`") else "…", str(shown["query"]))
    return described(shown)


def _described(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return described(value)
    if isinstance(value, list):
        shown = [_described(name, each) for each in value[:_LISTED]]
        return shown if len(value) <= _LISTED else [*shown, f"and {len(value) - _LISTED} more"]
    if isinstance(value, str):
        return pseudonym("user", value) if name == "userId" else value[:_LENGTH]
    return value


def _append(file: IO[bytes], line: bytes) -> None:
    """Adds a line as a whole: of a disk that is full it would take the part that still has room."""
    fcntl.flock(file, fcntl.LOCK_EX)
    end = file.seek(0, os.SEEK_END)
    if file.write(line) != len(line):
        file.truncate(end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _rendered() -> Any:
    """A logger that returns the line."""
    return structlog.wrap_logger(
        structlog.ReturnLogger(),
        processors=[structlog.processors.TimeStamper(fmt="iso"), structlog.processors.JSONRenderer(_line)],
        wrapper_class=structlog.BoundLogger,
    )


def _line(content: Any, **options: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, **options).encode() + b"\n"

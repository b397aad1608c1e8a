"""API keys: made, listed and revoked by the command line, kept as hashes in `<home>/keys.json`.

A key is 32 random bytes, so a plain SHA-256 of it cannot be guessed back; the key itself is shown once
and kept nowhere.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hmac import compare_digest
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from api.services.callers import Role
from schema.errors import PathrecError
from schema.files import WriteError, replacing_file

_PREFIX = "pathrec"
_SHORTEST = 20
_log = structlog.get_logger()


class KeyFileError(PathrecError):
    """Keys cannot be read, or there is no such key."""


class Key(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    roles: tuple[Role, ...]
    sha256: str
    created: datetime | None = None
    note: str = ""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[Key, ...] = ()


def key_file(home: Path) -> Path:
    """Where keys are kept. While it exists, be it without a key, a server asks for one."""
    return home / "keys.json"


def read_keys(home: Path) -> tuple[Key, ...]:
    """The keys of a home; none if none was made yet.

    Raises:
        KeyFileError: the file is damaged.
    """
    file = key_file(home)
    try:
        return _File.model_validate_json(file.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise KeyFileError(f"{file}: cannot be read; remove it and make new keys ({type(error).__name__})") from error


def create_key(home: Path, roles: Sequence[Role], note: str = "") -> tuple[Key, str]:
    """Makes a key.

    Returns:
        What is kept of it, and the key itself, which nobody can read again.
    """
    with _locked(home):
        keys = read_keys(home)
        identity = secrets.token_hex(4)
        secret = f"{_PREFIX}_{identity}_{secrets.token_urlsafe(32)}"
        made = tuple(dict.fromkeys(roles))
        key = Key(id=identity, roles=made, sha256=digest(secret), created=datetime.now(UTC), note=note)
        _write(home, (*keys, key))
    return key, secret


def revoke_key(home: Path, identity: str) -> Key:
    """Takes a key away; running servers refuse it from the next request on.

    Raises:
        KeyFileError: there is no such key.
    """
    with _locked(home):
        keys = read_keys(home)
        found = next((key for key in keys if key.id == identity), None)
        if found is None:
            raise KeyFileError(f"{key_file(home)}: there is no key {identity}; `pathrec key list` shows them")
        _write(home, [key for key in keys if key != found])
    return found


def given_keys(text: str) -> tuple[Key, ...]:
    """Keys from a setting: `ROLE:SECRET`, with commas between; several roles as `server+expert:SECRET`.

    Raises:
        ValueError: a role is none, or a secret is too short.
    """
    return tuple(_given(part.strip()) for part in text.split(",") if part.strip())


def _given(part: str) -> Key:
    names, _, secret = part.partition(":")
    known = {role.value: role for role in Role}
    if not set(names.split("+")) <= known.keys():
        raise ValueError(f"a key begins with one of {', '.join(known)} and a colon")
    if len(secret) < _SHORTEST:
        raise ValueError(f"a key's secret has at least {_SHORTEST} characters")
    found = digest(secret)
    return Key(id=f"given-{found[:8]}", roles=tuple(known[name] for name in names.split("+")), sha256=found)


def digest(secret: str) -> str:
    """What is kept of a key's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class KeyRing:
    """The keys that a server takes: those of its home as they are at each request, and given ones."""

    def __init__(self, home: Path, given: Sequence[Key] = ()) -> None:
        self._home = home
        self._given = tuple(given)
        self._seen: tuple[int, int] | None = None
        self._keys: tuple[Key, ...] = ()

    def exists(self) -> bool:
        """Whether keys are asked for."""
        return bool(self._given) or key_file(self._home).exists()

    def find(self, secret: str) -> Key | None:
        """The key with a secret; None if there is none."""
        self._follow()
        found = digest(secret)
        # All are compared, each in constant time, so that the time tells nothing.
        return next(iter([key for key in (*self._given, *self._keys) if compare_digest(key.sha256, found)]), None)

    def _follow(self) -> None:
        try:
            state = key_file(self._home).stat()
        except FileNotFoundError:
            self._seen, self._keys = None, ()
            return
        now = (state.st_ino, state.st_mtime_ns)
        if now == self._seen:
            return
        try:
            self._keys = read_keys(self._home)
        except KeyFileError as error:
            self._keys = ()  # what cannot be read opens nothing
            _log.error("keys_not_read", problem=str(error))
        self._seen = now


def _write(home: Path, keys: Sequence[Key]) -> None:
    with replacing_file(key_file(home), mode=0o600) as aside:
        aside.write_text(_File(keys=tuple(keys)).model_dump_json(indent=2) + "\n", encoding="utf-8")


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    file = home / ".keys.lock"
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise WriteError(f"{file}: cannot be written ({error.strerror}); name a --home you may write to") from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

"""Cursors: where a list goes on, pinned to the moment, the model and the question it belongs to.

A cursor is signed, so that nobody can make one up; it is not secret.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from binascii import Error as Base64Error
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.services.errors import BadInputError

_SIGNATURE = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Position:
    """The last product of a page. What follows ranks below its score, or ties with it and comes after.

    `question` is a digest of audience, filter and options: a cursor continues the list it was made for.
    `rules` is one of the business rules that ordered it.
    """

    as_of: datetime
    model_version: str
    question: str
    rank: int
    score: float
    product: str
    rules: str = ""


class Cursors:
    """Writes and reads cursors with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, position: Position) -> str:
        """The opaque form."""
        body = json.dumps(
            [
                (position.as_of - _EPOCH) // timedelta(milliseconds=1),
                position.model_version,
                position.question,
                position.rank,
                position.score,
                position.product,
                position.rules,
            ],
            separators=(",", ":"),
        ).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def read(self, cursor: str) -> Position:
        """What a cursor says.

        Raises:
            BadInputError: it was not made by `write` with this key.
        """
        with suppress(Base64Error, ValueError):
            # validate: characters outside the alphabet would otherwise be skipped in silence
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            body = raw[_SIGNATURE:]
            if hmac.compare_digest(raw[:_SIGNATURE], self._sign(body)):
                milliseconds, *rest = json.loads(body)
                return Position(_EPOCH + timedelta(milliseconds=milliseconds), *rest)
        raise BadInputError(
            "after is not a cursor of this server",
            field="after",
            remedy="pass pageInfo.endCursor of the page before, unchanged, or leave it out",
        )

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_SIGNATURE]


def question_digest(*parts: object) -> str:
    """A short digest of what was asked, equal for equal questions."""
    canonical = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def load_key(file: Path) -> bytes:
    """The key in a file, made on first use; processes that start together agree on one."""
    try:
        return _read_key(file)
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # for the owner's eyes only
    aside = Path(name)
    with os.fdopen(handle, "w") as stream:
        stream.write(secrets.token_hex(32))
    try:
        # A link fails if the name is taken: the first process wins, the others read its key.
        with suppress(FileExistsError):
            file.hardlink_to(aside)
    finally:
        aside.unlink()
    return _read_key(file)


def key_of(secret: bytes) -> bytes:
    """The key that a secret stands for."""
    return hashlib.sha256(secret).digest()


def _read_key(file: Path) -> bytes:
    return key_of(file.read_bytes().strip())

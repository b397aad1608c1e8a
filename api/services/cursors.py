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
from typing import Any

from api.services.errors import BadInputError

_SIGNATURE = 12
_PLACE = "place"
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


@dataclass(frozen=True)
class Place:
    """A product of a plain list. What follows has a greater key, or the same one and a greater id.

    `as_of` pins the moment of lists that depend on one.
    """

    question: str
    key: float | str
    product: str
    as_of: datetime | None = None

    @property
    def order(self) -> tuple[float | str, str]:
        """What a list is sorted by."""
        return self.key, self.product


class Cursors:
    """Writes and reads cursors with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, position: Position) -> str:
        """The opaque form."""
        return self._sealed(
            [
                _to_ms(position.as_of),
                position.model_version,
                position.question,
                position.rank,
                position.score,
                position.product,
                position.rules,
            ]
        )

    def write_place(self, place: Place) -> str:
        """The opaque form of a place in a plain list."""
        moment = None if place.as_of is None else _to_ms(place.as_of)
        return self._sealed([_PLACE, place.question, place.key, place.product, moment])

    def read(self, cursor: str) -> Position:
        """What a cursor says.

        Raises:
            BadInputError: it was not made by `write` with this key.
        """
        milliseconds, *rest = self._opened(cursor)
        if milliseconds == _PLACE:
            raise _another_list()
        return Position(_from_ms(milliseconds), *rest)

    def read_place(self, cursor: str) -> Place:
        """What a cursor of a plain list says.

        Raises:
            BadInputError: it was not made by `write_place` with this key.
        """
        kind, *rest = self._opened(cursor)
        if kind != _PLACE:
            raise _another_list()
        question, key, product, moment = rest
        return Place(question, key, product, None if moment is None else _from_ms(moment))

    def _sealed(self, parts: list[object]) -> str:
        body = json.dumps(parts, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def _opened(self, cursor: str) -> list[Any]:
        with suppress(Base64Error, ValueError):
            # validate: characters outside the alphabet would otherwise be skipped in silence
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            body = raw[_SIGNATURE:]
            if hmac.compare_digest(raw[:_SIGNATURE], self._sign(body)):
                return list(json.loads(body))
        raise BadInputError(
            "after is not a cursor of this server",
            field="after",
            remedy="pass pageInfo.endCursor of the page before, unchanged, or leave it out",
        )

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_SIGNATURE]


def _another_list() -> BadInputError:
    remedy = "pass pageInfo.endCursor of the page before, of the same field"
    return BadInputError("the cursor belongs to another list", field="after", remedy=remedy)


def _to_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _from_ms(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def question_digest(*parts: object) -> str:
    """A short digest of what was asked, equal for equal questions."""
    canonical = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def load_key(file: Path) -> bytes:
    """The key in a file, made on first use; processes that start together agree on one.

    Raises:
        OSError: it can be neither read nor made.
    """
    try:
        return _read_key(file)
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # for the owner's eyes only
    aside = Path(name)
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(secrets.token_hex(32))
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

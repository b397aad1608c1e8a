"""Values that callers may not send, told with the remedy."""

import math
from datetime import UTC, datetime, timedelta

from api.services.errors import BadInputError

KEY_LENGTH = 512
"""How long the shop's own key of something may be."""


def checked_first(first: int | None, default: int) -> int:
    """A page size from 1 to 100; the default one for None.

    Raises:
        BadInputError: it is not.
    """
    if first is None:
        return default
    if not 1 <= first <= 100:
        remedy = "ask for 1 to 100 and follow pageInfo.endCursor for more"
        raise BadInputError(f"first is {first}; it must be from 1 to 100", field="first", remedy=remedy)
    return first


def checked_key(key: str, field: str) -> str:
    """A key that can be one.

    Raises:
        BadInputError: it is empty or too long.
    """
    if not key.strip() or len(key) > KEY_LENGTH:
        raise BadInputError(f"{field} has no key of 1 to {KEY_LENGTH} characters", field=field)
    return key


def finite(value: float | None, field: str) -> float | None:
    """A number that is one, or None.

    Raises:
        BadInputError: it is NaN or infinite.
    """
    if value is not None and not math.isfinite(value):
        raise BadInputError(f"{field} is not a finite number", field=field, remedy="give a number, or leave it out")
    return value


def check_moment(as_of: datetime | None, now: datetime) -> datetime | None:
    """A moment to answer for, in whole milliseconds with a zone.

    Raises:
        BadInputError: it has no zone or lies in the future by the shop's clock.
    """
    if as_of is None:
        return None
    if as_of.tzinfo is None:
        raise BadInputError("asOf has no time zone", field="asOf", remedy="give it as in 2026-01-31T12:00:00Z")
    if as_of > now + timedelta(seconds=1):
        remedy = f"give a moment up to {now.isoformat()}, the shop's clock now"
        raise BadInputError("asOf lies in the future", field="asOf", remedy=remedy)
    return as_of.astimezone(UTC)

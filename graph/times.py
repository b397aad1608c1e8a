"""Moments as the graph keeps them: whole milliseconds since 1970 in UTC.

Both engines return integers exactly and fast. In Cypher, `datetime({epochMillis: e.time})` shows a
moment, and `datetime('2024-05-01').epochMillis` makes one to compare with.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Milliseconds of a moment, rounded down.

    Raises:
        ValueError: the moment has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; add one, such as +00:00")
    return (moment - EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The moment in UTC."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def now_ms() -> int:
    """The wall clock."""
    return to_ms(datetime.now(UTC))

"""The log of what was shown, with and without a store."""

from datetime import UTC, datetime, timedelta

import pytest

from api.services.impressions import ImpressionLog
from graph import Impression, Query, Shown, Store, connect

DAYS = timedelta(days=90)


def impression(number: int) -> Impression:
    return Impression(f"r{number}", datetime.now(UTC), None, None, "model", (Shown("p1", 1, "SCORE", 1.0),))


def kept(store: Store) -> list[str]:
    return [row["id"] for row in store.read(Query("MATCH (i:Impression) RETURN i.id AS id ORDER BY id"))]


def test_what_waits_is_written_at_the_end(embedded_store: Store) -> None:
    log = ImpressionLog(embedded_store, DAYS)
    log.start()
    for number in range(3):
        log.offer(impression(number))
    log.stop()
    assert kept(embedded_store) == ["r0", "r1", "r2"]
    assert log.dropped == 0


def test_the_oldest_goes_where_too_many_wait(embedded_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.impressions.WAITING", 2)
    log = ImpressionLog(embedded_store, DAYS)
    for number in range(5):
        log.offer(impression(number))
    log.flush()
    assert kept(embedded_store) == ["r3", "r4"]
    assert log.dropped == 3


def test_without_a_store_it_waits_and_nothing_is_lost(embedded_store: Store) -> None:
    with connect("bolt://127.0.0.1:1") as nowhere:
        log = ImpressionLog(nowhere, DAYS)
        log.offer(impression(0))
        log.flush()
        log.forget()
        log._store = embedded_store  # it is back
        log.offer(impression(1))
        log.flush()
    assert kept(embedded_store) == ["r0", "r1"]


def test_what_was_kept_long_enough_is_forgotten_once_an_hour(embedded_store: Store) -> None:
    embedded_store.record_impressions([impression(0)])
    log = ImpressionLog(embedded_store, timedelta(0))
    log.forget()
    assert kept(embedded_store) == []
    embedded_store.record_impressions([impression(1)])
    log.forget()
    assert kept(embedded_store) == ["r1"]

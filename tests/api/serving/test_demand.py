"""What is in demand counts from the next minute on, in every process, whatever is told late."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from api import registry
from api.services.live import COMMITTED, Happened, LiveModel, LiveState
from graph import Store
from schema.tables import EVENTS

HITS, FAN = 60, "fan"


@pytest.fixture
def store(apart: Store) -> Iterator[Store]:
    """A store in which what a test writes is gone after it."""
    yield apart
    apart.delete_user(FAN)


@pytest.fixture
def live(store: Store, untouched: Path) -> LiveModel:
    live = LiveModel(store, lambda: registry.served(untouched))
    live.follow()
    assert live.problem is None and live._state is not None
    # All products of this shop are equally liked, so that what is fitted to how much is of either sign.
    state, weights = live._state, np.array([0.2])
    pulse = state.scorer.pulse
    assert pulse is not None
    pulse = replace(pulse, prior=np.resize(weights, len(pulse.prior)), trend=np.resize(weights, len(pulse.trend)))
    live._state = replace(state, scorer=replace(state.scorer, pulse=pulse))
    return live


def written(store: Store, product: str, times: list[datetime], name: str) -> datetime:
    """Records events of a product; a minute in which they can be seen."""
    one = {"user": FAN, "product": product, "behaviour": "purchase"}
    rows = [{"id": f"{name}{n}", "time": when, **one} for n, when in enumerate(times)]
    columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in EVENTS}
    store.record_events(pa.table(columns, EVENTS))
    return (datetime.now(UTC) + timedelta(minutes=2)).replace(second=0, microsecond=0)


def prior(state: LiveState, product: str) -> float:
    return float(state.scorer.prior[state.scorer.positions[product]])


def rank(state: LiveState, product: str) -> int:
    return int((state.scorer.prior > prior(state, product)).sum())


def test_what_is_met_often_comes_to_the_front_a_minute_later(store: Store, live: LiveModel) -> None:
    before = live.state
    now = before.manifest.as_of + timedelta(seconds=1)
    last = before.scorer.product_ids[int(np.argmin(before.scorer.prior))]
    minute = written(store, last, [now] * HITS, "hit")
    after = live.state.at(minute)
    assert prior(after, last) > prior(before, last)
    assert rank(after, last) < rank(before, last)
    position = after.scorer.positions[last]
    assert after.scorer.trend[position] != before.scorer.trend[position]


def test_a_minute_stays_as_it_is_whoever_asks_and_whatever_is_told_later(store: Store, live: LiveModel) -> None:
    scorer, happened = live.state.scorer, datetime.now(UTC)
    minute, met = happened + timedelta(minutes=1), []

    def seen_at(written: datetime, by: Happened) -> list[tuple[int, int]]:
        # The clock that makes the minute see what was written until a moment.
        found = by.until(minute, minute - COMMITTED - written, scorer)
        return sorted(zip(*(array.tolist() for array in found), strict=True))

    one, other = (Happened(store, happened) for _ in range(2))
    for product in ("p0", "p1"):
        written(store, product, [happened], product)
        met.append(datetime.now(UTC))
        while datetime.now(UTC) <= met[-1] + timedelta(milliseconds=1):
            time.sleep(0.001)
    event = [(scorer.positions[product], int(happened.timestamp() * 1000)) for product in ("p0", "p1")]
    assert seen_at(met[0], one) == event[:1]
    assert seen_at(met[1], one) == event
    assert seen_at(met[0], one) == event[:1]
    assert seen_at(met[1], other) == event


def test_what_is_written_after_the_clock_was_set_back_counts(
    store: Store, live: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=1)

    begun, scorer = datetime.now(UTC), live.state.scorer
    happened = Happened(store, begun)
    with monkeypatch.context() as ahead:
        ahead.setattr("api.services.live.datetime", Ahead)
        happened.until(begun + timedelta(hours=1), timedelta(), scorer)
    minute = written(store, "p0", [datetime.now(UTC)], "after") + timedelta(minutes=1)
    products, _ = happened.until(minute, timedelta(), scorer)
    assert products.tolist() == [scorer.positions["p0"]]


def test_what_happens_after_a_minute_does_not_count_in_it(store: Store, live: LiveModel) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=5)
    written(store, "p0", [minute + timedelta(seconds=1)], "next")
    written(store, "p1", [minute - timedelta(seconds=1)], "before")
    since = live.state.manifest.as_of - live.state.clock
    products, _ = Happened(store, since).until(minute, timedelta(), live.state.scorer)
    assert products.tolist() == [live.state.scorer.positions["p1"]]


def test_all_who_ask_in_a_minute_share_its_prior(live: LiveModel) -> None:
    moment = live.state.manifest.as_of.replace(second=10, microsecond=0) + timedelta(minutes=3)
    assert live.state.at(moment) is live.state.at(moment + timedelta(seconds=40))
    assert live.state.at(moment) is not live.state.at(moment + timedelta(minutes=1))


def test_before_the_end_of_its_data_a_model_is_as_it_was_trained(live: LiveModel) -> None:
    assert live.state.at(live.state.manifest.as_of) is live.state


def test_deleted_events_are_not_in_demand_any_more(store: Store, live: LiveModel) -> None:
    now = live.state.manifest.as_of + timedelta(seconds=1)
    minute = written(store, "p2", [now] * HITS, "gone")
    with_them = prior(live.state.at(minute), "p2")
    store.delete_events([f"gone{n}" for n in range(HITS)])
    state = live.at_least(store.change_number())
    assert prior(state.at(minute), "p2") < with_them

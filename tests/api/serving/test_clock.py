"""The clock on the wall is set while the server runs, by an hour in either direction."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from keyed_shop import KEYS, Keyed, keyed_here, token
from served_shop import RECOMMEND, Client, event, within
from websockets.asyncio.client import connect

HOUR = timedelta(hours=1)
# Whoever of the server reads the clock on the wall.
READERS = (
    "api.services.recommendation",
    "api.services.watching",
    "api.services.live",
    "api.services.impressions",
    "api.graphql.impressions",
    "graph.times",
)


@dataclass
class Clock:
    """How far the server's clock is from that of this machine."""

    offset: timedelta = timedelta(0)


@pytest.fixture(scope="module")
def wall() -> Iterator[Clock]:
    clock = Clock()

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + clock.offset

    with pytest.MonkeyPatch.context() as patch:
        for reader in READERS:
            patch.setattr(f"{reader}.datetime", Shifted)
        yield clock


@pytest.fixture
def clock(wall: Clock) -> Iterator[Clock]:
    """The server's clock, which is right again after the test."""
    yield wall
    wall.offset = timedelta(0)


@pytest.fixture(scope="module")
def timed(wall: Clock, untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A server in this process, in which a page may ask once a second."""
    home = Path(shutil.copytree(untouched, tmp_path_factory.mktemp("copies") / "timed"))
    with keyed_here(home, storefront_rate=1.0) as server:
        yield server


@pytest.fixture(scope="module")
def server(timed: Keyed) -> Client:
    return timed.by(KEYS["server"])


def products(answer: dict[str, Any]) -> list[str]:
    return [edge["node"]["productId"] for edge in answer["edges"]]


def test_requests_that_run_while_the_clock_is_set_are_answered(timed: Keyed, clock: Clock) -> None:
    over, answers = threading.Event(), []

    def ask() -> None:
        client = timed.by(KEYS["server"])
        while not over.is_set():
            answers.append(client.post(RECOMMEND, audience={"userId": "u1"}, first=5))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for offset in (HOUR, timedelta(0), -HOUR, HOUR):
            clock.offset = offset
            known = len(answers)
            assert within(60.0, lambda known=known: len(answers) >= known + 2 * len(threads))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert [answer["errors"] for answer in answers if "errors" in answer] == []


@pytest.mark.parametrize("offset", [HOUR, -HOUR])
def test_a_list_goes_on_where_it_was_when_the_clock_was_set(server: Client, clock: Clock, offset: timedelta) -> None:
    whole = server.recommend({"userId": "u4"}, 20)
    first = server.recommend({"userId": "u4"}, 10)
    clock.offset = offset
    following = server.recommend({"userId": "u4"}, 10, after=first["pageInfo"]["endCursor"])
    assert following["asOf"] == first["asOf"]
    assert products(first) + products(following) == products(whole)


def test_a_moment_that_is_to_come_again_is_told_as_such(server: Client, clock: Clock) -> None:
    query = 'query($at: DateTime) { explain(audience: {userId: "u4"}, productId: "p1", asOf: $at) { score } }'
    clock.offset = HOUR
    ahead = server.recommend({"userId": "u4"})["asOf"]
    server.ask(query, at=ahead)
    clock.offset = timedelta(0)
    error = server.post(query, at=ahead)["errors"][0]["extensions"]
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "asOf")
    assert error["remedy"].startswith("give a moment up to")


def test_an_event_counts_from_its_moment_on_and_is_recorded_once(server: Client, clock: Clock) -> None:
    who, sent = {"userId": "ahead"}, event("p3", userId="ahead")
    clock.offset = HOUR
    assert server.record(sent)["accepted"] == [sent["eventId"]]
    assert server.recommend(who)["strategy"] == "PERSONAL"
    clock.offset = timedelta(0)
    assert server.recommend(who)["strategy"] == "POPULAR"  # by the shop's clock it has not happened yet
    assert server.record(sent)["duplicates"] == [sent["eventId"]]
    clock.offset = HOUR
    assert server.recommend(who)["strategy"] == "PERSONAL"


def test_an_event_of_a_clock_that_is_right_is_refused_by_one_that_is_behind(server: Client, clock: Clock) -> None:
    now = datetime.now(UTC).isoformat()
    clock.offset = -HOUR
    rejected = server.record(event("p3", userId="u4", time=now))["rejected"]
    assert [one["code"] for one in rejected] == ["BAD_USER_INPUT"]
    assert "by the shop's clock it is" in rejected[0]["message"]
    clock.offset = timedelta(0)
    assert server.record(event("p3", userId="u4", time=now))["rejected"] == []


def test_the_clock_gives_nobody_more_requests_and_takes_none_away(timed: Keyed, clock: Clock) -> None:
    visitor = timed.by(token("u6"))

    def asked() -> int:
        body = {"query": "{ recommendations(audience: {}, first: 1) { strategy } }"}
        return visitor.http.post(f"{visitor.url}/graphql", json=body).status_code

    while asked() == 200:
        pass
    clock.offset = HOUR
    found = [asked() for _ in range(2)]
    clock.offset = -HOUR
    assert 429 in found
    time.sleep(2.0)
    assert asked() == 200


def test_a_subscription_goes_on_when_the_clock_was_set(timed: Keyed, server: Client, clock: Clock) -> None:
    session = uuid4().hex
    query = "subscription($s: String!) { recommendations(audience: {sessionId: $s}, first: 5) { asOf strategy } }"
    url = timed.client.url.replace("http", "ws") + "/graphql"

    async def watch() -> list[str]:
        shown = {"authorization": f"Bearer {KEYS['server']}"}
        async with connect(url, subprotocols=["graphql-transport-ws"], proxy=None, additional_headers=shown) as socket:  # type: ignore[list-item]

            async def said() -> dict[str, Any]:
                return dict(json.loads(await asyncio.wait_for(socket.recv(), 60)))

            async def strategy() -> str:
                return str((await said())["payload"]["data"]["recommendations"]["strategy"])

            await socket.send(json.dumps({"type": "connection_init"}))
            await said()
            payload = {"query": query, "variables": {"s": session}}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            found = [await strategy()]
            for offset in (HOUR, -HOUR):
                clock.offset = offset
                found.append(await strategy())  # everybody is woken, since what was written about then may be missed
                await asyncio.to_thread(server.record, event("p3", "view", sessionId=session))
                found.append(await strategy())
            return found

    assert asyncio.run(watch()) == ["POPULAR", "POPULAR", "COLD_START", "POPULAR", "COLD_START"]

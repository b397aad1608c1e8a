"""Whose a session is: a storefront uses those of its own user and of nobody, and no other."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from keyed_shop import Keyed, token
from served_shop import Client, event
from websockets.asyncio.client import connect

RECOMMEND = "query($s: String!) { recommendations(audience: {sessionId: $s}, first: 3) { strategy } }"
RECORD = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted } }"
LINK = "mutation($s: String!, $u: String!) { linkSession(sessionId: $s, userId: $u) { movedEvents } }"
SAY = """mutation($s: String!, $u: String) { recordFeedback(input: {kind: NOT_INTERESTED, sessionId: $s, userId: $u,
    productId: "p1"}) { changed } }"""
QUESTIONS = {
    "recommendations": RECOMMEND,
    "explain": 'query($s: String!) { explain(audience: {sessionId: $s}, productId: "p1") { score } }',
    "continueShopping": "query($s: String!) { continueShopping(audience: {sessionId: $s}) { edges { cursor } } }",
    "search": 'query($s: String!) { search(query: "mug", audience: {sessionId: $s}, first: 3) { edges { cursor } } }',
    "recordFeedback": SAY,
}


@pytest.fixture
def own(server: Client) -> str:
    """A session of the visitor's."""
    return session_of(server, "u6")


@pytest.fixture
def foreign(server: Client) -> str:
    """A session of another user."""
    return session_of(server, "u7")


def session_of(server: Client, user: str | None) -> str:
    session = uuid4().hex
    server.record(event("p3", "view", sessionId=session, **({"userId": user} if user else {})))
    return session


def refused(answer: dict[str, Any]) -> bool:
    """Whether an answer says that a session is another user's, and nothing else."""
    found = [error["extensions"] for error in answer.get("errors", ())]
    return [(error["code"], error["field"]) for error in found] == [("FORBIDDEN", "sessionId")]


@pytest.mark.parametrize("field", QUESTIONS)
def test_a_storefront_asks_for_sessions_of_its_user_and_of_nobody(
    visitor: Client, anonymous: Client, server: Client, own: str, foreign: str, field: str
) -> None:
    query, nobodys = QUESTIONS[field], session_of(server, None)
    assert refused(visitor.post(query, s=foreign))
    assert refused(anonymous.post(query, s=foreign))
    assert refused(anonymous.post(query, s=own))
    for client, session in ((visitor, own), (visitor, nobodys), (anonymous, nobodys), (visitor, uuid4().hex)):
        client.ask(query, s=session)
    server.ask(query, s=foreign)


def test_events_in_another_users_session_are_refused_with_all_that_come_with_them(
    visitor: Client, server: Client, own: str, foreign: str
) -> None:
    sound = event("p1", "view", userId="u6", sessionId=own)
    for who in ({}, {"userId": "u6"}):
        assert refused(visitor.post(RECORD, e=[sound, event("p1", "view", sessionId=foreign, **who)]))
    assert server.record(sound)["accepted"] == [sound["eventId"]]
    assert visitor.record(event("p1", "view", sessionId=own))["rejected"] == []


def test_what_was_said_makes_a_session_its_users_once_it_is_linked(visitor: Client, server: Client) -> None:
    session = uuid4().hex
    visitor.ask(SAY, s=session)
    visitor.ask(RECOMMEND, s=session)
    server.ask(LINK, s=session, u="u7")
    assert refused(visitor.post(RECOMMEND, s=session))


def test_a_storefront_links_what_is_nobodys_and_takes_no_session_away(
    visitor: Client, anonymous: Client, server: Client, foreign: str
) -> None:
    server.record(event("p5", "view", sessionId=foreign))  # not linked yet, but in a session that is somebody's
    assert refused(visitor.post(LINK, s=foreign, u="u6"))
    nobodys = session_of(server, None)
    assert visitor.ask(LINK, s=nobodys, u="u6")["linkSession"]["movedEvents"] == 1
    assert refused(anonymous.post(RECOMMEND, s=nobodys))
    visitor.ask(RECOMMEND, s=nobodys)


def test_a_session_of_two_users_is_neithers(visitor: Client, server: Client, own: str) -> None:
    server.record(event("p5", "view", sessionId=own, userId="u7"))
    assert refused(visitor.post(RECOMMEND, s=own))


def test_a_subscription_to_a_session_ends_when_that_becomes_another_users(keyed: Keyed, server: Client) -> None:
    session = session_of(server, None)
    query = "subscription($s: String!) { recommendations(audience: {sessionId: $s}, first: 1) { strategy } }"
    url = keyed.client.url.replace("http", "ws") + "/graphql"
    shown = {"authorization": f"Bearer {token('u6')}"}

    async def watch() -> list[dict[str, Any]]:
        async with connect(url, subprotocols=["graphql-transport-ws"], proxy=None, additional_headers=shown) as socket:  # type: ignore[list-item]

            async def said() -> dict[str, Any]:
                return dict(json.loads(await asyncio.wait_for(socket.recv(), 60)))

            await socket.send(json.dumps({"type": "connection_init"}))
            await said()
            payload = {"query": query, "variables": {"s": session}}
            await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            first = await said()
            await asyncio.to_thread(server.ask, LINK, s=session, u="u7")
            await asyncio.to_thread(server.record, event("p7", "view", sessionId=session))
            return [first, await said()]

    first, last = asyncio.run(watch())
    assert first["type"] == "next"
    assert last["type"] == "error"
    assert refused({"errors": last["payload"]})

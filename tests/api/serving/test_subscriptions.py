"""Lists that come anew over WebSocket, asked by a client that others wrote and by bare messages."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gql import Client as GqlClient
from gql import GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from served_shop import EXPERT, Client, event, renamed, served_here, within
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api import registry, runtime
from api.services.watching import Watcher
from api.settings import Settings

LIST = """subscription($audience: AudienceInput!, $first: Int = 5) {
  recommendations(audience: $audience, first: $first) {
    strategy modelVersion edges { rank node { productId title } explanation { feedback { kind } } } } }"""
ECHO = {"type": "subscribe", "payload": {"query": "{ model { version } }"}}


def address(shop: Client) -> str:
    return shop.url.replace("http", "ws") + "/graphql"


def transport(shop: Client) -> WebsocketsTransport:
    """The client's own way to speak the protocol, and no other."""
    spoken = [WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
    return WebsocketsTransport(url=address(shop), subprotocols=spoken, connect_timeout=30, ack_timeout=30)


def products(answer: dict[str, Any]) -> list[str]:
    return [edge["node"]["productId"] for edge in answer["recommendations"]["edges"]]


async def lists(
    shop: Client, audience: dict[str, Any], *acts: Callable[[], Any], query: str = LIST, **variables: Any
) -> list[dict[str, Any]]:
    """The first list, and the one that comes after each act."""
    found = []
    async with GqlClient(transport=transport(shop)) as session:
        news = session.subscribe(GraphQLRequest(query, variable_values={"audience": audience, **variables}))
        found.append(await asyncio.wait_for(anext(news), 60))
        for act in acts:
            await asyncio.to_thread(act)
            found.append(await asyncio.wait_for(anext(news), 60))
        await news.aclose()
    return found


@pytest.mark.parametrize("who", [{"userId": "watcher"}, {"sessionId": "watching"}])
def test_a_new_list_comes_when_an_event_arrives_at_any_process(
    shop: Client, second: Client, who: dict[str, str]
) -> None:
    acts = [lambda: shop.record(event("p3", **who)), lambda: second.record(event("p5", "view", **who))]
    first, after, again = asyncio.run(lists(shop, who, *acts))
    assert first["recommendations"]["strategy"] == "POPULAR"
    assert after["recommendations"]["strategy"] != "POPULAR"
    assert "p3" not in products(after)
    assert products(again) == shop.ids(who, 5)


def test_feedback_brings_a_new_list(shop: Client) -> None:
    who = {"userId": "says and sees"}
    shop.record(event("p3", **who))
    unwanted = shop.ids(who, 1)[0]
    say = "mutation($input: FeedbackInput!) { recordFeedback(input: $input) { changed } }"
    given = {"kind": "NOT_INTERESTED", "productId": unwanted, **who}
    before, after = asyncio.run(lists(shop, who, lambda: shop.ask(say, input=given)))
    assert unwanted in products(before)
    assert unwanted not in products(after)


def test_another_model_brings_a_new_list(shop: Client, home: Path, tmp_path: Path) -> None:
    served = shop.recommend({})["modelVersion"]
    published: list[str] = []

    def publish() -> None:
        published.append(registry.publish(home, renamed(home / "trained", tmp_path / "subscribed")))

    try:
        before, after = asyncio.run(lists(shop, {"sessionId": "sees both"}, publish))
    finally:
        registry.rollback(home)
    assert [one["recommendations"]["modelVersion"] for one in (before, after)] == [served, *published]
    assert within(10.0, lambda: shop.recommend({})["modelVersion"] == served)


def test_each_list_is_put_together_as_its_options_and_filter_say(shop: Client) -> None:
    who, asked = {"userId": "explores"}, {"options": {"diversity": 0.7, "exploration": 0.5, "seed": 3}}
    asked["filter"] = {"categoryIds": ["mug"]}
    plain = """query($audience: AudienceInput!, $filter: ProductFilter, $options: RecommendationOptions) {
        recommendations(audience: $audience, filter: $filter, options: $options, first: 5) {
        seed edges { placement node { productId } } } }"""
    followed = plain.replace("query", "subscription")
    acts = [lambda: shop.record(event("p3", **who))]
    for answer in asyncio.run(lists(shop, who, *acts, query=followed, **asked)):
        edges = answer["recommendations"]["edges"]
        assert answer["recommendations"]["seed"] == 3
        assert {
            int(edge["node"]["productId"][1:]) % 2 for edge in edges if edge["node"]["productId"][1:].isdigit()
        } == {0}
        assert "EXPLORATION" in {edge["placement"] for edge in edges}
    assert answer == shop.ask(plain, audience=who, **asked)


def test_what_the_shop_pins_is_in_its_place(shop: Client) -> None:
    rule = {"ruleId": "subscribed", "kind": "PIN", "position": 2, "productIds": ["p7"]}
    shop.ask("mutation($rule: RuleInput!) { upsertRule(rule: $rule) { userErrors { code } } }", EXPERT, rule=rule)
    try:
        (answer,) = asyncio.run(lists(shop, {"sessionId": "sees pins"}))
    finally:
        shop.ask('mutation { deleteRule(ruleId: "subscribed") { deletedRuleId } }', EXPERT)
    assert products(answer)[1] == "p7"


def test_nobody_hears_of_others(shop: Client) -> None:
    async def watch() -> None:
        async with opened(shop) as socket:
            await send(socket, type="subscribe", id="1", payload=asking({"userId": "alone"}))
            await received(socket, "next")
            await asyncio.to_thread(shop.record, event("p3", userId="not watched"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 1)

    asyncio.run(watch())


def test_a_wrong_subscription_is_refused_as_the_protocol_says(shop: Client) -> None:
    async def ask(query: str) -> None:
        async with GqlClient(transport=transport(shop)) as session:
            async for _ in session.subscribe(GraphQLRequest(query)):
                pass

    for query in ("subscription { nothing }", "subscription { recommendations(audience: {}, first: 0) { asOf } }"):
        with pytest.raises(TransportQueryError):
            asyncio.run(ask(query))


def test_a_subscription_by_http_is_told_where_to_go(shop: Client) -> None:
    response = shop.http.post(f"{shop.url}/graphql", json={"query": LIST, "variables": {"audience": {}}})
    assert response.status_code == 400
    assert "WebSocket" in response.json()["errors"][0]["message"]


# --- by bare messages


class opened:  # noqa: N801 - used like a function
    """A socket that has been greeted."""

    def __init__(self, shop: Client, *, greeted: bool = True) -> None:
        self._connecting = connect(address(shop), subprotocols=["graphql-transport-ws"], proxy=None)  # type: ignore[list-item]
        self._greeted = greeted

    async def __aenter__(self) -> ClientConnection:
        socket = await self._connecting.__aenter__()
        if self._greeted:
            await send(socket, type="connection_init")
            await received(socket, "connection_ack")
        return socket

    async def __aexit__(self, *error: Any) -> None:
        await self._connecting.__aexit__(*error)


async def send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def received(socket: ClientConnection, kind: str) -> dict[str, Any]:
    message = json.loads(await asyncio.wait_for(socket.recv(), 60))
    assert message["type"] == kind, message
    return dict(message)


def asking(audience: dict[str, Any]) -> dict[str, Any]:
    return {"query": LIST, "variables": {"audience": audience}}


async def closing(socket: ClientConnection) -> int | None:
    """The code with which the server ends a socket."""
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(socket.recv(), 60)
    return socket.close_code


@pytest.mark.parametrize(
    ("greeted", "messages", "code"),
    [
        (False, [{**ECHO, "id": "1"}], 4401),
        (True, [{"type": "connection_init"}], 4429),
        (True, [{"type": "subscribe", "id": "1", "payload": asking({})}] * 2, 4409),
        (True, [{"type": "start", "id": "1"}], 4400),
        (True, ["nothing"], 4400),
        (True, [b"bytes"], 4400),
    ],
)
def test_what_the_protocol_forbids_ends_the_socket_with_its_code(
    shop: Client, greeted: bool, messages: list[Any], code: int
) -> None:
    async def offend() -> int | None:
        async with opened(shop, greeted=greeted) as socket:
            for message in messages:
                await socket.send(json.dumps(message) if isinstance(message, dict) else message)
            return await closing(socket)

    assert asyncio.run(offend()) == code


def test_another_protocol_is_not_spoken(shop: Client) -> None:
    async def knock() -> int | None:
        async with connect(address(shop), proxy=None) as socket:
            return await closing(socket)

    assert asyncio.run(knock()) == 4406


def test_queries_and_mutations_are_answered_once_and_pings_at_any_time(shop: Client) -> None:
    async def talk() -> list[dict[str, Any]]:
        async with opened(shop, greeted=False) as socket:
            await send(socket, type="ping", payload={"before": "greeting"})
            await received(socket, "pong")
            await send(socket, type="connection_init", payload={})
            await received(socket, "connection_ack")
            await send(socket, **ECHO, id="a")
            answers = [await received(socket, kind) for kind in ("next", "complete")]
            await send(socket, type="subscribe", id="a", payload={"query": "{ nothing }"})
            answers.append(await received(socket, "error"))
            await send(socket, type="complete", id="never began")
            await send(socket, type="ping")
            await received(socket, "pong")
            return answers

    answered, complete, wrong = asyncio.run(talk())
    assert answered["payload"]["data"]["model"]["version"]
    assert complete == {"type": "complete", "id": "a"}
    assert wrong["payload"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


# --- what is left behind


@pytest.fixture(scope="module")
def small(home: Path, shop: Client) -> Iterator[tuple[Client, list[Watcher]]]:
    """A server of this process with little room, and its watcher."""
    watchers: list[Watcher] = []

    class Seen(Watcher):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            watchers.append(self)

    own = Settings(home=home, text_model=str(home / "none"), max_sockets=30, socket_idle_seconds=2.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "Watcher", Seen)
        patch.setattr("api.graphql.sockets.GREETING_SECONDS", 2.0)
        patch.setattr("api.graphql.sockets.OPERATIONS", 2)
        with served_here(own) as client:
            yield client, watchers


async def many(shop: Client, number: int, act: Callable[[list[ClientConnection]], Awaitable[None]]) -> None:
    """That many sockets with a subscription each."""
    sockets = [opened(shop) for _ in range(number)]
    connected = []
    for place, socket in enumerate(sockets):
        connected.append(await socket.__aenter__())
        await send(connected[-1], type="subscribe", id="1", payload=asking({"sessionId": f"idle {place}"}))
    for one in connected:
        await received(one, "next")
    await act(connected)
    for socket in sockets:
        await socket.__aexit__(None, None, None)


def test_idle_subscriptions_stay_and_only_the_one_concerned_is_woken(small: tuple[Client, list[Watcher]]) -> None:
    shop, (watcher,) = small

    async def act(connected: list[ClientConnection]) -> None:
        assert watcher.watches == 20
        await asyncio.sleep(2.5)  # longer than a socket over which nothing runs may live
        await asyncio.to_thread(shop.record, event("p3", "view", sessionId="idle 7"))
        await received(connected[7], "next")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connected[8].recv(), 0.5)

    asyncio.run(many(shop, 20, act))
    assert within(30.0, lambda: watcher.watches == 0)


def test_who_goes_without_a_word_leaves_nothing_behind(small: tuple[Client, list[Watcher]]) -> None:
    shop, (watcher,) = small

    async def act(connected: list[ClientConnection]) -> None:
        for socket in connected:
            socket.transport.abort()

    asyncio.run(many(shop, 20, act))
    assert within(30.0, lambda: watcher.watches == 0)
    asyncio.run(many(shop, 30, lambda _: asyncio.sleep(0)))  # there is room for all again


def test_a_subscription_that_is_completed_is_watched_no_more(small: tuple[Client, list[Watcher]]) -> None:
    shop, (watcher,) = small

    async def act(connected: list[ClientConnection]) -> None:
        await send(connected[0], type="complete", id="1")
        await send(connected[0], type="subscribe", id="1", payload=asking({}))  # the id is free again
        await received(connected[0], "next")
        assert watcher.watches == 1

    asyncio.run(many(shop, 1, act))


def test_more_sockets_and_operations_than_there_is_room_for_are_refused(small: tuple[Client, list[Watcher]]) -> None:
    shop, _ = small

    async def act(connected: list[ClientConnection]) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await opened(shop).__aenter__()
        assert refused.value.response.status_code == 503
        await send(connected[0], type="subscribe", id="2", payload=asking({}))
        await received(connected[0], "next")
        await send(connected[0], type="subscribe", id="3", payload=asking({}))
        assert (await received(connected[0], "error"))["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"

    asyncio.run(many(shop, 30, act))


def test_a_socket_that_says_nothing_is_closed(small: tuple[Client, list[Watcher]]) -> None:
    shop, _ = small

    async def wait(greeted: bool) -> int | None:
        async with opened(shop, greeted=greeted) as socket:
            return await closing(socket)

    assert asyncio.run(wait(False)) == 4408
    assert asyncio.run(wait(True)) == 1001

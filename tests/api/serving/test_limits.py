"""What is too often, too slow, too large or too strange is refused in good order."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from keyed_shop import KEYS, Keyed, keyed_here, token
from served_shop import Client, event

QUERY = {"query": '{ product(productId: "p1") { title } }'}


@pytest.fixture(scope="module")
def strict(home: Path, untouched: Path) -> Iterator[Keyed]:
    """A server with narrow limits."""
    with keyed_here(
        home,
        storefront_rate=0.1,
        body_seconds=0.5,
        introspection=False,
        cors_origins="https://shop.example",
        threads=1,
        max_waiting=1,
        max_complexity=2_000,
    ) as server:
        yield server


def post(client: Client, body: Any = QUERY, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.http.post(f"{client.url}/graphql", content=content, headers=named)


def code(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def test_a_visitor_who_asks_too_often_waits_and_others_do_not(strict: Keyed) -> None:
    eager, other = strict.by(token("eager")), strict.by(token("other"))
    assert post(eager).status_code == 200
    refused = post(eager)
    assert refused.status_code == 429
    assert code(refused) == "RATE_LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert post(other).status_code == 200


def test_strangers_and_pages_without_a_user_count_by_their_address(strict: Keyed) -> None:
    first = post(strict.by("wrong"))
    assert first.status_code in (401, 429)
    for who in (None, "another", KEYS["storefront"], token(None)):
        assert post(strict.by(who)).status_code == 429
    assert strict.by(None).http.get(f"{strict.client.url}/healthz").status_code == 200


def test_the_shops_own_servers_are_not_held_up(strict: Keyed) -> None:
    server = strict.by(KEYS["server"])
    assert [post(server).status_code for _ in range(5)] == [200] * 5


def test_a_body_that_does_not_arrive_is_given_up(strict: Keyed) -> None:
    url = httpx.URL(strict.client.url)
    head = f"POST /graphql HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {KEYS['server']}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection((url.host, url.port), timeout=30) as slow:
        slow.sendall(head.encode() + b'{"query":')
        began = time.monotonic()
        answer = slow.recv(1000).decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert time.monotonic() - began < 20


def test_more_than_can_be_answered_in_time_is_refused_at_once(strict: Keyed) -> None:
    server = strict.by(KEYS["server"])
    query = {"query": "{ recommendations(audience: {}, first: 30) { edges { node { title } explanation { prior } } } }"}
    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda _: post(server, query), range(40)))
    shed = [response for response in responses if response.status_code == 503]
    assert shed
    assert {response.status_code for response in responses} == {200, 503}
    assert {(code(response), response.headers["retry-after"]) for response in shed} == {("OVERLOADED", "1")}


def test_only_pages_of_the_named_origins_may_ask(strict: Keyed) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}
    url, http = f"{strict.client.url}/graphql", strict.client.http
    good = http.options(url, headers={**asked, "origin": "https://shop.example"})
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in good.headers
    assert (
        "access-control-allow-origin"
        not in http.options(url, headers={**asked, "origin": "https://evil.example"}).headers
    )
    answer = post(strict.by(KEYS["server"]), origin="https://shop.example")
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_without_cors_no_page_of_another_origin_may_ask(keyed: Keyed) -> None:
    asked = {"access-control-request-method": "POST", "origin": "https://shop.example"}
    answer = keyed.client.http.options(f"{keyed.client.url}/graphql", headers=asked)
    assert "access-control-allow-origin" not in answer.headers


def test_introspection_and_suggestions_are_switched_off_together(strict: Keyed) -> None:
    server = strict.by(KEYS["server"])
    for query in ("{ __schema { types { name } } }", "{ modell { version } }"):
        answer = post(server, {"query": query})
        assert answer.status_code == 400
        assert "Did you mean" not in answer.text


def test_a_query_that_costs_too_much_is_refused(strict: Keyed) -> None:
    shown = "edges { node { productId title id available } }"
    query = f"query($n: Int) {{ recommendations(audience: {{}}, first: $n) {{ {shown} }} }}"
    server = strict.by(KEYS["server"])
    assert post(server, {"query": query, "variables": {"n": 20}}).status_code == 200
    similar = "similar(first: 100) { edges { rank } }"
    refused = post(server, {"query": query.replace("title", similar), "variables": {"n": 100}})
    assert refused.status_code == 400
    assert "the query costs" in refused.json()["errors"][0]["message"]


DEEP = b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
MUTATION = "mutation($ids: [String!]!) { deleteEvents(eventIds: $ids) { deletedEventIds userErrors { code } } }"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([QUERY] * 1_000, "no batches"),
        ([], "no batches"),
        (DEEP, "not JSON"),
        (b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}', "not JSON"),
        (b'{"query": "{ __typename } # \xed\xa0\x80"}', "not JSON"),
        (b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 10_000 + b"}}", "not JSON"),
    ],
)
def test_strange_bodies_are_refused(keyed: Keyed, body: Any, said: str) -> None:
    response = post(keyed.by(KEYS["server"]), body)
    assert response.status_code == 400
    assert said in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400, -(10**20), "x" * 100_000, "\0", "é" * 1000])
def test_strange_values_are_answered(keyed: Keyed, value: Any) -> None:
    server = keyed.by(KEYS["server"])
    query = "query($p: String!, $n: Int, $x: Float) { explain(audience: {userId: $p}, productId: $p) { score }"
    query += " recommendations(audience: {productIds: [$p]}, first: $n, filter: {price: {max: $x}}) { asOf } }"
    text = value if isinstance(value, str) else "p1"
    number = value if not isinstance(value, str) else 1
    response = post(server, json.dumps({"query": query, "variables": {"p": text, "n": number, "x": number}}).encode())
    assert response.status_code in (200, 400)
    assert code(response) in ("BAD_USER_INPUT", "NOT_FOUND", "BAD_REQUEST")


def test_huge_lists_are_refused(keyed: Keyed) -> None:
    server = keyed.by(KEYS["server"])
    events = [event("p1", userId="u1")] * 6_000
    record = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted } }"
    for query, variables in ((MUTATION, {"ids": ["x"] * 50_000}), (record, {"e": events})):
        refused = post(server, {"query": query, "variables": variables})
        assert (refused.status_code, code(refused)) == (400, "BAD_USER_INPUT")
    assert server.ask(MUTATION, ids=["x"] * 2_000)["deleteEvents"]["userErrors"] == [{"code": "BAD_USER_INPUT"}]
    answer = server.post("{ recommendations(audience: {productIds: [" + '"p1",' * 1_500 + "]}) { asOf } }")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"

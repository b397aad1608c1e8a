"""Whatever fits the schema is answered: no request makes the server fail."""

import json
from typing import Any

import pytest
from graphql.language import ast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema
from keyed_shop import KEYS, Keyed
from served_shop import RECOMMEND, Client

from api.graphql.schema import sdl

KNOWN = {
    "BAD_REQUEST",
    "BAD_USER_INPUT",
    "CURSOR_EXPIRED",
    "FORBIDDEN",
    "GRAPHQL_VALIDATION_FAILED",
    "NOT_FOUND",
    "TIMED_OUT",
    "UNAVAILABLE",
}
QUICKLY = settings(
    max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
TIMES = st.sampled_from(["2026-01-31T12:00:00Z", "1970-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "yesterday", ""])
SCALARS = {
    "DateTime": TIMES.map(lambda text: ast.StringValueNode(value=text)),
    "JSON": st.integers().map(lambda number: ast.IntValueNode(value=str(number))),
}


@pytest.fixture(scope="module")
def admin(spare: Keyed) -> Client:
    return spare.by(KEYS["admin"])


def check(client: Client, query: str, variables: dict[str, Any] | None = None) -> None:
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    response = client.http.post(f"{client.url}/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code < 500, (query, variables, response.text)
    found = {error["extensions"]["code"] for error in response.json().get("errors", ())}
    assert found <= KNOWN, (query, variables, response.text)


@settings(QUICKLY, max_examples=100)  # what takes long is to draw a query
@given(query=from_schema(sdl(), custom_scalars=SCALARS))
def test_queries_and_mutations_of_the_schema_are_answered(admin: Client, query: str) -> None:
    check(admin, query)


keys = st.one_of(
    st.sampled_from(["u1", "u6", "p1", "p2", "mug", "b0", "", " ", "😀", "no such", "p1\0", "x" * 600]), st.text()
)
audiences = st.fixed_dictionaries(
    {},
    optional={
        "userId": keys,
        "sessionId": keys,
        "productIds": st.lists(keys, max_size=4),
        "text": keys,
        "interests": st.lists(
            st.fixed_dictionaries({}, optional={"categoryId": keys, "brandId": keys, "weight": st.floats()}), max_size=3
        ),
        "context": st.lists(st.fixed_dictionaries({"name": st.just("country"), "value": keys}), max_size=2),
    },
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "categoryIds": st.lists(keys, max_size=3),
        "price": st.fixed_dictionaries({}, optional={"min": st.floats(), "max": st.floats()}),
        "excludeIds": st.lists(keys, max_size=3),
    },
)
numbers = st.one_of(st.none(), st.integers(-5, 120), st.integers())


@QUICKLY
@given(audience=audiences, condition=filters, first=numbers, shown=numbers, after=st.one_of(st.none(), keys))
def test_recommendations_for_any_audience_are_answered(
    admin: Client, audience: Any, condition: Any, first: Any, shown: Any, after: Any
) -> None:
    variables = {"audience": audience, "filter": condition, "first": first, "after": after, "shown": shown}
    check(admin, RECOMMEND, variables)


events = st.fixed_dictionaries(
    {"eventId": keys, "productId": keys, "behaviour": st.one_of(st.sampled_from(["view", "purchase"]), keys)},
    optional={"userId": keys, "sessionId": keys, "time": TIMES, "value": st.floats(), "basketId": keys},
)


@QUICKLY
@given(sent=st.lists(events, max_size=4))
def test_any_events_are_answered(admin: Client, sent: Any) -> None:
    query = (
        "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted rejected { code } userErrors { code } } }"
    )
    check(admin, query, {"e": sent})

"""Who may do what: keys and tokens over HTTP, on a shop that asks for them."""

import re
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType
from keyed_shop import KEYS, Keyed, token
from served_shop import EXPERT, Client, event

from api.graphql.access import ACCESS
from api.graphql.ids import global_id
from api.graphql.schema import executable
from api.keys import given_keys
from api.services.callers import Role

DOCUMENT = Path(__file__).parents[3] / "docs" / "security.md"
PRODUCT = '{ product(productId: "p1") { title } }'
RECOMMEND = "query($a: AudienceInput!) { recommendations(audience: $a, first: 1) { strategy } }"
RECORD = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted userErrors { code } } }"


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


@pytest.mark.parametrize("shown", [None, "wrong", "a.b.c", token("u6", exp=1), "the-server-key-of-the-test"])
def test_without_a_valid_key_nothing_is_answered(keyed: Keyed, shown: str | None) -> None:
    client = keyed.by(shown)
    for headers in ({}, EXPERT):
        response = client.http.post(f"{client.url}/graphql", json={"query": PRODUCT}, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert codes(response.json()) == ["UNAUTHENTICATED"]


def test_health_pictures_and_pages_are_open(keyed: Keyed) -> None:
    client = keyed.by(None)
    for path in ("/healthz", "/readyz", "/graphql", "/images/mug%201.png"):
        assert client.http.get(client.url + path).status_code == 200
    for path in ("/metrics", "/docs", "/images", "/Images/x.png", "/nothing"):
        assert client.http.get(client.url + path).status_code == 401


def test_a_server_with_keys_is_reached_under_any_name(keyed: Keyed) -> None:
    client = keyed.by(KEYS["server"])
    answer = client.post(PRODUCT, {"host": "shop.example"})
    assert answer["data"]["product"]["title"]


def test_a_storefront_reads_and_asks_for_its_own_user_or_for_nobody(visitor: Client) -> None:
    assert visitor.ask(PRODUCT)["product"]["title"]
    assert visitor.ask(RECOMMEND, a={"userId": "u6"})["recommendations"]["strategy"] == "PERSONAL"
    for audience in ({}, {"sessionId": "s"}, {"productIds": ["p1"]}):
        assert visitor.ask(RECOMMEND, a=audience)
    assert visitor.ask('{ user(userId: "u6") { userId } }')["user"]["userId"] == "u6"
    assert visitor.ask("query($id: ID!) { node(id: $id) { id } }", id=global_id("User", "u6"))["node"]


@pytest.mark.parametrize("who", ["visitor", "anonymous"])
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (RECOMMEND, {"a": {"userId": "u7"}}),
        (RECOMMEND, {"a": {"userId": "U6"}}),
        ('{ recommendations(audience: {userId: "u7"}) { asOf } }', {}),
        ('{ explain(audience: {userId: "u7"}, productId: "p1") { score } }', {}),
        ('{ user(userId: "u7") { userId } }', {}),
        ("query($id: ID!) { node(id: $id) { id } }", {"id": global_id("User", "u7")}),
        (RECORD, {"e": [event("p1", sessionId="s"), event("p1", userId="u7")]}),
    ],
)
def test_a_storefront_asks_and_speaks_for_nobody_else(
    request: pytest.FixtureRequest, who: str, query: str, variables: dict[str, Any]
) -> None:
    answer = request.getfixturevalue(who).post(query, **variables)
    assert codes(answer) == ["FORBIDDEN"]
    assert answer["errors"][0]["extensions"]["field"] == "userId"


def test_of_a_batch_with_somebody_elses_event_nothing_is_recorded(visitor: Client, server: Client) -> None:
    own, foreign = event("p1", "view", userId="u6"), event("p1", "view", userId="u7")
    visitor.post(RECORD, e=[own, foreign])
    assert server.record(own, foreign)["accepted"] == [own["eventId"], foreign["eventId"]]


def test_a_storefront_records_its_own_users_events_and_those_of_sessions(visitor: Client, anonymous: Client) -> None:
    own, nameless = event("p1", "view", userId="u6"), event("p1", "view", sessionId="s-1")
    assert visitor.record(own, nameless)["accepted"] == [own["eventId"], nameless["eventId"]]
    assert anonymous.record(event("p1", "view", sessionId="s-2"))["rejected"] == []


FIELDS = {
    "Query.node": f'{{ node(id: "{global_id("Product", "p1")}") {{ id }} }}',
    "Query.product": PRODUCT,
    "Query.category": '{ category(categoryId: "mug") { name } }',
    "Query.user": '{ user(userId: "u6") { userId } }',
    "Query.recommendations": "{ recommendations(audience: {}, first: 1) { asOf } }",
    "Query.explain": '{ explain(audience: {}, productId: "p1") { score } }',
    "Query.products": "{ products(first: 1) { totalCount } }",
    "Query.search": '{ search(query: "mug", first: 1) { totalCount } }',
    "Query.trending": "{ trending(first: 1) { totalCount } }",
    "Query.brand": '{ brand(brandId: "b0") { name } }',
    "Query.continueShopping": "{ continueShopping(audience: {}) { totalCount } }",
    "Query.model": "{ model { version } }",
    "Query.users": "{ users(first: 1) { userId } }",
    "Query.qualityReport": "{ qualityReport }",
    "Query.evaluation": "{ evaluation }",
    "Query.clickThrough": "{ clickThrough { shown } }",
    "Query.rules": "{ rules { edges { cursor } } }",
    "Query.knowledge": "{ knowledge { edges { cursor } } }",
    "Query.previewKnowledge": (
        '{ previewKnowledge(people: 1, rule: {ruleId: "m", kind: MOVE, categoryId: "mug", toCategoryId: "lamp"}) '
        "{ changed } }"
    ),
    "Query.previewRule": (
        '{ previewRule(people: 1, rule: {ruleId: "b", kind: BLOCK, productIds: ["p1"]}) { changed } }'
    ),
    "Query.cypher": '{ cypher(query: "RETURN 1 AS n") { rows } }',
    "Query.savedQueries": "{ savedQueries { name } }",
    "Query.askSaved": '{ askSaved(name: "cold-products") { rows } }',
    "Mutation.recordEvents": "mutation { recordEvents(events: []) { accepted } }",
    "Mutation.upsertProducts": "mutation { upsertProducts(products: []) { withoutText } }",
    "Mutation.upsertRule": 'mutation { upsertRule(rule: {ruleId: "", kind: BLOCK}) { userErrors { code } } }',
    "Mutation.upsertKnowledge": (
        'mutation { upsertKnowledge(rule: {ruleId: "", kind: MOVE}) { userErrors { code } } }'
    ),
    "Mutation.applyKnowledge": 'mutation { applyKnowledge(ruleId: "none") { put } }',
    "Mutation.undoKnowledge": 'mutation { undoKnowledge(ruleId: "none") { taken } }',
    "Mutation.deleteRule": 'mutation { deleteRule(ruleId: "none") { deletedRuleId } }',
    "Mutation.deleteProducts": 'mutation { deleteProducts(productIds: ["none"]) { deletedProductIds } }',
    "Mutation.deleteEvents": 'mutation { deleteEvents(eventIds: ["none"]) { deletedEventIds } }',
    "Mutation.deleteUser": 'mutation { deleteUser(userId: "none") { deletedUserId } }',
}


@pytest.mark.parametrize("place", FIELDS)
def test_each_field_is_for_the_roles_of_the_table(keyed: Keyed, place: str) -> None:
    allowed = {role.value for role in ACCESS[place].roles} | {"admin"}
    for role, key in {**KEYS, "storefront": token("u6")}.items():
        answer = keyed.by(key).post(FIELDS[place])
        assert codes(answer) == ([] if role in allowed else ["FORBIDDEN"]), role


def test_a_rule_has_the_name_of_whoever_showed_a_key_and_no_other(keyed: Keyed) -> None:
    query = """mutation { upsertRule(rule: {ruleId: "signed", kind: BURY, productIds: ["p1"], author: "ben"}) {
        rule { author } userErrors { message } } }"""
    delete = 'mutation { deleteRule(ruleId: "signed") { deletedRuleId } }'
    expert, ann = keyed.by(KEYS["expert"]), keyed.by(token("ann", role="expert"))
    written = [client.ask(query)["upsertRule"]["rule"]["author"] for client in (expert, ann)]
    ann.ask(delete)
    assert written == [given_keys(f"expert:{KEYS['expert']}")[0].id, "ann"]


def test_a_key_of_an_expert_sees_what_the_header_showed(keyed: Keyed) -> None:
    query = """query($a: AudienceInput!) { recommendations(audience: $a, first: 5) {
        edges { explanation { contributions(first: 20) { path { cypher } } } } } }"""

    def cypher(key: str, headers: dict[str, str] | None = None) -> set[bool]:
        edges = keyed.by(key).ask(query, headers, a={"userId": "u6"})["recommendations"]["edges"]
        parts = [part for edge in edges for part in edge["explanation"]["contributions"]]
        return {part["path"]["cypher"] is not None for part in parts if part["path"]}

    assert cypher(KEYS["expert"]) == cypher(KEYS["admin"]) == {True}
    assert cypher(KEYS["server"], EXPERT) == cypher(token("u6"), EXPERT) == {False}


def test_every_root_field_is_in_the_table() -> None:
    missing = set(root_fields()) - set(ACCESS)
    assert not missing, f"say in api/graphql/access.py who may use {', '.join(sorted(missing))}"


def test_the_page_on_security_has_the_table() -> None:
    row = re.compile(r"^\| `(\w+\.\w+)` \| ([\w, ]+) \| (\w*) ?\|$", re.MULTILINE)
    rows = {place: (roles, noted) for place, roles, noted in row.findall(DOCUMENT.read_text(encoding="utf-8"))}
    assert rows == {
        place: (", ".join(sorted(role.value for role in access.roles)), "yes" if access.audited else "")
        for place, access in ACCESS.items()
    }


def test_a_description_that_names_roles_names_those_of_the_table() -> None:
    for place, description in root_fields().items():
        named = re.search(r"Needs the role ([a-z ]+)\.", description)
        roles = " or ".join(role.value for role in Role if role in ACCESS[place].roles)
        assert named is None or named[1] == roles, place


def root_fields() -> dict[str, str]:
    """Place of each root field -> its description."""
    schema = executable()
    kinds = (schema.query_type, schema.mutation_type, schema.subscription_type)
    return {
        f"{kind.name}.{name}": field.description or ""
        for kind in kinds
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
    }

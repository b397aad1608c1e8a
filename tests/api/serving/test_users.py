"""What users are interested in, asked over HTTP."""

from typing import Any

import pytest
from served_shop import Client, event

INTERESTS = """
query($user: String!, $first: Int, $after: String, $shown: Int = 100) {
  user(userId: $user) {
    userId
    interests(first: $first, after: $after) {
      asOf modelVersion pageInfo { hasNextPage hasPreviousPage endCursor }
      edges {
        cursor weight relation node { type nodeId name }
        evidence(first: $shown) { kind weight because { behaviour events lastAt product { productId title } } }
      }
    }
  }
}
"""


def interests(shop: Client, user: str, **more: Any) -> dict[str, Any]:
    return dict(shop.ask(INTERESTS, user=user, **more)["user"]["interests"])


def test_interests_are_a_distribution_and_evidence_adds_up_to_each(shop: Client) -> None:
    found = interests(shop, "u0", first=100)
    assert found["pageInfo"]["hasNextPage"] is False
    weights = [edge["weight"] for edge in found["edges"]]
    assert sum(weights) == pytest.approx(1.0)
    assert weights == sorted(weights, reverse=True)
    for edge in found["edges"]:
        assert sum(part["weight"] for part in edge["evidence"]) == pytest.approx(edge["weight"])


def test_somebody_who_buys_mugs_is_interested_in_mugs_and_the_events_show_it(shop: Client) -> None:
    edges = interests(shop, "u0", first=100)["edges"]
    assert edges[0]["relation"] == "IN_CATEGORY"
    assert edges[0]["node"] == {"type": "Category", "nodeId": "mug", "name": "Mugs"}
    assert {edge["node"]["type"] for edge in edges} <= {"Category", "Brand", "Feature"}
    by_graph = [part for part in edges[0]["evidence"] if part["kind"] == "PATH"]
    assert {int(part["because"]["product"]["productId"][1:]) % 2 for part in by_graph} == {0}
    assert {part["kind"] for edge in edges for part in edge["evidence"]} == {"PATH", "TEXT"}


def test_only_the_users_own_events_are_shown(shop: Client) -> None:
    shop.record(event("p3", "view", userId="new here"), event("p3", "view", userId="new here"))
    edges = interests(shop, "new here", first=100)["edges"]
    items = [part["because"] for edge in edges for part in edge["evidence"]]
    assert {(item["product"]["productId"], item["behaviour"], item["events"]) for item in items} == {("p3", "view", 2)}


def test_pages_of_interests_are_the_whole_list(shop: Client) -> None:
    whole = interests(shop, "u3", first=100)["edges"]
    found, after = [], None
    while True:
        page = interests(shop, "u3", first=2, after=after)
        found += [edge["node"]["nodeId"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == [edge["node"]["nodeId"] for edge in whole]
    error = shop.post(INTERESTS, user="u4", after=after)["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "another list" in error["message"]


def test_somebody_who_did_nothing_has_no_interests(shop: Client) -> None:
    shop.record(one := event("p5", "view", userId="idle"))
    shop.ask("mutation($ids: [String!]!) { deleteEvents(eventIds: $ids) { deletedEventIds } }", ids=[one["eventId"]])
    assert interests(shop, "idle")["edges"] == []
    assert shop.ask(INTERESTS, user="nobody")["user"] is None


@pytest.mark.parametrize("first", [0, 101])
def test_a_page_of_interests_has_the_usual_size(shop: Client, first: int) -> None:
    error = shop.post(INTERESTS, user="u0", first=first)["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"

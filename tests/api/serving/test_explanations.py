from typing import Any

import pytest
from served_shop import EXPERT, Client, event

from graph import Query, connect

EXPLAIN = """
query($audience: AudienceInput!, $product: String!, $asOf: DateTime, $model: String) {
  explain(audience: $audience, productId: $product, asOf: $asOf, modelVersion: $model) {
    score prior readableShare remainder { count value }
    contributions(first: 100) {
      kind relation value share text because { behaviour product { productId } } path { cypher nodes { type count } }
    }
    counterfactual { minimal newRank items { behaviour product { productId } } }
  }
}
"""


def explain(shop: Client, user: str, product: str, **more: Any) -> dict[str, Any]:
    return dict(shop.ask(EXPLAIN, audience={"userId": user}, product=product, **more)["explain"])


def rounding(parts: dict[str, Any]) -> float:
    """How far a score may be from the sum of its parts: it is of float32 where vectors are multiplied."""
    values = [part["value"] for part in parts["contributions"]] + [parts["prior"], parts["remainder"]["value"]]
    return 1e-5 * sum(map(abs, values))


@pytest.mark.parametrize("shown", [1, 5, 100])
@pytest.mark.parametrize("user", ["u0", "u1", "u5", "nobody"])
def test_prior_contributions_and_remainder_add_up_to_the_score(shop: Client, user: str, shown: int) -> None:
    for edge in shop.recommend({"userId": user}, 20, shown=shown)["edges"]:
        parts = edge["explanation"]
        assert parts["score"] == edge["score"]
        total = parts["prior"] + sum(part["value"] for part in parts["contributions"]) + parts["remainder"]["value"]
        assert total == pytest.approx(edge["score"], abs=rounding(parts))
        assert len(parts["contributions"]) <= shown
        sizes = [abs(part["value"]) for part in parts["contributions"]]
        assert sizes == sorted(sizes, reverse=True)


def test_the_remainder_is_what_the_listed_contributions_leave(shop: Client) -> None:
    query = """query($n: Int, $list: Boolean!) { recommendations(audience: {userId: "u0"}, first: 1) { edges {
        explanation { ...parts remainder { count value } contributions(first: 2) { value } } score } } }
        fragment parts on Explanation { prior more: contributions(first: $n) @include(if: $list) { value } }"""
    listed = shop.ask(query, n=7, list=True)["recommendations"]["edges"][0]
    assert len(listed["explanation"]["more"]) == 7
    total = sum(part["value"] for part in listed["explanation"]["more"]) + listed["explanation"]["remainder"]["value"]
    size = rounding({**listed["explanation"], "contributions": listed["explanation"]["more"]})
    assert listed["explanation"]["prior"] + total == pytest.approx(listed["score"], abs=size)
    short = shop.ask(query, n=7, list=False)["recommendations"]["edges"][0]["explanation"]["remainder"]
    assert short["count"] == listed["explanation"]["remainder"]["count"] + 5


def test_explain_gives_the_score_of_the_list_at_its_moment(shop: Client) -> None:
    answer = shop.recommend({"userId": "u4"}, 5)
    for edge in answer["edges"]:
        found = explain(shop, "u4", edge["node"]["productId"], asOf=answer["asOf"], model=answer["modelVersion"])
        assert found["score"] == edge["score"]


def test_shares_and_the_readable_part_are_of_all_contributions(shop: Client) -> None:
    product = shop.ids({"userId": "u0"}, 1)[0]
    found = explain(shop, "u0", product)
    assert found["remainder"]["count"] == 0
    assert sum(part["share"] for part in found["contributions"]) == pytest.approx(1.0)
    readable = sum(part["share"] for part in found["contributions"] if part["kind"] == "PATH")
    assert found["readableShare"] == pytest.approx(readable)


def test_only_paths_have_a_path_and_every_reason_has_words(shop: Client) -> None:
    kinds = set()
    for product in shop.ids({"userId": "u0"}, 10):
        for part in explain(shop, "u0", product)["contributions"]:
            kinds.add(part["kind"])
            assert (part["path"] is None) == (part["kind"] != "PATH") == (part["relation"] is None)
            assert "“" in part["text"]
            assert "{" not in part["text"]
    assert {"PATH", "TEXT"} <= kinds


def test_people_are_groups_and_small_groups_have_no_number(shop: Client) -> None:
    seen = set()
    for user in ("u0", "u1", "u2", "u3"):
        for edge in shop.recommend({"userId": user}, 20, shown=100)["edges"]:
            for part in edge["explanation"]["contributions"]:
                if part["relation"] not in ("CO_BUYER", "SAME_BASKET", "NEXT_PRODUCT"):
                    continue
                middle = part["path"]["nodes"][1]
                assert part["path"]["cypher"] is None
                assert middle["keys"] == middle["names"] == []
                assert middle["count"] is None or middle["count"] >= 5
                assert (middle["count"] is None) or str(middle["count"]) in part["text"]
                seen.add(middle["count"] is None)
    assert seen == {True, False}


def test_an_expert_gets_the_query_that_returns_the_paths(shop: Client, home: Any) -> None:
    with connect(f"embedded:{home / 'graph'}") as store:
        checked = set()
        for edge in shop.recommend({"userId": "u1"}, 5, headers=EXPERT, shown=100)["edges"]:
            for part in edge["explanation"]["contributions"]:
                path, relation = part["path"], part["relation"]
                if path is None or relation in checked:
                    continue
                rows = store.read(Query(path["cypher"]))
                # Somebody who took the same step twice is two rows and one person.
                middles = {row["middle"] for row in rows}
                assert len(middles) == (path["nodes"][1]["count"] if len(path["nodes"]) == 3 else 1), relation
                checked.add(relation)
    assert {"CO_BUYER", "IN_CATEGORY"} <= checked


def test_deleting_a_units_events_changes_the_score_by_its_contributions(shop: Client) -> None:
    first = event("p2", userId="leaver")
    again = event("p2", userId="leaver")
    other = event("p6", "view", userId="leaver")
    assert len(shop.record(first, again, other)["accepted"]) == 3
    answer = shop.recommend({"userId": "leaver"}, 1)
    moment = {"asOf": answer["asOf"], "model": answer["modelVersion"]}
    before = explain(shop, "leaver", "p10", **moment)
    of_unit = [p["value"] for p in before["contributions"] if p["because"]["behaviour"] == "purchase"]
    assert of_unit
    deleted = shop.ask(
        "mutation($ids: [String!]!) { deleteEvents(eventIds: $ids) { deletedEventIds userErrors { code } } }",
        ids=[first["eventId"], again["eventId"], "unknown"],
    )["deleteEvents"]
    assert set(deleted["deletedEventIds"]) == {first["eventId"], again["eventId"]}
    after = explain(shop, "leaver", "p10", **moment)
    assert before["score"] - after["score"] == pytest.approx(sum(of_unit), abs=rounding(before))
    assert all(part["because"]["behaviour"] == "view" for part in after["contributions"])


def test_a_counterfactual_names_what_the_list_would_lose_the_product_without(shop: Client) -> None:
    shop.record(event("p1", userId="mixed"), event("p2", userId="mixed"))
    edge = shop.recommend({"userId": "mixed"}, 20)["edges"]
    lamp = next(e for e in edge if int(e["node"]["productId"][1:]) % 2)
    query = """query($first: Int!) { recommendations(audience: {userId: "mixed"}, first: $first) { edges {
        node { productId } explanation { counterfactual { minimal newRank items { product { productId } } } } } } }"""
    edges = shop.ask(query, first=lamp["rank"])["recommendations"]["edges"]
    found = edges[-1]["explanation"]["counterfactual"]
    assert found["newRank"] > lamp["rank"]
    assert [item["product"]["productId"] for item in found["items"]] == ["p1"]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"product": "unknown"}, "NOT_FOUND"),
        ({"product": "p1", "model": "another"}, "CURSOR_EXPIRED"),
        ({"product": "p1", "asOf": "2999-01-01T00:00:00Z"}, "BAD_USER_INPUT"),
        ({"product": "p1", "asOf": "2024-01-01T00:00:00"}, "BAD_USER_INPUT"),
    ],
)
def test_what_cannot_be_explained_is_said(shop: Client, variables: dict[str, str], code: str) -> None:
    error = shop.post(EXPLAIN, audience={}, **variables)["errors"][0]
    assert error["extensions"]["code"] == code

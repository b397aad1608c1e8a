"""What a list and a score are without part of the history, asked over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from served_shop import Client

EXPLAIN = """
query($audience: AudienceInput!, $product: String!, $asOf: DateTime) {
  explain(audience: $audience, productId: $product, asOf: $asOf) {
    rank score prior
    contributions(first: 100) { value because { behaviour product { productId } } }
  }
}
"""
HISTORY = """
query($audience: AudienceInput!, $first: Int, $history: Int = 100) {
  recommendations(audience: $audience, first: $first) {
    strategy asOf edges { rank score node { productId } }
    history(first: $history) { behaviour events lastAt product { productId title } }
  }
}
"""


def asked(shop: Client, audience: dict[str, Any], first: int = 20, **more: Any) -> dict[str, Any]:
    return dict(shop.ask(HISTORY, audience=audience, first=first, **more)["recommendations"])


def ids(answer: dict[str, Any]) -> list[str]:
    return [edge["node"]["productId"] for edge in answer["edges"]]


def test_the_history_is_what_the_list_rests_on_the_latest_first(shop: Client) -> None:
    history = asked(shop, {"userId": "u6"})["history"]
    assert {item["behaviour"] for item in history} == {"view", "purchase"}
    assert all(item["product"]["title"] for item in history)
    times = [item["lastAt"] for item in history]
    assert times == sorted(times, reverse=True)
    assert asked(shop, {"userId": "u6"}, history=3)["history"] == history[:3]


def test_products_that_are_named_are_a_history_of_their_own(shop: Client) -> None:
    history = asked(shop, {"productIds": ["p1", "p3"]})["history"]
    assert [(item["product"]["productId"], item["behaviour"]) for item in history] == [("p1", None), ("p3", None)]


def test_a_score_without_a_product_loses_exactly_what_it_gave(shop: Client) -> None:
    answer = asked(shop, {"userId": "u4"})
    product = ids(answer)[0]
    whole = shop.ask(EXPLAIN, audience={"userId": "u4"}, product=product, asOf=answer["asOf"])["explain"]
    gone = whole["contributions"][0]["because"]["product"]["productId"]
    gave = [part["value"] for part in whole["contributions"] if part["because"]["product"]["productId"] == gone]
    audience = {"userId": "u4", "without": [gone]}
    rest = shop.ask(EXPLAIN, audience=audience, product=product, asOf=answer["asOf"])["explain"]
    assert rest["score"] == pytest.approx(whole["score"] - sum(gave), abs=1e-5)
    assert rest["prior"] == whole["prior"]
    assert gone not in {part["because"]["product"]["productId"] for part in rest["contributions"]}


def test_an_explanation_says_the_rank_that_the_list_has(shop: Client) -> None:
    audience = {"userId": "u4", "without": [asked(shop, {"userId": "u4"})["history"][0]["product"]["productId"]]}
    answer = asked(shop, audience)
    for edge in answer["edges"][::5]:
        found = shop.ask(EXPLAIN, audience=audience, product=edge["node"]["productId"], asOf=answer["asOf"])["explain"]
        assert (found["rank"], found["score"]) == (edge["rank"], edge["score"])


def test_without_what_the_counterfactual_names_a_product_leaves_the_list(shop: Client) -> None:
    audience, found, as_of = next(counterfactuals(shop, 5))
    units = [item["product"]["productId"] for item in found["explanation"]["counterfactual"]["items"]]
    variables = {"product": found["node"]["productId"], "asOf": as_of}
    assert shop.ask(EXPLAIN, audience=audience, **variables)["explain"]["rank"] == found["rank"]
    assert shop.ask(EXPLAIN, audience=audience | {"without": units}, **variables)["explain"]["rank"] > 5


def counterfactuals(shop: Client, length: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
    """Audiences with a product of their list that would leave it without part of the history, and the moment."""
    query = """query($audience: AudienceInput!, $first: Int) { recommendations(audience: $audience, first: $first) {
        asOf edges { rank node { productId } explanation { counterfactual { items { product { productId } } } } } } }"""
    for number in range(80):
        audience = {"userId": f"u{number}"}
        answer = shop.ask(query, audience=audience, first=length)["recommendations"]
        for edge in answer["edges"]:
            if edge["explanation"]["counterfactual"]:
                yield audience, edge, answer["asOf"]


def test_what_was_bought_stays_out_of_the_list_also_where_it_does_not_count(shop: Client) -> None:
    history = asked(shop, {"userId": "u42"}, first=100)["history"]
    bought = {item["product"]["productId"] for item in history if item["behaviour"] == "purchase"}
    answer = asked(shop, {"userId": "u42", "without": sorted(bought)}, first=100)
    assert not bought & set(ids(answer))
    assert answer["history"] == []
    assert answer["strategy"] == "POPULAR"


def test_without_products_that_are_not_in_the_history_nothing_changes(shop: Client) -> None:
    assert ids(asked(shop, {"userId": "u42", "without": ["p1", "nothing"]})) == ids(asked(shop, {"userId": "u42"}))


def test_at_most_a_hundred_products_are_taken_out(shop: Client) -> None:
    error = shop.post(HISTORY, audience={"without": [f"p{n}" for n in range(101)]})["errors"][0]
    assert error["extensions"]["field"] == "audience.without"

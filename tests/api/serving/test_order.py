"""Diversity and exploration over HTTP: what moved says so, and pages are parts of one list."""

from typing import Any

import pytest
from served_shop import Client

LIST = """
query($audience: AudienceInput!, $options: RecommendationOptions, $first: Int, $after: String, $asOf: Boolean = true) {
  recommendations(audience: $audience, options: $options, first: $first, after: $after) {
    asOf @include(if: $asOf) seed pageInfo { endCursor hasNextPage }
    edges { rank score placement rule propensity node { productId title }
      explanation { score prior remainder { value } placement contributions(first: 100) { value } } } } }
"""
VIEWER = {"userId": "u30"}


def ask(shop: Client, first: int = 20, after: str | None = None, **options: Any) -> dict[str, Any]:
    return dict(shop.ask(LIST, audience=VIEWER, first=first, after=after, options=options)["recommendations"])


def ids(answer: dict[str, Any]) -> list[str]:
    return [edge["node"]["productId"] for edge in answer["edges"]]


def test_what_diversity_moved_says_so(shop: Client) -> None:
    plain, diverse = ids(ask(shop, 30)), ask(shop, 30, diversity=0.7)
    assert ids(diverse) != plain
    assert diverse["seed"] is None
    for edge in diverse["edges"]:
        by_score = plain.index(edge["node"]["productId"]) + 1 if edge["node"]["productId"] in plain else None
        assert edge["placement"] == ("SCORE" if edge["rank"] == by_score else "DIVERSITY")
        assert edge["explanation"]["placement"] == edge["placement"]
        assert edge["propensity"] == 1.0


def test_a_diverse_list_begins_with_both_kinds(shop: Client) -> None:
    plain = ask(shop, 6)["edges"]
    assert len({edge["node"]["title"].split()[1] for edge in plain}) == 1
    diverse = ask(shop, 6, diversity=0.9)["edges"]
    assert len({edge["node"]["title"].split()[1] for edge in diverse}) == 2


@pytest.mark.parametrize(
    "options", [{"diversity": 0.6}, {"exploration": 0.3}, {"diversity": 0.4, "exploration": 0.2, "seed": 11}]
)
def test_pages_are_parts_of_one_list_in_any_process(shop: Client, second: Client, options: dict[str, float]) -> None:
    answer = ask(shop, 7, **options)
    found, pages = list(answer["edges"]), [answer]
    for server in (second, shop, second):
        pages.append(ask(server, 7, pages[-1]["pageInfo"]["endCursor"], **options))
        found += pages[-1]["edges"]
    assert len({page["asOf"] for page in pages}) == 1
    assert len({page["seed"] for page in pages}) == 1
    keys = [edge["node"]["productId"] for edge in found]
    assert len(set(keys)) == len(keys) == 28
    assert [edge["rank"] for edge in found] == list(range(1, 29))
    if answer["seed"] is not None and "seed" not in options:
        options = {**options, "seed": answer["seed"]}
        whole = ask(shop, 28, **options)
        assert [(e["node"]["productId"], e["placement"]) for e in whole["edges"]] == [
            (e["node"]["productId"], e["placement"]) for e in found
        ]


def test_the_end_of_a_list_is_the_end(shop: Client) -> None:
    everything = set(ids(ask(shop, 100)))
    answer = ask(shop, 100, diversity=0.5, exploration=0.5)
    assert set(ids(answer)) == everything
    assert answer["pageInfo"]["hasNextPage"] is False
    beyond = ask(shop, 10, answer["pageInfo"]["endCursor"], diversity=0.5, exploration=0.5)
    assert beyond["edges"] == []


def test_explored_products_say_so_with_their_propensity(shop: Client) -> None:
    answer = ask(shop, 12, exploration=0.25, seed=5)
    assert answer["seed"] == 5
    explored = [edge for edge in answer["edges"] if edge["placement"] == "EXPLORATION"]
    assert len(explored) == 3
    assert all(0 < edge["propensity"] <= 0.25 for edge in explored)
    assert all(0 < edge["propensity"] <= 1 for edge in answer["edges"] if edge["propensity"] is not None)
    assert ids(ask(shop, 12, exploration=0.25, seed=5)) == ids(answer)
    for edge in answer["edges"]:
        parts = edge["explanation"]
        values = [part["value"] for part in parts["contributions"]] + [parts["prior"], parts["remainder"]["value"]]
        assert sum(values) == pytest.approx(edge["score"], abs=1e-5 * sum(map(abs, values)))


def test_a_cursor_continues_only_under_its_options(shop: Client) -> None:
    after = ask(shop, 5, diversity=0.5)["pageInfo"]["endCursor"]
    for options in ({}, {"diversity": 0.4}, {"diversity": 0.5, "exploration": 0.1}):
        (error,) = shop.post(LIST, audience=VIEWER, first=5, after=after, options=options)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "options" in error["extensions"]["remedy"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"diversity": 1.5}, "options.diversity"),
        ({"exploration": -0.5}, "options.exploration"),
        ({"seed": -1}, "options.seed"),
    ],
)
def test_options_out_of_bounds_are_refused_with_the_remedy(shop: Client, options: dict[str, float], field: str) -> None:
    (error,) = shop.post(LIST, audience=VIEWER, options=options)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["field"] == field
    assert error["extensions"]["remedy"]

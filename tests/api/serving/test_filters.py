"""Hard conditions on what is shown, over HTTP."""

from typing import Any

import pytest
from served_shop import PRODUCTS, Client, event

pytestmark = pytest.mark.usefixtures("none_stays")

ASK = "query($filter: ProductFilter) { recommendations(audience: {}, filter: $filter) { asOf } }"


def refused(shop: Client, **conditions: Any) -> dict[str, Any]:
    (error,) = shop.post(ASK, filter=conditions)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["remedy"]
    return {**error["extensions"], "message": error["message"]}


def numbers(ids: list[str]) -> set[int]:
    """Of the products that the shop began with."""
    return {int(key[1:]) for key in ids if key[1:].isdigit()}


def test_only_products_of_some_brands(shop: Client) -> None:
    found = numbers(shop.ids({"userId": "nobody"}, 100, filter={"brandIds": ["b1"]}))
    assert found == {n for n in range(PRODUCTS) if n % 4 // 2 == 1}
    both = numbers(shop.ids({"userId": "nobody"}, 100, filter={"brandIds": ["b0", "b1"]}))
    assert both == set(range(PRODUCTS))


def test_conditions_hold_together(shop: Client) -> None:
    condition = {"brandIds": ["b0"], "categoryIds": ["mug"], "price": {"max": 10}, "excludeProductIds": ["p4"]}
    assert numbers(shop.ids({}, 100, filter=condition)) == {0, 8}


def test_any_node_of_each_feature(shop: Client) -> None:
    either = {"relation": "MADE_BY", "nodeIds": ["b0", "b1"]}
    lamps = {"relation": "IN_CATEGORY", "nodeIds": ["lamp"]}
    found = numbers(shop.ids({"userId": "nobody"}, 100, filter={"features": [either, lamps]}))
    assert found == set(range(1, PRODUCTS, 2))
    none = shop.ids({}, 100, filter={"features": [lamps, {"relation": "IN_CATEGORY", "nodeIds": ["mug"]}]})
    assert none == []


def test_a_category_among_the_features_reaches_what_is_below_it(shop: Client) -> None:
    home = {"features": [{"relation": "IN_CATEGORY", "nodeIds": ["home"]}]}
    assert numbers(shop.ids({"userId": "nobody"}, 100, filter=home)) == set(range(PRODUCTS))


def test_a_feature_is_by_default_one_of_the_ontology(shop: Client) -> None:
    shop.upsert(
        {
            "productId": "oaken",
            "title": "Oaken lamp",
            "relations": [{"relation": "HAS_FEATURE", "target": "oak", "targetName": "Oak"}],
        }
    )
    assert shop.ids({}, 100, filter={"features": [{"nodeIds": ["oak"]}]}) == ["oaken"]


def test_a_list_without_entries_is_no_condition(shop: Client) -> None:
    empty = {"brandIds": [], "features": [{"nodeIds": []}], "categoryIds": []}
    assert numbers(shop.ids({"userId": "nobody"}, 100, filter=empty)) == set(range(PRODUCTS))


def test_what_is_unavailable_is_shown_to_those_who_ask_for_it_alone(shop: Client, second: Client) -> None:
    shop.upsert({"productId": "p36", "available": False})
    try:
        for server in (shop, second):
            assert server.ids({}, 100, filter={"available": False}) == ["p36"]
            assert "p36" not in server.ids({}, 100, filter={"available": True})
    finally:
        shop.upsert({"productId": "p36", "available": True})


def test_a_brand_counts_as_the_graph_is_now_in_every_process(shop: Client, second: Client) -> None:
    for server in (shop, second):
        assert "rebranded" not in server.ids({}, 100, filter={"brandIds": ["b0"]})
    shop.upsert({"productId": "rebranded", "title": "Rebranded mug", "brand": {"brandId": "b0"}})
    for server in (shop, second):
        assert "rebranded" in server.ids({}, 100, filter={"brandIds": ["b0"]})
    shop.upsert({"productId": "rebranded", "brand": {"brandId": "b1"}})
    for server in (shop, second):
        assert "rebranded" not in server.ids({}, 100, filter={"brandIds": ["b0"]})


def test_filters_hold_for_similar_products_too(shop: Client) -> None:
    query = """{ product(productId: "p4") { similar(first: 50, filter: {brandIds: ["b1"]}) {
        edges { node { productId } } } } }"""
    edges = shop.ask(query)["product"]["similar"]["edges"]
    assert {
        int(edge["node"]["productId"][1:]) % 4 // 2 for edge in edges if edge["node"]["productId"][1:].isdigit()
    } == {1}


def test_pages_go_on_under_the_same_conditions_only(shop: Client) -> None:
    condition = {"brandIds": ["b1"]}
    shop.wait_for_a_minute(5)
    whole = shop.ids({}, 15, filter=condition)
    page = shop.recommend({}, 7, filter=condition)
    after = page["pageInfo"]["endCursor"]
    assert [e["node"]["productId"] for e in page["edges"]] + shop.ids({}, 8, filter=condition, after=after) == whole
    query = "query($after: String) { recommendations(audience: {}, filter: {brandIds: []}, after: $after) { asOf } }"
    (error,) = shop.post(query, after=after)["errors"]
    assert "another list" in error["message"]


@pytest.mark.parametrize(
    ("conditions", "field", "words"),
    [
        ({"brandIds": ["b0", "no brand"]}, "filter.brandIds", "no Brand no brand"),
        ({"features": [{"nodeIds": ["velvet"]}]}, "filter.features.0.nodeIds", "no Feature velvet"),
        ({"features": [{"relation": "MADE_BI", "nodeIds": ["b0"]}]}, "filter.features.0.relation", "MADE_BY"),
        ({"features": [{"relation": "COMPLEMENTS", "nodeIds": ["p1"]}]}, "filter.features.0.relation", "COMPLEMENTS"),
    ],
)
def test_what_the_shop_does_not_have_is_named(shop: Client, conditions: dict[str, Any], field: str, words: str) -> None:
    error = refused(shop, **conditions)
    assert error["field"] == field
    assert words in error["message"]


def test_what_was_bought_and_filters_go_together(shop: Client) -> None:
    shop.record(event("p2", userId="branded"))
    assert "p2" not in shop.ids({"userId": "branded"}, 100, filter={"brandIds": ["b1"]})
    assert "p2" in shop.ids({"userId": "branded"}, 100, filter={"brandIds": ["b1"], "includeBought": True})

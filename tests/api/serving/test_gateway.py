"""What a gateway asks over HTTP: the subgraph, and products by their keys."""

from typing import Any

from graphql import parse
from served_shop import Client

ENTITIES = """query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Product {
    id productId title boughtTogether(first: 2) { edges { rank node { productId } } } } } }"""


def entities(shop: Client, *representations: Any) -> list[Any]:
    return list(shop.ask(ENTITIES, r=list(representations))["_entities"])


def test_the_server_hands_out_its_subgraph(shop: Client) -> None:
    sdl = shop.ask("{ _service { sdl } }")["_service"]["sdl"]
    assert parse(sdl)
    assert 'type Product @key(fields: "productId") @key(fields: "id")' in sdl


def test_products_are_resolved_by_either_key_in_the_order_asked_for(shop: Client) -> None:
    identity = shop.ask('{ product(productId: "p4") { id } }')["product"]["id"]
    found = entities(
        shop,
        {"__typename": "Product", "productId": "p2"},
        {"__typename": "Product", "id": identity},
        {"__typename": "Product", "id": "p6"},  # a gateway whose ids are the shop's own keys
        {"__typename": "Product", "productId": "no such product"},
    )
    assert [product and product["productId"] for product in found] == ["p2", "p4", "p6", None]
    assert found[0]["__typename"] == "Product"
    assert found[0]["title"] == "Tall mug 2"
    assert all(len(product["boughtTogether"]["edges"]) == 2 for product in found[:3])


def test_what_is_no_representation_is_an_error_in_its_place_alone(shop: Client) -> None:
    good = {"__typename": "Product", "productId": "p2"}
    wrong = [{"__typename": "User", "userId": "u1"}, {"__typename": "Product"}, "p2", {"productId": "p2"}]
    answer = shop.post(ENTITIES, r=[good, *wrong])
    assert [product and product["productId"] for product in answer["data"]["_entities"]] == ["p2"] + [None] * 4
    assert [error["path"] for error in answer["errors"]] == [["_entities", n] for n in range(1, 5)]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert answer["errors"][0]["extensions"]["field"] == "representations.1"


def test_too_many_representations_are_refused(shop: Client) -> None:
    (error,) = shop.post(ENTITIES, r=[{"__typename": "Product", "productId": "p2"}] * 1001)["errors"]
    assert error["extensions"]["field"] == "representations"

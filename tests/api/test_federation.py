"""The subgraph that a gateway composes, with Apollo's own composition."""

import os

import pytest
from graphql import build_schema, parse

from api.graphql.federation import KEYS, LEFT_TO_THE_SHOP, subgraph
from api.graphql.schema import build, committed_sdl
from tools.federation import Composed, MissingComposerError, composed

CATALOGUE = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
type Query { product(productId: String!): Product  products(first: Int): [Product!]!  node(id: ID!): Node }
type Mutation { upsertProducts(count: Int): Boolean }
interface Node { id: ID! }
type Money { cents: Int! }
type Category @key(fields: "slug") { slug: ID!  name: String! }
type Product implements Node @key(fields: "id") {
  id: ID!  title: String!  price: Money!  categories: [Category!]!  available: Int!
}
"""
"""A shop's own subgraph, written without a thought of Pathrec: the same names, other types, nothing shareable."""
BY_KEY = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"])
type Query { bestsellers: [Product!]! }
type Product @key(fields: "productId") { productId: String!  title: String! }
"""


def own() -> str:
    return subgraph(committed_sdl())


def together(**subgraphs: str) -> Composed:
    """What Apollo makes of them; a test without Node is skipped, or fails on CI."""
    try:
        return composed(subgraphs)
    except MissingComposerError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI composes the subgraph with others: {error}")
        pytest.skip(str(error))


@pytest.mark.parametrize("other", [CATALOGUE, BY_KEY])
def test_a_gateways_product_gets_recommendations_without_a_change_of_its_own_subgraph(other: str) -> None:
    found = together(shop=other, pathrec=own())
    assert found.errors == ()
    assert found.supergraph is not None
    product = build_schema(found.supergraph, assume_valid=True).type_map["Product"]
    fields = set(product.fields)
    assert {"title", "similar", "complements", "boughtTogether", "related"} <= fields


def test_the_schema_as_clients_read_it_would_not_go_together_with_that_subgraph() -> None:
    """What is left to the shop is left out for a reason."""
    plain = committed_sdl().replace(
        "type Product implements Node {", 'type Product implements Node @key(fields: "id") {'
    )
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key"])\n'
    errors = together(shop=CATALOGUE, pathrec=link + plain).errors
    assert any("Product.title" in error and "shareable" in error for error in errors)


def test_the_subgraph_stands_alone_too() -> None:
    assert together(pathrec=own()).errors == ()


def test_products_have_both_keys_and_nothing_that_the_catalogue_says() -> None:
    sdl = own()
    assert all(f'@key(fields: "{key}")' in sdl for key in KEYS)
    document = parse(sdl)
    fields = {
        f"{node.name.value}.{field.name.value}"
        for node in document.definitions
        if getattr(node, "name", None) is not None
        for field in getattr(node, "fields", ())
    }
    assert {"Product.id", "Product.productId", "Product.boughtTogether", "Query.recommendations"} <= fields
    left = {f"{kind}.{name}" for kind, names in LEFT_TO_THE_SHOP.items() for name in names}
    assert not left & fields
    assert {"Category", "Brand", "Money", "User", "Node"}.isdisjoint(name.split(".")[0] for name in fields)


def test_what_is_left_to_the_shop_is_there_to_be_left() -> None:
    plain = build_schema(committed_sdl())
    for kind, names in LEFT_TO_THE_SHOP.items():
        assert names <= set(plain.type_map[kind].fields)


def test_clients_do_not_read_what_gateways_alone_ask_and_the_server_answers_both() -> None:
    assert "_entities" not in committed_sdl()
    assert "_service" not in committed_sdl()
    executed = build().as_str()
    assert "_entities(representations: [_Any!]!): [_Entity]!" in executed
    assert "_service: _Service!" in executed
    assert "union _Entity = Product" in executed

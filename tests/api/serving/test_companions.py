"""What is bought with a product, what completes it, what the shop relates it to."""

import pytest
from served_shop import Client

RANKED = """
query($p: String!, $first: Int, $after: String, $filter: ProductFilter) { product(productId: $p) {
  boughtTogether(first: $first, after: $after) { ...list }
  complements(first: $first, filter: $filter) { ...list }
} }
fragment list on RecommendationConnection {
  restsOn strategy asOf modelVersion pageInfo { hasNextPage endCursor }
  edges { cursor rank score placement node { productId categories { categoryId } }
    explanation { score prior readableShare remainder { count value }
      contributions(first: 100) { kind relation value share text because { product { productId } }
        path { nodes { type keys count } } } } }
}
"""
RELATED = """query($p: String!, $r: String!, $first: Int, $after: String) { product(productId: $p) {
  related(relation: $r, first: $first, after: $after) {
    pageInfo { hasNextPage hasPreviousPage endCursor } totalCount asOf edges { node { productId title } } } } }"""


def ids(found: dict) -> list[str]:
    return [edge["node"]["productId"] for edge in found["edges"]]


def related(shop: Client, product: str, relation: str, **more: object) -> dict:
    return dict(shop.ask(RELATED, p=product, r=relation, **more)["product"]["related"])


@pytest.mark.parametrize("product", ["p1", "p8", "p30"])
def test_what_shares_baskets_is_ranked_by_its_paths_which_are_all_of_the_score(shop: Client, product: str) -> None:
    found = shop.ask(RANKED, p=product, first=20)["product"]["boughtTogether"]
    assert found["restsOn"] == ["SAME_BASKET"]
    assert found["edges"]
    assert product not in ids(found)
    assert all(int(other[1:]) % 2 == int(product[1:]) % 2 for other in ids(found))
    scores = [edge["score"] for edge in found["edges"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0
    for edge in found["edges"]:
        why = edge["explanation"]
        (part,) = why["contributions"]
        assert (part["kind"], part["relation"], part["share"]) == ("PATH", "SAME_BASKET", 1.0)
        assert part["because"]["product"]["productId"] == product
        assert [node["type"] for node in part["path"]["nodes"]] == ["Product", "Basket", "Product"]
        assert "basket" in part["text"]
        assert (why["prior"], why["remainder"]["value"], why["readableShare"]) == (0.0, 0.0, 1.0)
        assert part["value"] == pytest.approx(edge["score"])


def test_pages_of_what_is_bought_together_joined_are_the_whole_list(shop: Client) -> None:
    whole = shop.ask(RANKED, p="p2", first=100)["product"]["boughtTogether"]
    pages, after = [], None
    while True:
        page = shop.ask(RANKED, p="p2", first=3, after=after)["product"]["boughtTogether"]
        pages += page["edges"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [edge["node"]["productId"] for edge in pages] == ids(whole)
    assert [edge["rank"] for edge in pages] == list(range(1, len(pages) + 1))


def test_a_cursor_of_similar_products_continues_no_list_of_what_is_bought_together(shop: Client) -> None:
    similar = '{ product(productId: "p2") { similar(first: 2) { pageInfo { endCursor } } } }'
    cursor = shop.ask(similar)["product"]["similar"]["pageInfo"]["endCursor"]
    (error,) = shop.post(RANKED, p="p2", after=cursor)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "another list" in error["message"]


def test_what_the_shop_calls_complements_comes_first_there_and_back(shop: Client) -> None:
    found = shop.ask(RANKED, p="p4", first=20)["product"]["complements"]
    assert found["restsOn"] == ["COMPLEMENTS", "COMPLEMENTS_REVERSE"]
    assert ids(found) == ["p6"]
    (part,) = found["edges"][0]["explanation"]["contributions"]
    assert [node["keys"] for node in part["path"]["nodes"]] == [["p4"], ["p6"]]
    back = shop.ask(RANKED, p="p6", first=20)["product"]["complements"]
    assert ids(back) == ["p4"]
    assert back["edges"][0]["explanation"]["contributions"][0]["relation"] == "COMPLEMENTS_REVERSE"


def test_where_nothing_is_said_complements_are_bought_together_and_of_other_categories(shop: Client) -> None:
    """Lamps are bought with lamps alone, until one of them becomes a mug."""
    assert shop.ask(RANKED, p="p7", first=20)["product"]["complements"]["edges"] == []
    bought = ids(shop.ask(RANKED, p="p7", first=20)["product"]["boughtTogether"])
    moved = bought[0]
    try:
        shop.upsert({"productId": moved, "categories": [{"categoryId": "mug"}]})
        found = shop.ask(RANKED, p="p7", first=20)["product"]["complements"]
        assert found["restsOn"] == ["SAME_BASKET"]
        assert ids(found) == [moved]
        assert ids(shop.ask(RANKED, p="p7", first=20)["product"]["boughtTogether"]) == bought
        assert shop.ask(RANKED, p="p7", filter={"excludeProductIds": [moved]})["product"]["complements"]["edges"] == []
    finally:
        shop.upsert({"productId": moved, "categories": [{"categoryId": "lamp"}]})


def test_a_new_complement_counts_at_the_next_request_of_every_process(shop: Client, second: Client) -> None:
    shop.upsert({"productId": "p33", "relations": [{"relation": "COMPLEMENTS", "target": "p31", "weight": 2}]})
    for server in (shop, second):
        assert ids(server.ask(RANKED, p="p33")["product"]["complements"]) == ["p31"]
        assert ids(related(server, "p33", "COMPLEMENTS")) == ["p31"]


def test_a_product_that_nobody_bought_is_bought_with_nothing(shop: Client) -> None:
    shop.upsert({"productId": "untouched", "title": "Untouched", "categories": [{"categoryId": "mug"}]})
    found = shop.ask(RANKED, p="untouched")["product"]
    assert found["boughtTogether"]["edges"] == found["complements"]["edges"] == []
    assert found["boughtTogether"]["restsOn"] == []
    shop.ask('mutation { deleteProducts(productIds: ["untouched"]) { deletedProductIds } }')


def test_neighbours_by_a_relation_need_no_model(shop: Client) -> None:
    found = related(shop, "p4", "COMPLEMENTS")
    assert found["edges"] == [{"node": {"productId": "p6", "title": "Tall mug 6"}}]
    assert (found["totalCount"], found["asOf"]) == (None, None)
    assert ids(related(shop, "p6", "COMPLEMENTS_REVERSE")) == ["p4"]
    assert ids(related(shop, "p6", "COMPLEMENTS")) == []


def test_products_that_share_a_node_are_listed_page_by_page(shop: Client) -> None:
    whole = ids(related(shop, "p1", "MADE_BY", first=100))
    assert whole == sorted(f"p{n}" for n in range(40) if n % 4 // 2 == 0 and n != 1)
    pages, after = [], None
    for number in range(10):
        page = related(shop, "p1", "MADE_BY", first=7, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is bool(number)
        pages += ids(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages == whole


def test_a_relation_that_products_have_not_is_refused_with_those_they_have(shop: Client) -> None:
    for name in ("LIKES", "MADE_BY_REVERSE", "CHILD_OF", ""):
        (error,) = shop.post(RELATED, p="p1", r=name)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"]["field"] == "relation"
        assert "MADE_BY" in error["message"]


def test_a_cursor_of_one_products_neighbours_is_refused_for_another(shop: Client) -> None:
    cursor = related(shop, "p1", "MADE_BY", first=2)["pageInfo"]["endCursor"]
    (error,) = shop.post(RELATED, p="p4", r="MADE_BY", after=cursor)["errors"]
    assert error["extensions"]["field"] == "after"


def test_a_brand_is_found_by_its_keys(shop: Client) -> None:
    found = shop.ask('{ brand(brandId: "b1") { id brandId name } product(productId: "p2") { brand { id } } }')
    assert found["brand"]["name"] == "Brand 1"
    assert found["product"]["brand"]["id"] == found["brand"]["id"]
    query = "query($id: ID!) { node(id: $id) { __typename ... on Brand { brandId } } }"
    node = shop.ask(query, id=found["brand"]["id"])["node"]
    assert node == {"__typename": "Brand", "brandId": "b1"}
    assert shop.ask('{ brand(brandId: "?") { id } }') == {"brand": None}

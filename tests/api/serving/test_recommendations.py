import base64

import pytest
from served_shop import Client, event

ERRORS = "query($first: Int, $after: String) { recommendations(audience: {}, first: $first, after: $after) { asOf } }"


def bought(shop: Client, user: str) -> set[str]:
    """What includeBought brings back."""
    everything = set(shop.ids({"userId": user}, 100, filter={"includeBought": True}))
    return everything - set(shop.ids({"userId": user}, 100))


def test_a_known_user_gets_a_personal_list_best_first(shop: Client) -> None:
    answer = shop.recommend({"userId": "u0"})
    assert answer["strategy"] == "PERSONAL"
    assert [edge["rank"] for edge in answer["edges"]] == list(range(1, 11))
    scores = [edge["score"] for edge in answer["edges"]]
    assert scores == sorted(scores, reverse=True)
    assert all(edge["node"]["title"].split()[1] == "mug" for edge in answer["edges"])


def test_what_was_bought_stays_out_unless_asked_for(shop: Client) -> None:
    hidden = bought(shop, "u1")
    assert len(hidden) >= 4
    assert all(int(product[1:]) % 2 for product in hidden)


@pytest.mark.parametrize("user", ["nobody", "", "'; MATCH (n) DETACH DELETE n //", "x" * 5000])
def test_somebody_unknown_gets_what_most_like(shop: Client, user: str) -> None:
    answer = shop.recommend({"userId": user})
    assert answer["strategy"] == "POPULAR"
    assert len(answer["edges"]) == 10
    assert all(edge["score"] == edge["explanation"]["prior"] for edge in answer["edges"])


def test_products_that_are_named_make_a_cold_start_and_are_not_recommended_themselves(shop: Client) -> None:
    answer = shop.recommend({"productIds": ["p1", "p3", "no such product"]})
    assert answer["strategy"] == "COLD_START"
    ids = [edge["node"]["productId"] for edge in answer["edges"]]
    assert not {"p1", "p3"} & set(ids)
    assert all(int(product[1:]) % 2 for product in ids)
    because = answer["edges"][0]["explanation"]["contributions"][0]["because"]
    assert because["behaviour"] is None
    assert because["product"]["productId"] in ("p1", "p3")


def test_a_context_that_the_ontology_does_not_know_is_refused(shop: Client) -> None:
    query = 'query { recommendations(audience: {context: [{name: "planet", value: "Mars"}]}) { asOf } }'
    (error,) = shop.post(query)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "country" in error["message"]


def test_a_session_alone_makes_a_cold_start(shop: Client) -> None:
    shop.record(event("p1", "view", sessionId="session-a"), event("p3", "view", sessionId="session-a"))
    answer = shop.recommend({"sessionId": "session-a"})
    assert answer["strategy"] == "COLD_START"
    assert all(int(edge["node"]["productId"][1:]) % 2 for edge in answer["edges"])


def test_a_category_filter_reaches_the_categories_below(shop: Client) -> None:
    lamps = shop.ids({"userId": "u0"}, 100, filter={"categoryIds": ["lamp"]})
    assert lamps
    assert all(int(product[1:]) % 2 for product in lamps if product[1:].isdigit())
    below_home = shop.ids({"userId": "u0"}, 100, filter={"categoryIds": ["home"]})
    assert set(lamps) < set(below_home)


def test_an_unknown_category_is_named(shop: Client) -> None:
    query = '{ recommendations(audience: {}, filter: {categoryIds: ["lamp", "moon"]}) { asOf } }'
    error = shop.post(query)["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["field"] == "filter.categoryIds"
    assert "moon" in error["message"]


def test_price_range_and_exclusions_are_hard(shop: Client) -> None:
    ids = shop.ids({}, 100, filter={"price": {"min": 5, "max": 12.5}, "excludeProductIds": ["p6", "unknown"]})
    assert set(ids) == {"p4", "p5", "p7", "p8", "p9", "p10", "p11"}


def test_pages_joined_are_the_whole_list_even_while_events_arrive(shop: Client) -> None:
    audience = {"userId": "u2"}
    whole = shop.recommend(audience, 30)["edges"]
    pages, after = [], None
    for _ in range(3):
        page = shop.recommend(audience, 10, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        if after is None:
            as_of = page["asOf"]
        assert page["asOf"] == as_of
        pages += page["edges"]
        after = page["pageInfo"]["endCursor"]
        shop.record(event(whole[25]["node"]["productId"], "view", userId="u2"))
    assert [e["node"]["productId"] for e in pages] == [e["node"]["productId"] for e in whole]
    assert [e["rank"] for e in pages] == list(range(1, 31))


def test_the_last_page_says_so(shop: Client) -> None:
    page = shop.recommend({}, 100)
    assert page["pageInfo"]["hasNextPage"] is False
    beyond = shop.recommend({}, 100, after=page["pageInfo"]["endCursor"])
    assert beyond["edges"] == []
    assert beyond["pageInfo"]["endCursor"] is None


@pytest.mark.parametrize("first", [-1, 0, 101, 100000])
def test_a_page_size_out_of_bounds_is_refused_with_the_remedy(shop: Client, first: int) -> None:
    error = shop.post(ERRORS, first=first)["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["field"] == "first"
    assert "1 to 100" in error["message"]


def test_a_forged_cursor_is_refused(shop: Client) -> None:
    cursor = shop.recommend({}, 5)["pageInfo"]["endCursor"]
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[-4] ^= 1
    for forged in (base64.urlsafe_b64encode(raw).decode().rstrip("="), "YXJyYXljb25uZWN0aW9uOjU", "", "no cursor", "é"):
        error = shop.post(ERRORS, after=forged)["errors"][0]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", forged
        assert error["extensions"]["field"] == "after"


def test_a_cursor_continues_only_the_list_it_came_from(shop: Client) -> None:
    cursor = shop.recommend({"userId": "u0"}, 5)["pageInfo"]["endCursor"]
    error = shop.post(ERRORS, after=cursor)["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "another list" in error["message"]


def test_similar_products_resemble_and_leave_the_product_itself_out(shop: Client) -> None:
    query = """{ product(productId: "p4") { productId similar(first: 8) { strategy pageInfo { endCursor }
        edges { score node { productId }
            explanation { prior score remainder { value } contributions(first: 3) { value } } }
    } } }"""
    found = shop.ask(query)["product"]["similar"]
    ids = [edge["node"]["productId"] for edge in found["edges"]]
    assert "p4" not in ids
    assert all(int(product[1:]) % 2 == 0 for product in ids)
    for edge in found["edges"]:
        parts = edge["explanation"]
        values = [part["value"] for part in parts["contributions"]] + [parts["remainder"]["value"]]
        assert parts["prior"] == 0
        assert sum(values) == pytest.approx(edge["score"], abs=1e-5 * sum(map(abs, values)))


def test_every_object_is_found_again_by_its_global_id(shop: Client) -> None:
    found = shop.ask('{ product(productId: "p1") { id } user(userId: "u1") { id } category(categoryId: "mug") { id } }')
    query = (
        "query($id: ID!) { node(id: $id) { __typename id ... on Category { name parent { name children { name } } } } }"
    )
    for name in ("product", "user", "category"):
        node = shop.ask(query, id=found[name]["id"])["node"]
        assert node["__typename"].lower() == name
        assert node["id"] == found[name]["id"]
    assert node["parent"] == {"name": "Home", "children": [{"name": "Lamps"}, {"name": "Mugs"}]}


def test_what_does_not_exist_is_null(shop: Client) -> None:
    found = shop.ask('{ product(productId: "?") { id } user(userId: "?") { id } category(categoryId: "?") { id } }')
    assert found == {"product": None, "user": None, "category": None}
    unknown = base64.urlsafe_b64encode(b"Product:?").decode().rstrip("=")
    assert shop.ask("query($id: ID!) { node(id: $id) { id } }", id=unknown) == {"node": None}


def test_an_id_that_is_none_is_refused(shop: Client) -> None:
    error = shop.post('{ node(id: "%%%") { id } }')["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_product_shows_what_the_store_knows(shop: Client) -> None:
    query = """{ product(productId: "p2") { title description available price { amount currencyCode } image { url }
        categories { name } brand { brandId name } attributes { name value } } }"""
    assert shop.ask(query)["product"] == {
        "title": "Tall mug 2",
        "description": None,
        "available": True,
        "price": {"amount": 3.0, "currencyCode": "EUR"},
        "image": {"url": "/images/mug%202.png"},
        "categories": [{"name": "Mugs"}],
        "brand": {"brandId": "b1", "name": "Brand 1"},
        "attributes": [],
    }


def test_the_model_introduces_itself(shop: Client) -> None:
    model = shop.ask("{ model { version createdAt asOf changeNumber products behaviours terms metrics } }")["model"]
    assert model["version"] == shop.recommend({})["modelVersion"]
    assert "CO_BUYER" in model["terms"]
    assert "purchase" in model["behaviours"]

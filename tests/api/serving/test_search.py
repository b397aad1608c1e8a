"""Search over HTTP: words, meaning, filters, facets, the viewer's order, explanations and pages."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served_shop import EXPERT, PRODUCTS, Client, event, served_here

from api.settings import Settings
from graph.connection import Connection

SEARCH = """
query($words: String!, $audience: AudienceInput, $first: Int = 20, $after: String, $filter: ProductFilter) {
  search(query: $words, audience: $audience, first: $first, after: $after, filter: $filter) {
    query queryWasCut lexicalOnly withoutText totalCount strategy asOf modelVersion recommendationId
    pageInfo { endCursor hasNextPage hasPreviousPage }
    facets {
      categories { count category { categoryId name } } brands { count brand { brandId name } }
      prices { min max count } availability { available unavailable }
    }
    edges {
      rank score placement rule node { productId title } %s
    }
  }
}
"""
EXPLAINED = "explanation { score prior remainder { value } contributions(first: 100) { kind value text } }"
PLURAL = {"category": "categories", "brand": "brands"}
SCRIPTS = {
    "zh": "红色陶瓷马克杯",
    "ja": "赤いマグカップ セット",
    "ar": "الكوب الأحمر الكبير",
}


def search(shop: Client, query: str, edge: str = "", **more: Any) -> dict[str, Any]:
    return dict(shop.ask(SEARCH % edge, words=query, **more)["search"])


def liked(shop: Client, audience: dict[str, Any], **condition: Any) -> list[str]:
    """What the viewer likes, best first, what was bought included."""
    query = """query($audience: AudienceInput!, $filter: ProductFilter) {
        recommendations(audience: $audience, filter: $filter, first: 100) { edges { node { productId } } } }"""
    found = shop.ask(query, audience=audience, filter={"includeBought": True, **condition})
    return [edge["node"]["productId"] for edge in found["recommendations"]["edges"]]


def ids(answer: dict[str, Any]) -> list[str]:
    return [edge["node"]["productId"] for edge in answer["edges"]]


def counts(answer: dict[str, Any], facet: str, key: str) -> dict[str, int]:
    return {found[facet][key]: found["count"] for found in answer["facets"][PLURAL[facet]]}


def delete(shop: Client, *products: str) -> None:
    mutation = "mutation($ids: [String!]!) { deleteProducts(productIds: $ids) { userErrors { code } } }"
    shop.ask(mutation, ids=list(products))


@pytest.fixture(scope="module")
def served(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server of a shop of its own in this process, once its encoder is ready."""
    home = Path(shutil.copytree(untouched, tmp_path_factory.mktemp("searched") / "home"))
    with served_here(Settings(home=home)) as client:
        deadline = time.monotonic() + 120
        while client.http.get(f"{client.url}/readyz").json()["encoder"]["status"] != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield client


@pytest.fixture(scope="module")
def wordless(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server in this process whose encoder cannot be opened."""
    folder = tmp_path_factory.mktemp("wordless")
    home = Path(shutil.copytree(untouched, folder / "home"))
    with served_here(Settings(home=home, text_model=str(folder / "none"))) as client:
        yield client


def test_products_that_have_the_words_come_first(served: Client) -> None:
    answer = search(served, "red MUGS")
    assert answer["query"] == "red mugs"
    assert (answer["queryWasCut"], answer["lexicalOnly"], answer["withoutText"]) == (False, False, False)
    assert [edge["rank"] for edge in answer["edges"]] == list(range(1, len(answer["edges"]) + 1))
    with_both = sum(n % 4 == 0 for n in range(PRODUCTS))
    titles = [edge["node"]["title"] for edge in answer["edges"][:with_both]]
    assert all(title.startswith("Red mug") for title in titles)


def test_what_the_words_mean_is_found_without_them(served: Client) -> None:
    answer = search(served, "coffee cup", first=10)
    assert not answer["lexicalOnly"]
    assert sum("mug" in edge["node"]["title"] for edge in answer["edges"]) >= 8


@pytest.mark.parametrize("query", ["qwrtzpl xk", "zxqv", "hjkw vvbn"])
def test_words_that_mean_nothing_find_nothing(served: Client, query: str) -> None:
    answer = search(served, query)
    assert not answer["lexicalOnly"]
    assert (answer["totalCount"], answer["edges"]) == (0, [])


@pytest.mark.parametrize("query", ["mugs", "cup", "coffee mug", "table light", "bedside lamps"])
def test_few_words_that_mean_something_find_it(served: Client, query: str) -> None:
    assert search(served, query)["totalCount"] > 0


@pytest.mark.parametrize(("query", "key"), [("红色杯子", "zh"), ("赤いマグカップ", "ja"), ("كوب أحمر", "ar")])
def test_titles_in_other_scripts_are_found_beside_what_words_mean(served: Client, query: str, key: str) -> None:
    served.upsert(*({"productId": name, "title": title} for name, title in SCRIPTS.items()))
    try:
        assert ids(search(served, query))[0] == key
    finally:
        delete(served, *SCRIPTS)


def test_words_of_several_products_are_found_where_none_has_them_all(wordless: Client) -> None:
    answer = search(wordless, "mug kettle", first=100)
    assert answer["totalCount"] == PRODUCTS / 2
    assert search(wordless, "kettle")["totalCount"] == 0


def test_a_category_or_a_brand_is_found_by_its_name(wordless: Client) -> None:
    assert search(wordless, "home")["totalCount"] == PRODUCTS
    answer = search(wordless, "brand 1", first=100)
    assert {int(key[1:]) % 4 // 2 for key in ids(answer)} == {1}


def test_without_the_encoder_the_words_alone_are_looked_up_and_the_answer_says_so(wordless: Client) -> None:
    answer = search(wordless, "red mug", first=100)
    assert answer["lexicalOnly"]
    assert {edge["node"]["title"].rsplit(" ", 1)[0] for edge in answer["edges"]} == {"Red mug"}
    assert not search(wordless, "")["lexicalOnly"]


@pytest.mark.parametrize(
    ("query", "key"),
    [("陶瓷", "zh"), ("马克杯", "zh"), ("杯", "zh"), ("マグ", "ja"), ("セット", "ja"), ("كوب", "ar"), ("أحمر", "ar")],
)
def test_chinese_japanese_and_arabic_titles_are_found(wordless: Client, query: str, key: str) -> None:
    if not search(wordless, SCRIPTS[key])["totalCount"]:
        wordless.upsert(*({"productId": name, "title": title} for name, title in SCRIPTS.items()))
    assert ids(search(wordless, query)) == [key]


def test_the_score_of_a_hit_is_the_viewers_own_and_what_relevance_puts_on_it(served: Client) -> None:
    audience = {"userId": "u0"}
    for edge in search(served, "blue mug", EXPLAINED, audience=audience)["edges"]:
        parts = edge["explanation"]
        values = [part["value"] for part in parts["contributions"]] + [parts["remainder"]["value"], parts["prior"]]
        assert parts["score"] == edge["score"]
        assert sum(values) == pytest.approx(edge["score"], abs=1e-5 * sum(map(abs, values)))
        (relevance,) = [part for part in parts["contributions"] if part["kind"] == "RELEVANCE"]
        assert relevance["value"] > 0
        assert relevance["text"] == "This fits what you search for."


def test_among_products_that_fit_alike_the_viewers_order_decides(wordless: Client) -> None:
    for audience in ({"userId": "u0"}, {"userId": "u1"}, {}):
        answer = search(wordless, "red", audience=audience, first=100)
        assert ids(answer) == [key for key in liked(wordless, audience) if key in set(ids(answer))]
        assert len(ids(answer)) == PRODUCTS / 4


def test_what_fits_much_better_comes_first_whatever_the_viewer_likes(served: Client) -> None:
    lamps = [edge["node"]["title"] for edge in search(served, "lamp", audience={"userId": "u0"}, first=20)["edges"]]
    assert all("lamp" in title for title in lamps)  # somebody who buys mugs


@pytest.mark.parametrize("query", ["red mug", "coffee cup", ""])
def test_filters_are_hard_for_words_and_for_what_they_mean(served: Client, query: str) -> None:
    condition = {"categoryIds": ["lamp"], "price": {"min": 5, "max": 30}, "excludeProductIds": ["p9"]}
    answer = search(served, query, filter=condition, first=100)
    assert answer["edges"]
    for key in ids(answer):
        number = int(key[1:])
        assert number % 2
        assert 4 <= number <= 29
        assert number != 9


def test_a_filter_leaves_as_many_as_there_are(served: Client) -> None:
    found = search(served, "coffee cup", filter={"price": {"min": 39}, "categoryIds": ["lamp"]})
    assert ids(found) == ["p39"]  # the nearest of what may be shown, however far


def test_what_the_shop_blocks_is_not_found(wordless: Client) -> None:
    block = 'mutation { upsertRule(rule: {ruleId: "r", kind: BLOCK, productIds: ["p0"]}) { userErrors { message } } }'
    assert wordless.ask(block, EXPERT)["upsertRule"]["userErrors"] == []
    assert "p0" not in ids(search(wordless, "red mug", first=100))
    wordless.ask('mutation { deleteRule(ruleId: "r") { userErrors { message } } }', EXPERT)
    assert "p0" in ids(search(wordless, "red mug", first=100))


@pytest.fixture
def pin(wordless: Client) -> Iterator[Callable[..., None]]:
    """Writes a rule that pins, which is gone after the test."""
    write = "mutation($rule: RuleInput!) { upsertRule(rule: $rule) { userErrors { message } } }"

    def one(**rule: Any) -> None:
        found = wordless.ask(write, EXPERT, rule={"ruleId": "pin", "kind": "PIN", **rule})
        assert found["upsertRule"]["userErrors"] == []

    yield one
    wordless.ask('mutation { deleteRule(ruleId: "pin") { userErrors { message } } }', EXPERT)


def test_what_is_pinned_is_at_its_place_where_its_words_are_found(wordless: Client, pin: Callable[..., None]) -> None:
    before = ids(search(wordless, "red", first=100))
    pin(position=2, productIds=[before[-1], "p1"])
    found = search(wordless, "red", first=100)["edges"]
    assert [edge["node"]["productId"] for edge in found] == [before[0], before[-1], *before[1:-1]]
    assert [edge["rank"] for edge in found] == list(range(1, len(before) + 1))
    assert [(edge["placement"], edge["rule"]) for edge in found[:3]] == [
        ("SCORE", None),
        ("RULE", "pin"),
        ("SCORE", None),
    ]
    assert before[-1] not in ids(search(wordless, "lamp", first=100))


def test_pages_of_a_search_with_a_pin_joined_are_the_whole_list(wordless: Client, pin: Callable[..., None]) -> None:
    pin(position=5, productIds=[ids(search(wordless, "mug", first=100))[15]])
    whole = search(wordless, "mug", first=12)["edges"]
    pages, after = [], None
    for _ in range(3):
        page = search(wordless, "mug", first=4, after=after)
        pages += page["edges"]
        after = page["pageInfo"]["endCursor"]
    assert pages == whole


def test_a_search_whose_pin_was_changed_begins_anew(wordless: Client, pin: Callable[..., None]) -> None:
    pin(position=1, productIds=["p8"])
    cursor = search(wordless, "mug", first=2)["pageInfo"]["endCursor"]
    pin(position=3, productIds=["p8"])
    (error,) = wordless.post(SEARCH % "", words="mug", after=cursor)["errors"]
    assert error["extensions"]["code"] == "CURSOR_EXPIRED"


def test_what_is_pinned_and_only_meant_stays_where_it_is(served: Client) -> None:
    write = """mutation { upsertRule(rule: {ruleId: "pin", kind: PIN, position: 1, categoryIds: ["home"]}) {
        userErrors { message } } }"""
    before = ids(search(served, "coffee cup"))
    served.ask(write, EXPERT)
    assert ids(search(served, "coffee cup")) == before
    served.ask('mutation { deleteRule(ruleId: "pin") { userErrors { message } } }', EXPERT)


def test_what_was_bought_is_found(wordless: Client) -> None:
    audience = {"userId": "u0"}
    bought = set(liked(wordless, audience)) - set(liked(wordless, audience, includeBought=False))
    assert bought
    assert bought <= set(ids(search(wordless, "mug", audience=audience, first=100)))


def test_facets_count_everything_that_was_found_and_filters_give_as_many(wordless: Client) -> None:
    answer = search(wordless, "blue", first=3)
    assert answer["totalCount"] == PRODUCTS / 4
    assert counts(answer, "category", "categoryId") == {"home": 10, "lamp": 10}
    assert counts(answer, "brand", "brandId") == {"b0": 10}
    assert answer["facets"]["brands"][0]["brand"]["name"] == "Brand 0"
    prices = answer["facets"]["prices"]
    assert sum(part["count"] for part in prices) == answer["totalCount"]
    for part in prices:
        filtered = search(wordless, "blue", filter={"price": {"min": part["min"], "max": part["max"]}})
        assert filtered["totalCount"] == part["count"]


def test_what_cannot_be_had_does_not_show_and_is_counted(wordless: Client) -> None:
    wordless.upsert({"productId": "out", "title": "Turquoise vase", "available": False})
    wordless.upsert({"productId": "in", "title": "Turquoise bowl"})
    answer = search(wordless, "turquoise")
    assert ids(answer) == ["in"]
    gone = search(wordless, "turquoise", filter={"available": False})
    assert ids(gone) == ["out"]
    for found in (answer, gone):
        assert found["facets"]["availability"] == {"available": 1, "unavailable": 1}
    delete(wordless, "in", "out")


def test_an_empty_query_gives_what_the_viewer_likes_under_the_filter(wordless: Client) -> None:
    condition = {"categoryIds": ["lamp"], "includeBought": True}
    for query in ("", "  \n", "?!…", '+-&&||!(){}[]^"~*?:\\/'):
        answer = search(wordless, query, EXPLAINED, audience={"userId": "u0"}, filter=condition)
        assert ids(answer) == liked(wordless, {"userId": "u0"}, **condition)[:20]
        assert answer["totalCount"] == PRODUCTS / 2
        assert not [p for e in answer["edges"] for p in e["explanation"]["contributions"] if p["kind"] == "RELEVANCE"]


@pytest.mark.parametrize(
    "query",
    ["a", "x" * 10_000, "杯" * 10_000, "🎁🎉", "mug AND", "(mug", "title:mug", "mug*", "\\", '"', "ﷺ" * 300],
)
def test_whatever_is_asked_is_answered(served: Client, query: str) -> None:
    answer = search(served, query, first=5)
    assert answer["queryWasCut"] == (len(query) > 200)
    assert len(answer["query"]) <= 200
    if query in ("mug AND", "(mug", "title:mug"):
        assert "mug" in answer["edges"][0]["node"]["title"]


def test_pages_joined_are_the_whole_list_even_while_events_arrive(served: Client) -> None:
    audience = {"userId": "u4"}
    whole = search(served, "mug", audience=audience, first=15)
    first = search(served, "mug", audience=audience, first=5)
    pages, after = list(first["edges"]), first["pageInfo"]["endCursor"]
    for _ in range(2):
        served.record(event(ids(whole)[12], "view", userId="u4"))
        page = search(served, "mug", audience=audience, first=5, after=after)
        assert (page["asOf"], page["pageInfo"]["hasPreviousPage"]) == (first["asOf"], True)
        pages += page["edges"]
        after = page["pageInfo"]["endCursor"]
    assert [edge["node"]["productId"] for edge in pages] == ids(whole)
    assert [edge["rank"] for edge in pages] == list(range(1, 16))


def test_a_page_goes_on_where_its_last_product_is_gone(wordless: Client) -> None:
    wordless.upsert(*({"productId": f"n{n}", "title": "Violet jug"} for n in range(4)))
    whole = ids(search(wordless, "violet"))
    page = search(wordless, "violet", first=2)
    delete(wordless, whole[1])
    rest = search(wordless, "violet", after=page["pageInfo"]["endCursor"])
    assert ids(rest) == whole[2:]
    delete(wordless, *whole)


@pytest.mark.parametrize(
    "other", [{"words": "lamp"}, {"filter": {"price": {"max": 3}}}, {"audience": {"userId": "u1"}}]
)
def test_a_cursor_continues_only_the_search_it_came_from(wordless: Client, other: dict[str, Any]) -> None:
    cursor = search(wordless, "mug", first=2)["pageInfo"]["endCursor"]
    (error,) = wordless.post(SEARCH % "", **{"words": "mug", "after": cursor, **other})["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "another list" in error["message"]


def test_the_last_page_says_so(wordless: Client) -> None:
    answer = search(wordless, "red", first=10)
    assert not answer["pageInfo"]["hasNextPage"]
    assert search(wordless, "red", first=10, after=answer["pageInfo"]["endCursor"])["edges"] == []


def test_new_changed_and_deleted_products_count_at_the_next_request_of_every_process(
    shop: Client, second: Client
) -> None:
    shop.upsert({"productId": "jug", "title": "Copper jug", "categories": [{"categoryId": "jugs", "name": "Ewers"}]})
    for server in (shop, second):
        assert ids(search(server, "copper jug", first=1)) == ["jug"]
        assert ids(search(server, "ewers", first=1)) == ["jug"]
    second.upsert({"productId": "jug", "title": "Pewter tankard"})
    for server in (shop, second):
        assert ids(search(server, "tankard", first=1)) == ["jug"]
    delete(second, "jug")
    for server in (shop, second):
        assert "jug" not in ids(search(server, "pewter tankard", first=100))


@pytest.mark.parametrize(("query", "most"), [("red mug", 2), ("mug kettle", 3), ("", 1)])
def test_the_store_is_asked_as_often_however_much_is_found(
    wordless: Client, monkeypatch: pytest.MonkeyPatch, query: str, most: int
) -> None:
    """Once for the viewer, once or twice for the words; once more each for the cards and the brands' names."""
    asked: list[int] = []
    attempt = Connection._attempt

    def counted(self: Connection, *arguments: Any) -> Any:
        asked.append(1)
        return attempt(self, *arguments)

    def times(edges: str, first: int) -> int:
        """Fewest of three, since what is met meanwhile is read once a minute."""
        found = []
        for _ in range(3):
            asked.clear()
            wordless.ask(
                f"query($q: String!, $n: Int) {{ search(query: $q, first: $n) {{ {edges} }} }}", q=query, n=first
            )
            found.append(len(asked))
        return min(found)

    monkeypatch.setattr(Connection, "_attempt", counted)
    bare, full = "edges { rank score }", "edges { node { title } } facets { brands { brand { name } } }"
    assert times(bare, 1) == times(bare, 100) == most
    assert times(full, 2) <= most + 2
    assert times(full, 50) <= most + 2

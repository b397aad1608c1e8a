"""Viewers of whom nothing is known but what they say: interests and words, asked over HTTP."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_shop import EXPERT, Client, event, served_here

from api.settings import Settings
from graph import Query, Store, connect

ASK = """
query($audience: AudienceInput!, $first: Int = 20, $after: String, $filter: ProductFilter) {
  recommendations(audience: $audience, first: $first, after: $after, filter: $filter) {
    strategy asOf modelVersion withoutText pageInfo { endCursor hasNextPage }
    edges { rank score node { productId } explanation { ...parts } }
  }
}
fragment parts on Explanation {
  score prior readableShare withoutText remainder { count value }
  contributions(first: 100) {
    kind relation value share text words
    because { behaviour product { productId } }
    interest { relation type nodeId name weight }
    path { cypher nodes { id type keys names count } }
  }
}
"""
EXPLAIN = """
query($audience: AudienceInput!, $product: String!, $asOf: DateTime) {
  explain(audience: $audience, productId: $product, asOf: $asOf) {
    score prior withoutText remainder { value } contributions(first: 100) { kind value words interest { nodeId } }
    counterfactual { minimal newRank words items { product { productId } } interests { nodeId name } }
  }
}
"""
LAMPS = {"categoryId": "lamp"}


def ask(shop: Client, audience: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(shop.ask(ASK, audience=audience, **more)["recommendations"])


def refused(shop: Client, audience: dict[str, Any]) -> dict[str, Any]:
    (error,) = shop.post(ASK, audience=audience)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["remedy"]
    return dict(error)


def check_sums(answer: dict[str, Any]) -> None:
    for edge in answer["edges"]:
        parts = edge["explanation"]
        values = [part["value"] for part in parts["contributions"]] + [parts["remainder"]["value"], parts["prior"]]
        assert sum(values) == pytest.approx(edge["score"], abs=1e-5 * sum(map(abs, values)))


@pytest.fixture(scope="module")
def reading(shop: Client) -> Client:
    """The shop, once its encoder is ready."""
    deadline = time.monotonic() + 120
    while shop.http.get(f"{shop.url}/readyz").json()["encoder"]["status"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return shop


def test_somebody_who_likes_a_category_much_gets_it_first(shop: Client) -> None:
    answer = ask(shop, {"interests": [{**LAMPS, "weight": 10}]}, first=10)
    assert answer["strategy"] == "COLD_START"
    assert all(int(edge["node"]["productId"][1:]) % 2 for edge in answer["edges"])
    check_sums(answer)


def test_a_reason_says_what_is_liked(shop: Client) -> None:
    edge = ask(shop, {"interests": [{"brandId": "b1", "weight": 2.5}]}, first=1)["edges"][0]
    (part,) = edge["explanation"]["contributions"]
    assert part["text"] == "Because you like Brand 1."
    assert (part["kind"], part["relation"], part["because"], part["words"]) == ("PATH", "MADE_BY", None, None)
    assert part["interest"] == {
        "relation": "MADE_BY",
        "type": "Brand",
        "nodeId": "b1",
        "name": "Brand 1",
        "weight": 2.5,
    }
    assert [node["type"] for node in part["path"]["nodes"]] == ["Brand", "Product"]
    assert part["path"]["cypher"] is None
    assert edge["explanation"]["readableShare"] == 1.0


def test_a_category_reaches_what_is_below_it_and_the_path_shows_how(shop: Client) -> None:
    answer = ask(shop, {"interests": [{"categoryId": "home"}]}, first=5)
    for edge in answer["edges"]:
        (part,) = edge["explanation"]["contributions"]
        kind = ("Mugs", "Lamps")[int(edge["node"]["productId"][1:]) % 2]
        assert part["text"] == f"Because you like Home, which includes {kind}."
        assert [node["names"][0] for node in part["path"]["nodes"][:2]] == ["Home", kind]


@pytest.mark.parametrize("interest", [{"categoryId": "home"}, LAMPS, {"brandId": "b1"}])
def test_an_expert_gets_the_query_of_the_path(shop: Client, home: Path, interest: dict[str, Any]) -> None:
    edge = shop.ask(ASK, EXPERT, audience={"interests": [interest]}, first=1)["recommendations"]["edges"][0]
    (part,) = edge["explanation"]["contributions"]
    nodes = part["path"]["nodes"]
    with connect(f"embedded:{home / 'graph'}") as store:
        rows = store.read(Query(part["path"]["cypher"]))
    assert [row["middle"] for row in rows] == nodes[-2]["keys"]


def test_more_weight_lifts_more_and_any_relation_can_be_named(shop: Client) -> None:
    once, twice = (
        {
            edge["node"]["productId"]: edge["score"] - edge["explanation"]["prior"]
            for edge in ask(shop, {"interests": [interest]})["edges"]
        }
        for interest in (LAMPS, {"relation": "IN_CATEGORY", "nodeId": "lamp", "weight": 2})
    )
    assert len(once) == 20
    for product in once.keys() & twice.keys():
        assert twice[product] == pytest.approx(2 * once[product], rel=1e-3)


def test_interests_add_to_a_history_and_to_products_that_are_named(shop: Client) -> None:
    shop.record(event("p0", "view", userId="telling"))
    audience = {"userId": "telling", "productIds": ["p2"], "interests": [LAMPS, {"brandId": "b0"}]}
    answer = ask(shop, audience, first=100)
    assert answer["strategy"] == "PERSONAL"
    check_sums(answer)
    parts = [part for edge in answer["edges"] for part in edge["explanation"]["contributions"]]
    assert all([part["because"], part["interest"], part["words"]].count(None) == 2 for part in parts)
    assert {part["because"]["product"]["productId"] for part in parts if part["because"]} == {"p0", "p2"}
    assert {part["interest"]["nodeId"] for part in parts if part["interest"]} == {"lamp", "b0"}


def test_words_lift_what_they_describe(reading: Client) -> None:
    answer = ask(reading, {"text": "a bright lamp"}, first=40)
    assert (answer["strategy"], answer["withoutText"]) == ("COLD_START", False)
    check_sums(answer)
    lifts: dict[int, list[float]] = {0: [], 1: []}
    for edge in answer["edges"]:
        if edge["node"]["productId"][1:].isdigit():
            kind = int(edge["node"]["productId"][1:]) % 2
            lifts[kind].append(edge["score"] - edge["explanation"]["prior"])
    assert min(lifts[1]) > max(lifts[0])


def test_a_reason_says_that_it_is_the_words(reading: Client) -> None:
    parts = ask(reading, {"text": " a bright lamp "}, first=1)["edges"][0]["explanation"]["contributions"]
    assert {part["kind"] for part in parts} <= {"TEXT", "LATENT", "IMAGE"}
    assert all(part["words"] == "a bright lamp" and part["path"] is None for part in parts)
    text = next(part for part in parts if part["kind"] == "TEXT")
    assert text["value"] > 0
    assert text["text"] == "Your words resemble its description."


def test_pages_of_words_and_interests_are_the_whole_list(reading: Client) -> None:
    audience = {"text": "red mug", "interests": [{"brandId": "b1"}]}
    whole = [edge["node"]["productId"] for edge in ask(reading, audience, first=12)["edges"]]
    first = ask(reading, audience, first=6)
    second = ask(reading, audience, first=6, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["productId"] for edge in first["edges"] + second["edges"]] == whole
    other = reading.post(ASK, audience={"text": "blue mug"}, after=first["pageInfo"]["endCursor"])["errors"][0]
    assert "another list" in other["message"]


def test_filters_hold_for_what_is_liked_as_well(shop: Client) -> None:
    found = ask(shop, {"interests": [LAMPS]}, filter={"price": {"max": 10}})["edges"]
    assert found
    assert all(int(edge["node"]["productId"][1:]) < 10 for edge in found)


def test_explain_tells_the_score_of_the_list(reading: Client) -> None:
    audience = {"text": "blue lamp", "interests": [LAMPS]}
    answer = ask(reading, audience, first=3)
    for edge in answer["edges"]:
        product = edge["node"]["productId"]
        found = reading.ask(EXPLAIN, audience=audience, product=product, asOf=answer["asOf"])["explain"]
        assert found["score"] == pytest.approx(edge["score"])
        assert {part["words"] for part in found["contributions"]} == {"blue lamp", None}


def test_without_what_is_liked_a_product_would_leave_the_list(shop: Client) -> None:
    plain = shop.ids({}, 20)
    lamps = ask(shop, {"interests": [{**LAMPS, "weight": 10}]})["edges"]
    lifted = next(edge for edge in lamps if edge["node"]["productId"] not in plain)
    product = lifted["node"]["productId"]
    audience = {"interests": [{**LAMPS, "weight": 10}]}
    found = shop.ask(EXPLAIN, audience=audience, product=product)["explain"]["counterfactual"]
    assert found["minimal"]
    assert found["interests"] == [{"nodeId": "lamp", "name": "Lamps"}]
    assert (found["items"], found["words"]) == ([], None)
    assert found["newRank"] == shop.ids({}, 40).index(product) + 1


@pytest.mark.parametrize("text", ["", "   \n", "🎁🎉", "?!…"])
def test_words_that_say_nothing_change_nothing(shop: Client, text: str) -> None:
    answer = ask(shop, {"text": text}, first=5)
    assert (answer["strategy"], answer["withoutText"]) == ("POPULAR", False)


@pytest.mark.parametrize("text", ["陶瓷 杯子", "лампа", "🎁 mug", "x" * 2_000, "'; MATCH (n) DETACH DELETE n //"])
def test_words_of_any_kind_are_answered(reading: Client, text: str) -> None:
    answer = ask(reading, {"text": text}, first=5)
    assert answer["strategy"] == "COLD_START"
    check_sums(answer)


def liked(shop: Client, interest: dict[str, Any]) -> dict[str, list[str | None]]:
    """Products that are shown for what somebody likes, and why."""
    edges = ask(shop, {"interests": [{**interest, "weight": 10}]}, first=60)["edges"]
    reasons = {
        edge["node"]["productId"]: [part["text"] for part in edge["explanation"]["contributions"]] for edge in edges
    }
    return {product: texts for product, texts in reasons.items() if texts}


@pytest.mark.usefixtures("in_one_minute")
def test_what_is_new_in_the_shop_can_be_liked_at_once(shop: Client) -> None:
    category = {"productId": "p1", "categories": [{"categoryId": "lamp"}]}
    shop.upsert({**category, "relations": [{"relation": "HAS_FEATURE", "target": "red", "targetName": "Red"}]})
    shop.upsert({"productId": "lonely", "title": "Lonely", "brand": {"brandId": "b9", "name": "Brand 9"}})
    # How popular others are by now depends on the tests before, so that the first place is not asked for.
    assert liked(shop, {"brandId": "b9"}) == {"lonely": ["Because you like Brand 9."]}
    assert liked(shop, {"featureId": "red"}) == {"p1": ["Because you like Red."]}
    shop.ask('mutation { deleteProducts(productIds: ["lonely"]) { deletedProductIds } }')
    assert shop.ids({"interests": [{"brandId": "b9"}]}, 20) == shop.ids({}, 20)


@pytest.mark.parametrize(
    ("interest", "field", "says"),
    [
        ({"categoryId": "moon"}, "audience.interests.1", "moon"),
        ({"brandId": "b77"}, "audience.interests.1", "b77"),
        ({"relation": "MADE_FROM", "nodeId": "x"}, "audience.interests.1.relation", "MADE_BY"),
        ({"relation": "COMPLEMENTS", "nodeId": "p1"}, "audience.interests.1.relation", "COMPLEMENTS"),
        ({}, "audience.interests.1", "one thing"),
        ({"brandId": "b0", "categoryId": "lamp"}, "audience.interests.1", "one thing"),
        ({"relation": "MADE_BY"}, "audience.interests.1", "one thing"),
        ({"categoryId": "lamp", "nodeId": "b0"}, "audience.interests.1", "one thing"),
        ({"brandId": "b0", "weight": 0}, "audience.interests.1.weight", "above 0"),
        ({"brandId": "b0", "weight": -1}, "audience.interests.1.weight", "above 0"),
        ({"brandId": "b0", "weight": 1e300}, "audience.interests.1.weight", "at most 10"),
    ],
)
def test_an_interest_that_cannot_be_is_refused(shop: Client, interest: dict[str, Any], field: str, says: str) -> None:
    error = refused(shop, {"interests": [LAMPS, interest]})
    assert error["extensions"]["field"] == field
    assert says in error["message"]


def test_there_are_limits(shop: Client) -> None:
    assert refused(shop, {"interests": [LAMPS] * 51})["extensions"]["field"] == "audience.interests"
    assert ask(shop, {"interests": [LAMPS] * 50}, first=1)["edges"]
    assert refused(shop, {"text": "x" * 2_001})["extensions"]["field"] == "audience.text"


@pytest.fixture
def wordless(untouched: Path, apart: Store, tmp_path: Path) -> Iterator[Client]:
    """A server whose encoder cannot be opened."""
    shutil.copytree(untouched / "models", tmp_path / "models")
    with served_here(Settings(home=tmp_path, store=apart.url, text_model=str(tmp_path / "none"))) as client:
        yield client


def test_without_the_encoder_the_rest_is_answered_and_the_answer_says_so(wordless: Client) -> None:
    answer = ask(wordless, {"text": "a lamp", "interests": [LAMPS]}, first=3)
    assert (answer["strategy"], answer["withoutText"]) == ("COLD_START", True)
    check_sums(answer)
    assert all(edge["explanation"]["withoutText"] for edge in answer["edges"])
    assert ask(wordless, {"text": "a lamp"}, first=3)["strategy"] == "POPULAR"
    assert not ask(wordless, {"interests": [LAMPS]}, first=3)["withoutText"]

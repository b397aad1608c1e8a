"""What changes counts at the next request, in every process."""

import os
import shutil
from pathlib import Path

import pytest
from served_shop import Client, event, renamed, within

from api import pipeline, registry
from api.services import live
from api.services.live import LiveModel
from gnn.artifact import MANIFEST, Artifact, load_artifact
from graph import Store, connect
from schema.ontology import parse_ontology
from schema.pseudonym import pseudonym

DELETE_USER = "mutation($id: String!) { deleteUser(userId: $id) { deletedUserId userErrors { code field message } } }"
DELETE_PRODUCTS = (
    "mutation($ids: [String!]!) { deleteProducts(productIds: $ids) { deletedProductIds userErrors { code } } }"
)


def test_an_event_counts_at_the_next_request_of_every_process(shop: Client, second: Client) -> None:
    audience = {"userId": "newcomer"}
    assert shop.recommend(audience)["strategy"] == "POPULAR"
    shop.record(event("p3", userId="newcomer"))
    for server in (shop, second):
        answer = server.recommend(audience)
        assert answer["strategy"] == "PERSONAL"
        assert "p3" not in [edge["node"]["productId"] for edge in answer["edges"]]
        assert all("lamp" in edge["node"]["title"] for edge in answer["edges"][:5])


def test_two_processes_give_the_same_answer_and_read_each_others_cursors(shop: Client, second: Client) -> None:
    one, other = shop.recommend({"userId": "u6"}, 10), second.recommend({"userId": "u6"}, 10)
    assert one["modelVersion"] == other["modelVersion"]
    assert [e["node"] for e in one["edges"]] == [e["node"] for e in other["edges"]]
    scores = [[e["score"] for e in answer["edges"]] for answer in (one, other)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-6)
    following = second.recommend({"userId": "u6"}, 10, after=one["pageInfo"]["endCursor"])
    assert following["edges"][0]["rank"] == 11
    assert following["asOf"] == one["asOf"]


def test_an_event_is_recorded_once_and_mistakes_are_told_one_by_one(shop: Client) -> None:
    good = event("p1", userId="careful")
    receipt = shop.record(
        good,
        event("no such product", userId="careful"),
        event("p1", "teleport", userId="careful"),
        event("p1"),
        event("p1", userId="careful", time="2999-01-01T00:00:00Z"),
        good,
    )
    assert receipt["accepted"] == [good["eventId"]]
    assert receipt["duplicates"] == [good["eventId"]]
    assert [(r["index"], r["code"]) for r in receipt["rejected"]] == [
        (1, "NOT_FOUND"),
        (2, "BAD_USER_INPUT"),
        (3, "BAD_USER_INPUT"),
        (4, "BAD_USER_INPUT"),
    ]
    assert "purchase" in receipt["rejected"][1]["message"]
    assert shop.record(good)["duplicates"] == [good["eventId"]]


def test_too_many_events_at_a_time_are_refused_as_a_whole(shop: Client) -> None:
    receipt = shop.record(*(event("p1", userId="busy") for _ in range(1001)))
    assert receipt["accepted"] == []
    assert receipt["userErrors"][0]["code"] == "BAD_USER_INPUT"
    assert shop.recommend({"userId": "busy"})["strategy"] == "POPULAR"


def test_a_new_product_is_shown_at_the_next_request_of_every_process(shop: Client, second: Client) -> None:
    written = shop.upsert(
        {
            "productId": "new-mug",
            "title": "Purple mug",
            "price": {"amount": 4.5, "currencyCode": "EUR"},
            "categories": [{"categoryId": "mug"}],
            "brand": {"brandId": "b-new", "name": "New brand"},
        }
    )
    assert written["userErrors"] == []
    assert written["products"] == [{"productId": "new-mug", "title": "Purple mug"}]
    for server in (shop, second):
        assert "new-mug" in server.ids({"userId": "u0"}, 100, filter={"categoryIds": ["mug"]})
        assert "new-mug" in server.ids({}, 100, filter={"price": {"min": 4.2, "max": 4.8}})
        similar = server.ask('{ product(productId: "new-mug") { similar(first: 5) { edges { node { title } } } } }')
        assert all("mug" in edge["node"]["title"] for edge in similar["product"]["similar"]["edges"])
    reasons = next(
        edge["explanation"]["contributions"]
        for edge in shop.recommend({"userId": "u0"}, 100, shown=100)["edges"]
        if edge["node"]["productId"] == "new-mug"
    )
    assert "IN_CATEGORY" in {part["relation"] for part in reasons}


def test_a_new_relation_counts_at_the_next_request_of_every_process(shop: Client, second: Client) -> None:
    shop.record(event("p9", userId="relator"))
    query = """{ explain(audience: {userId: "relator"}, productId: "p20") { score
        contributions(first: 100) { relation value text path { nodes { keys } } } } }"""
    before = shop.ask(query)["explain"]
    assert "SUBSTITUTES" not in {part["relation"] for part in before["contributions"]}
    written = shop.upsert({"productId": "p9", "relations": [{"relation": "SUBSTITUTES", "target": "p20"}]})
    assert written["userErrors"] == []
    for server in (shop, second):
        after = server.ask(query)["explain"]
        part = next(part for part in after["contributions"] if part["relation"] == "SUBSTITUTES")
        assert [node["keys"] for node in part["path"]["nodes"]] == [["p9"], ["p20"]]
        assert "can take the place of" in part["text"]


def test_what_is_not_available_is_not_shown(shop: Client, second: Client) -> None:
    shop.upsert({"productId": "p38", "available": False})
    for server in (shop, second):
        assert "p38" not in server.ids({}, 100)
    shop.upsert({"productId": "p38", "available": True})
    for server in (shop, second):
        assert "p38" in server.ids({}, 100)


@pytest.mark.parametrize(
    ("product", "field", "words"),
    [
        ({"productId": ""}, "products.0.productId", "characters"),
        ({"productId": "x", "price": {"amount": -1}}, "products.0.price", "below 0"),
        (
            {"productId": "x", "relations": [{"relation": "LIKES", "target": "p1"}]},
            "products.0.relations.0.relation",
            "LIKES",
        ),
        ({"productId": "x", "attributes": [{"name": "colour", "value": "red"}]}, "products.0.colour", "no colour"),
        ({"productId": "x", "relations": [{"relation": "COMPLEMENTS", "target": "no product"}]}, None, "no product"),
    ],
)
def test_a_mistake_in_a_product_writes_nothing(shop: Client, product: dict, field: str | None, words: str) -> None:
    written = (
        shop.upsert({"productId": "beside", "title": "Beside"}, product) if field is None else shop.upsert(product)
    )
    assert written["products"] == []
    assert written["userErrors"][0]["field"] == field
    assert words in written["userErrors"][0]["message"]
    assert shop.ask('{ a: product(productId: "x") { id } b: product(productId: "beside") { id } }') == {
        "a": None,
        "b": None,
    }


def test_a_deleted_product_is_gone_from_every_process(shop: Client, second: Client) -> None:
    shop.upsert({"productId": "doomed", "title": "Doomed lamp", "categories": [{"categoryId": "lamp"}]})
    assert "doomed" in second.ids({}, 100)
    deleted = shop.ask(DELETE_PRODUCTS, ids=["doomed", "never there"])["deleteProducts"]
    assert deleted["deletedProductIds"] == ["doomed"]
    for server in (shop, second):
        assert "doomed" not in server.ids({}, 100)
        assert server.ask('{ product(productId: "doomed") { id } }') == {"product": None}


def test_a_deleted_user_is_forgotten_by_store_processes_and_artifact(shop: Client, second: Client, home: Path) -> None:
    stand_in = pseudonym("user", "u10")
    folder = registry.served(home)
    assert folder is not None
    assert stand_in in load_artifact(folder).scorer.people

    def groups(server: Client) -> int:
        """Paths through co-buyers between two products that u10 bought, as an expert counts them."""
        query = """{ explain(audience: {productIds: ["%s"]}, productId: "%s") {
            contributions(first: 100) { relation path { nodes { count } } } } }"""
        answer = server.ask(query % (first, other), headers={"x-pathrec-role": "expert"})["explain"]
        found = [p["path"]["nodes"][1]["count"] for p in answer["contributions"] if p["relation"] == "CO_BUYER"]
        return int(found[0]) if found else 0

    everything = set(shop.ids({"userId": "u10"}, 100, filter={"includeBought": True}))
    first, other = sorted(everything - set(shop.ids({"userId": "u10"}, 100)))[:2]
    before = groups(shop)
    assert shop.ask(DELETE_USER, id="u10")["deleteUser"] == {"deletedUserId": "u10", "userErrors": []}
    for server in (shop, second):
        assert server.recommend({"userId": "u10"})["strategy"] == "POPULAR"
        assert server.ask('{ user(userId: "u10") { id } }') == {"user": None}
        assert groups(server) == before - 1
    scorer = load_artifact(folder).scorer
    assert stand_in not in scorer.people
    assert all(stand_in not in term.keys for term in scorer.terms)
    again = shop.ask(DELETE_USER, id="u10")["deleteUser"]
    assert again["deletedUserId"] is None
    assert again["userErrors"][0]["code"] == "NOT_FOUND"


def test_a_published_model_takes_over_and_replays_what_happened_since(
    shop: Client, second: Client, home: Path, tmp_path: Path
) -> None:
    old = shop.recommend({"userId": "u0"}, 5)
    shop.upsert({"productId": "between", "title": "Between models", "categories": [{"categoryId": "mug"}]})
    shop.ask(DELETE_USER, id="u12")
    retrained = renamed(home / "trained", tmp_path / "next")
    version = registry.publish(home, retrained)
    for server in (shop, second):
        assert within(30.0, lambda server=server: server.recommend({})["modelVersion"] == version)
        assert "between" in server.ids({"userId": "u0"}, 100)
    assert within(30.0, lambda: pseudonym("user", "u12") not in load_artifact(registry.served(home)).scorer.people)
    query = 'query($after: String) { recommendations(audience: {userId: "u0"}, after: $after) { asOf } }'
    error = shop.post(query, after=old["pageInfo"]["endCursor"])["errors"][0]
    assert error["extensions"]["code"] == "CURSOR_EXPIRED"
    registry.rollback(home)
    assert within(30.0, lambda: shop.recommend({})["modelVersion"] == old["modelVersion"])
    assert "between" in shop.ids({"userId": "u0"}, 100)


def test_a_model_that_does_not_fit_the_store_is_refused_and_the_old_one_goes_on(
    shop: Client, home: Path, tmp_path: Path
) -> None:
    version = shop.recommend({})["modelVersion"]
    own = {"relations": {"REPLACES": {"from": "Product", "to": "Product"}}}
    registry.publish(home, renamed(home / "trained", tmp_path / "misfit", parse_ontology(own, where="test")))

    def artifact() -> dict[str, str]:
        return dict(shop.http.get(f"{shop.url}/readyz").json()["artifact"])

    try:
        assert within(30.0, lambda: "REPLACES" in artifact().get("problem", ""))
        assert artifact()["status"] == "ready"
        assert shop.recommend({})["modelVersion"] == version
    finally:
        registry.rollback(home)
    assert within(30.0, lambda: "problem" not in artifact())


def test_a_model_that_is_put_in_place_while_the_one_before_is_read_is_loaded_next(
    apart: Store, untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = registry.served(untouched)
    assert served is not None
    place = Path(shutil.copytree(served, tmp_path / "model"))
    file = next((place / "terms").iterdir())
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])

    def between_two(path: Path) -> Artifact:
        try:
            return load_artifact(path)
        finally:
            file.write_bytes(whole)
            os.utime(path / MANIFEST, ns=(1, 1))

    monkeypatch.setattr(live, "load_artifact", between_two)
    model = LiveModel(apart, lambda: place)
    model.follow()
    assert "damaged" in (model.problem or "")
    model.follow()
    assert model.problem is None
    assert model.served == place


def test_texts_are_encoded_beside_the_server(shop: Client, home: Path) -> None:
    assert within(60.0, lambda: shop.http.get(f"{shop.url}/readyz").json()["encoder"]["status"] == "ready")
    written = shop.upsert({"productId": "spoken", "title": "A lamp that speaks", "description": "It glows."})
    assert written["withoutText"] == []
    with connect(f"embedded:{home / 'graph'}") as store:
        stored = store.feature_hashes("Product", "text")["spoken"]
        pipeline.embed(store, home=home)
        assert store.feature_hashes("Product", "text")["spoken"] == stored  # nothing new to encode in bulk
    assert "spoken" in shop.ids({}, 100)

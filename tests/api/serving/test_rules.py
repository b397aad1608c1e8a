"""Business rules over HTTP: experts write them, every list follows them at once, in every process."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from served_shop import EXPERT, Client, event

UPSERT = """
mutation($rule: RuleInput!) { upsertRule(rule: $rule) {
  rule { ruleId kind position weight productIds categoryIds brandIds products start end active author note
         createdAt changedAt }
  userErrors { code field message } } }
"""
DELETE = "mutation($id: String!) { deleteRule(ruleId: $id) { deletedRuleId userErrors { code field } } }"
RULES = """query($first: Int, $after: String) { rules(first: $first, after: $after) {
  pageInfo { hasNextPage endCursor } edges { node { ruleId kind active products } } } }"""
LIST = """
query($audience: AudienceInput!, $first: Int, $after: String, $filter: ProductFilter) {
  recommendations(audience: $audience, first: $first, after: $after, filter: $filter) {
    asOf modelVersion pageInfo { endCursor hasNextPage }
    edges { rank score placement rule propensity node { productId }
      explanation { score prior readableShare remainder { value } placement rule
        counterfactual { newRank }
        contributions(first: 100) { kind value rule share text path { cypher } because { events } } } } } }
"""
EXPLAIN = """
query($audience: AudienceInput!, $product: String!, $asOf: DateTime) {
  explain(audience: $audience, productId: $product, asOf: $asOf) {
    score prior placement rule remainder { value } counterfactual { newRank }
    contributions(first: 100) { kind value rule text } } }
"""
VIEWER = {"userId": "u20"}
_SHOWN = "{ edges { node { productId } } }"
LISTS = {
    "similar": f'{{ product(productId: "p4") {{ found: similar(first: 100) {_SHOWN} }} }}',
    "boughtTogether": f'{{ product(productId: "p4") {{ found: boughtTogether(first: 100) {_SHOWN} }} }}',
    "complements": f'{{ product(productId: "p4") {{ found: complements(first: 100) {_SHOWN} }} }}',
    "related": f'{{ product(productId: "p4") {{ found: related(relation: "MADE_BY", first: 2) {_SHOWN} }} }}',
    "products by price": f"{{ found: products(first: 100, sortKey: PRICE_ASC) {_SHOWN} }}",
    "products by popularity": f"{{ found: products(first: 100) {_SHOWN} }}",
    "products of a category": f'{{ category(categoryId: "mug") {{ found: products(first: 100) {_SHOWN} }} }}',
    "trending": f"{{ found: trending(first: 100) {_SHOWN} }}",
    "continueShopping": f'{{ found: continueShopping(audience: {{userId: "looker"}}) {_SHOWN} }}',
    "search": f'{{ found: search(query: "mug", first: 100) {_SHOWN} }}',
    "recommendations": f"{{ found: recommendations(audience: {{}}, first: 100) {_SHOWN} }}",
}


@pytest.fixture(autouse=True)
def _none_is_left(shop: Client) -> Iterator[None]:
    yield
    for edge in shop.ask(RULES, EXPERT, first=100)["rules"]["edges"]:
        shop.ask(DELETE, EXPERT, id=edge["node"]["ruleId"])


@pytest.fixture
def add(shop: Client) -> Iterator[Callable[[str], None]]:
    """Adds a mug that is gone again after the test: others count the shop's own products."""
    added = set()

    def one(product: str) -> None:
        added.add(product)
        shop.upsert({"productId": product, "title": "Another mug", "categories": [{"categoryId": "mug"}]})

    yield one
    delete = "mutation($ids: [String!]!) { deleteProducts(productIds: $ids) { deletedProductIds } }"
    shop.ask(delete, ids=sorted(added))


def write(shop: Client, **rule: Any) -> dict[str, Any]:
    answer = dict(shop.ask(UPSERT, EXPERT, rule={"ruleId": "rule", **rule})["upsertRule"])
    assert answer["userErrors"] == []
    return dict(answer["rule"])


def edges(shop: Client, first: int = 20, audience: dict[str, Any] | None = None, **more: Any) -> list[dict[str, Any]]:
    found = shop.ask(LIST, audience=audience or VIEWER, first=first, **more)["recommendations"]["edges"]
    return [{**edge, "id": edge["node"]["productId"]} for edge in found]


def ids(shop: Client, first: int = 20, **more: Any) -> list[str]:
    return [edge["id"] for edge in edges(shop, first, **more)]


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def test_a_rule_is_shown_as_it_was_written(shop: Client) -> None:
    end = soon(3600)
    rule = write(
        shop, kind="BOOST", weight=2.5, productIds=["p1"], categoryIds=["mug"], author="ann", note="too many", end=end
    )
    assert rule["products"] == 21
    assert rule["active"] is True
    assert rule["weight"] == 2.5
    assert (rule["productIds"], rule["categoryIds"], rule["brandIds"]) == (["p1"], ["mug"], [])
    assert (rule["author"], rule["note"], rule["start"]) == ("ann", "too many", None)
    assert datetime.fromisoformat(rule["end"]) == datetime.fromisoformat(end).replace(
        microsecond=datetime.fromisoformat(end).microsecond // 1000 * 1000
    )
    again = write(shop, kind="BLOCK", brandIds=["b0"], start=end)
    assert again["createdAt"] == rule["createdAt"]
    assert (again["kind"], again["weight"], again["productIds"], again["active"]) == ("BLOCK", None, [], False)


def test_rules_are_listed_page_by_page_the_oldest_first(shop: Client) -> None:
    for name in ("c", "a", "b"):
        write(shop, ruleId=name, kind="BURY", productIds=["p1"])
    page = shop.ask(RULES, EXPERT, first=2)["rules"]
    assert [edge["node"]["ruleId"] for edge in page["edges"]] == ["c", "a"]
    assert page["pageInfo"]["hasNextPage"] is True
    rest = shop.ask(RULES, EXPERT, first=2, after=page["pageInfo"]["endCursor"])["rules"]
    assert [edge["node"]["ruleId"] for edge in rest["edges"]] == ["b"]
    assert rest["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("query", [RULES, UPSERT, DELETE])
def test_only_experts_see_and_write_rules(shop: Client, query: str) -> None:
    rule = {"ruleId": "mine", "kind": "BLOCK", "productIds": ["p1"]}
    (error,) = shop.post(query, rule=rule, id="rule")["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert shop.ask(RULES, EXPERT)["rules"]["edges"] == []


def test_what_is_blocked_is_gone_from_every_list_of_every_process(shop: Client, second: Client) -> None:
    similar = '{ product(productId: "p4") { similar(first: 50) { edges { node { productId } } } } }'

    def alike(server: Client) -> set[str]:
        found = server.ask(similar)["product"]["similar"]["edges"]
        return {edge["node"]["productId"] for edge in found}

    first = ids(shop, 1)[0]
    assert {"p6", "p8"} <= alike(shop)
    write(shop, kind="BLOCK", productIds=[first, "p6"])
    write(shop, ruleId="more", kind="BLOCK", brandIds=["b0"])
    for server in (shop, second):
        shown = set(ids(server, 100))
        assert first not in shown
        assert not {n for n in shown if n[1:].isdigit() and int(n[1:]) % 4 // 2 == 0}
        assert not {"p6", "p8"} & alike(server)
    shop.ask(DELETE, EXPERT, id="rule")
    shop.ask(DELETE, EXPERT, id="more")
    for server in (shop, second):
        assert ids(server, 1) == [first]
        assert {"p6", "p8"} <= alike(server)


@pytest.mark.parametrize("name", LISTS)
def test_what_is_blocked_is_in_no_list_of_any_kind(shop: Client, second: Client, name: str) -> None:
    if name == "continueShopping":
        shop.record(event("p2", "view", userId="looker"), event("p6", "view", userId="looker"))

    def shown(server: Client) -> list[str]:
        answer = server.ask(LISTS[name])
        found = answer.get("found") or next(iter(answer.values()))["found"]
        return [edge["node"]["productId"] for edge in found["edges"]]

    before = shown(shop)
    write(shop, kind="BLOCK", productIds=before[:1])
    for server in (shop, second):
        after = shown(server)
        assert before[0] not in after
        assert set(before[1:]) <= set(after)
    write(shop, kind="BLOCK", categoryIds=["home"])
    for server in (shop, second):
        assert shown(server) == []


def test_what_is_blocked_later_is_still_related(shop: Client) -> None:
    query = LISTS["related"]
    before = shop.ask(query)
    write(shop, kind="BLOCK", categoryIds=["home"], start=soon(3600))
    assert shop.ask(query) == before


def test_what_is_blocked_is_gone_from_pages_that_go_on(shop: Client) -> None:
    whole = ids(shop, 15)
    page = shop.ask(LIST, audience=VIEWER, first=5)["recommendations"]
    write(shop, kind="BLOCK", productIds=[whole[2], whole[7]])
    rest = ids(shop, 9, after=page["pageInfo"]["endCursor"])
    assert rest == [key for key in whole[5:] if key != whole[7]]


def test_a_pin_is_at_its_place_and_says_so(shop: Client, second: Client) -> None:
    shop.wait_for_a_minute(5)
    before = ids(shop, 12)
    write(shop, kind="PIN", position=3, productIds=[before[10]])
    for server in (shop, second):
        found = edges(server, 12)
        assert [edge["id"] for edge in found] == [*before[:2], before[10], *before[2:10], before[11]]
        assert [edge["rank"] for edge in found] == list(range(1, 13))
        assert [edge["placement"] for edge in found] == ["SCORE"] * 2 + ["RULE"] + ["SCORE"] * 9
        assert [edge["rule"] for edge in found if edge["rule"]] == ["rule"]
        assert found[2]["explanation"]["placement"] == "RULE"
        assert found[2]["explanation"]["counterfactual"] is None
        assert found[2]["propensity"] == 1.0
    told = shop.ask(EXPLAIN, audience=VIEWER, product=before[10])["explain"]
    assert (told["placement"], told["rule"], told["counterfactual"]) == ("RULE", "rule", None)
    other = shop.ask(EXPLAIN, audience=VIEWER, product=before[0])["explain"]
    assert (other["placement"], other["rule"]) == ("SCORE", None)


def test_a_pin_for_a_category_takes_its_best_and_two_for_one_place_stand_together(shop: Client) -> None:
    before = ids(shop, 40)
    lamps = [key for key in before if key in shop.ids({}, 100, filter={"categoryIds": ["lamp"]})]
    write(shop, ruleId="old", kind="PIN", position=1, categoryIds=["lamp"])
    write(shop, ruleId="new", kind="PIN", position=1, categoryIds=["lamp"])
    found = edges(shop, 4)
    assert [edge["id"] for edge in found[:2]] == lamps[:2]
    assert [edge["rule"] for edge in found] == ["old", "new", None, None]


def test_a_pin_gives_way_to_filters_blocks_and_purchases(shop: Client) -> None:
    write(shop, kind="PIN", position=1, productIds=["p1"])
    assert ids(shop, 1) == ["p1"]
    assert ids(shop, 1, filter={"categoryIds": ["mug"]}) != ["p1"]
    shop.record(event("p1", userId="pinned-buyer"))
    assert "p1" not in ids(shop, 100, audience={"userId": "pinned-buyer"})
    write(shop, ruleId="not", kind="BLOCK", productIds=["p1"])
    assert "p1" not in ids(shop, 100)


def test_pages_with_a_pin_are_the_whole_list(shop: Client) -> None:
    write(shop, kind="PIN", position=6, productIds=[ids(shop, 30)[20]])
    whole = edges(shop, 24)
    pages: list[dict[str, Any]] = []
    after = None
    for _ in range(6):
        page = shop.ask(LIST, audience=VIEWER, first=4, after=after)["recommendations"]
        pages += page["edges"]
        after = page["pageInfo"]["endCursor"]
    assert [(e["node"]["productId"], e["rank"], e["placement"]) for e in pages] == [
        (e["id"], e["rank"], e["placement"]) for e in whole
    ]


def test_a_pin_behind_the_end_of_a_list_ends_it(shop: Client) -> None:
    write(shop, kind="PIN", position=90, productIds=["p2"])
    condition = {"price": {"max": 6}, "categoryIds": ["mug"]}
    found = edges(shop, 20, audience={}, filter=condition)
    assert (found[-1]["id"], found[-1]["placement"], found[-1]["rank"]) == ("p2", "RULE", len(found))


def test_a_boost_is_a_contribution_and_moves(shop: Client, second: Client) -> None:
    plain = {edge["id"]: edge for edge in edges(shop, 40)}
    last = list(plain)[-1]
    write(shop, kind="BOOST", weight=3, productIds=[last])
    for server in (shop, second):
        found = {edge["id"]: edge for edge in edges(server, 40)}
        edge = found[last]
        assert edge["rank"] < plain[last]["rank"]
        assert (edge["placement"], edge["rule"]) == ("RULE", "rule")
        (part,) = [p for p in edge["explanation"]["contributions"] if p["kind"] == "BOOST"]
        assert part["rule"] == "rule"
        assert part["value"] == pytest.approx(edge["score"] - plain[last]["score"], rel=0.01)
        assert part["path"] is None and part["because"] is None
        assert part["text"] == "The shop puts this forward at the moment."
        assert {one["placement"] for one in found.values() if one is not edge} == {"SCORE"}
        for one in found.values():
            parts = one["explanation"]
            values = [p["value"] for p in parts["contributions"]] + [parts["prior"], parts["remainder"]["value"]]
            assert sum(values) == pytest.approx(one["score"], abs=1e-5 * sum(map(abs, values)))
            assert sum(p["share"] for p in parts["contributions"]) == pytest.approx(
                1.0 if parts["contributions"] else 0.0
            )


def test_weights_are_deviations_and_add_up(shop: Client) -> None:
    last = ids(shop, 40)[-1]
    write(shop, ruleId="one", kind="BOOST", productIds=[last])
    write(shop, ruleId="two", kind="BURY", weight=0.5, categoryIds=["home"])
    parts = shop.ask(EXPLAIN, audience=VIEWER, product=last)["explain"]["contributions"]
    found = {part["rule"]: part for part in parts if part["kind"] == "BOOST"}
    assert found["two"]["value"] == pytest.approx(-found["one"]["value"] / 2)
    assert found["two"]["text"] == "The shop holds this back at the moment."
    interested = {**VIEWER, "interests": [{"categoryId": "home"}]}
    liked = shop.ask(EXPLAIN, audience=interested, product=last)["explain"]["contributions"]
    assert found["one"]["value"] > 0
    assert any(part["kind"] == "PATH" for part in liked)


def test_who_is_not_moved_by_a_boost_is_placed_by_score(shop: Client) -> None:
    first = ids(shop, 1)[0]
    write(shop, kind="BOOST", productIds=[first])
    edge = edges(shop, 1)[0]
    assert (edge["id"], edge["placement"], edge["rule"]) == (first, "SCORE", None)
    assert "BOOST" in {part["kind"] for part in edge["explanation"]["contributions"]}


def test_a_bury_moves_down(shop: Client) -> None:
    first = ids(shop, 1)[0]
    write(shop, kind="BURY", weight=10, productIds=[first])
    found = {edge["id"]: edge for edge in edges(shop, 100)}
    assert next(iter(found)) != first
    assert (found[first]["placement"], found[first]["rule"]) == ("RULE", "rule")


def test_an_answer_from_before_a_rule_is_explained_as_it_was(shop: Client) -> None:
    answer = shop.ask(LIST, audience=VIEWER, first=3)["recommendations"]
    product = answer["edges"][1]["node"]["productId"]
    write(shop, kind="BOOST", productIds=[product])
    told = shop.ask(EXPLAIN, audience=VIEWER, product=product, asOf=answer["asOf"])["explain"]
    assert told["score"] == answer["edges"][1]["score"]
    now = shop.ask(EXPLAIN, audience=VIEWER, product=product)["explain"]
    assert now["score"] > told["score"]


def test_a_list_that_was_begun_goes_on_as_it_was_when_a_rule_is_added(shop: Client) -> None:
    whole = ids(shop, 12)
    page = shop.ask(LIST, audience=VIEWER, first=6)["recommendations"]
    write(shop, kind="BOOST", weight=9, productIds=[whole[11], whole[1]])
    assert ids(shop, 6, after=page["pageInfo"]["endCursor"]) == whole[6:]


def test_a_list_whose_rule_was_changed_begins_anew(shop: Client) -> None:
    write(shop, kind="BOOST", weight=2, categoryIds=["lamp"])
    page = shop.ask(LIST, audience=VIEWER, first=6)["recommendations"]
    write(shop, kind="BOOST", weight=1, categoryIds=["lamp"])
    (error,) = shop.post(LIST, audience=VIEWER, first=6, after=page["pageInfo"]["endCursor"])["errors"]
    assert error["extensions"]["code"] == "CURSOR_EXPIRED"
    assert error["extensions"]["field"] == "after"


def test_a_rule_counts_from_its_start_to_its_end(shop: Client) -> None:
    plain = ids(shop, 10)
    write(shop, ruleId="over", kind="PIN", position=1, productIds=[plain[5]], end=soon(-1))
    write(shop, ruleId="later", kind="PIN", position=1, productIds=[plain[6]], start=soon(3600))
    write(shop, ruleId="blocked-later", kind="BLOCK", productIds=[plain[0]], start=soon(3600))
    assert ids(shop, 10) == plain
    write(shop, ruleId="now", kind="PIN", position=1, productIds=[plain[7]], start=soon(-60), end=soon(60))
    assert ids(shop, 1) == [plain[7]]


def test_a_deleted_product_leaves_its_rules(shop: Client, add: Callable[[str], None]) -> None:
    add("pinned")
    write(shop, kind="PIN", position=1, productIds=["pinned", "p2"])
    delete = 'mutation { deleteProducts(productIds: ["pinned"]) { deletedProductIds } }'
    shop.ask(delete)
    assert "pinned" not in ids(shop, 100)
    (edge,) = shop.ask(RULES, EXPERT)["rules"]["edges"]
    assert edge["node"]["products"] == 1
    add("pinned")
    assert ids(shop, 1) == ["p2"]


def test_a_new_product_of_a_category_is_under_its_rules(
    shop: Client, second: Client, add: Callable[[str], None]
) -> None:
    write(shop, kind="BLOCK", categoryIds=["mug"])
    add("late-mug")
    for server in (shop, second):
        assert "late-mug" not in ids(server, 100)


@pytest.mark.parametrize(
    ("rule", "field", "words"),
    [
        ({"kind": "BLOCK"}, "rule", "for nothing"),
        ({"kind": "BLOCK", "productIds": ["p1", "no product"]}, "rule.productIds", "no product no product"),
        ({"kind": "BLOCK", "categoryIds": ["attic"]}, "rule.categoryIds", "attic"),
        ({"kind": "BLOCK", "brandIds": ["acme"]}, "rule.brandIds", "acme"),
        ({"kind": "BLOCK", "productIds": ["p1"], "ruleId": " "}, "rule.ruleId", "id"),
        ({"kind": "BLOCK", "productIds": ["p1"], "note": "x" * 2001}, "rule.note", "2,000"),
        ({"kind": "BLOCK", "productIds": ["p1"], "weight": 1}, "rule.weight", "no weight"),
        ({"kind": "BOOST", "productIds": ["p1"], "weight": 0}, "rule.weight", "above 0"),
        ({"kind": "BURY", "productIds": ["p1"], "weight": -1}, "rule.weight", "above 0"),
        ({"kind": "BOOST", "productIds": ["p1"], "weight": 11}, "rule.weight", "at most 10"),
        ({"kind": "BOOST", "productIds": ["p1"], "position": 1}, "rule.position", "no position"),
        ({"kind": "PIN", "productIds": ["p1"]}, "rule.position", "from 1 to 100"),
        ({"kind": "PIN", "productIds": ["p1"], "position": 0}, "rule.position", "from 1 to 100"),
        (
            {"kind": "BLOCK", "productIds": ["p1"], "start": "2026-02-02T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
            "rule.end",
            "later end",
        ),
        ({"kind": "BLOCK", "productIds": ["p1"], "start": "2026-02-02T00:00:00"}, "rule.start", "zone"),
        ({"kind": "BLOCK", "productIds": ["p1"] * 1001}, "rule", "at most 1,000"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_remedy(
    shop: Client, rule: dict[str, Any], field: str, words: str
) -> None:
    answer = shop.ask(UPSERT, EXPERT, rule={"ruleId": "wrong", **rule})["upsertRule"]
    assert answer["rule"] is None
    (error,) = answer["userErrors"]
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", field)
    assert words in error["message"]
    assert shop.ask(RULES, EXPERT)["rules"]["edges"] == []


def test_an_unknown_kind_is_refused_with_those_there_are(shop: Client) -> None:
    (error,) = shop.post(UPSERT, EXPERT, rule={"ruleId": "x", "kind": "BOOSTS", "productIds": ["p1"]})["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "'BOOST'" in error["message"]


def test_a_rule_that_is_not_there_cannot_be_deleted(shop: Client) -> None:
    answer = shop.ask(DELETE, EXPERT, id="never")["deleteRule"]
    assert answer["deletedRuleId"] is None
    assert answer["userErrors"] == [{"code": "NOT_FOUND", "field": "ruleId"}]

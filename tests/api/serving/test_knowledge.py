"""What experts know, over HTTP: previewed, applied, seen in every process, undone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_shop import EXPERT, Client

from api import offline
from api.settings import Settings
from tests.support.commands import pathrec

SHOWN = "ruleId kind status relation says links author note pairs { source target weight } appliedAt"
SAVE = f"""mutation($rule: KnowledgeInput!) {{ upsertKnowledge(rule: $rule) {{
  knowledge {{ {SHOWN} }} userErrors {{ code field message }} }} }}"""
APPLY = f"""mutation($id: String!) {{ applyKnowledge(ruleId: $id) {{
  put changed taken knowledge {{ {SHOWN} }} userErrors {{ code field message }} }} }}"""
UNDO = APPLY.replace("applyKnowledge", "undoKnowledge")
ALL = f"{{ knowledge(first: 100) {{ edges {{ node {{ {SHOWN} }} }} }} }}"
DELETE = "mutation($id: String!) { deleteRule(ruleId: $id) { deletedRuleId userErrors { code message } } }"
FOUND = "links products shoppers asked changed share entering leaving"
EXAMPLES = "examples { userId productId oldRank newRank contribution }"
PREVIEW = f"""query($id: String, $rule: KnowledgeInput, $people: Int = 100) {{
  previewKnowledge(ruleId: $id, rule: $rule, people: $people) {{ {FOUND} {EXAMPLES} }} }}"""
PREVIEW_RULE = f"query($rule: RuleInput!) {{ previewRule(rule: $rule, people: 1000) {{ {FOUND} {EXAMPLES} }} }}"
SAY = "mutation($input: FeedbackInput!) { recordFeedback(input: $input) { changed } }"
LIST = """query($audience: AudienceInput!) { recommendations(audience: $audience, first: 20) { edges { rank score
  node { productId } explanation { prior remainder { value } contributions(first: 100) {
    value relation rule text because { product { productId } } path { cypher nodes { type keys } } } } } } }"""
VIEWER = {"userId": "u20"}
FITS = {"ruleId": "fits", "kind": "RELATE", "relation": "FITS_WITH", "says": "fits under", "weight": 3.0}


@pytest.fixture(autouse=True)
def _none_is_left(shop: Client) -> Iterator[None]:
    yield
    for edge in shop.ask(ALL, EXPERT)["knowledge"]["edges"]:
        rule = edge["node"]
        if rule["status"] == "APPLIED":
            assert change(shop, UNDO, rule["ruleId"])["userErrors"] == []
        shop.ask(DELETE, EXPERT, id=rule["ruleId"])


def save(shop: Client, **rule: Any) -> dict[str, Any]:
    answer = dict(shop.ask(SAVE, EXPERT, rule=rule)["upsertKnowledge"])
    assert answer["userErrors"] == []
    return dict(answer["knowledge"])


def change(shop: Client, what: str, rule: str) -> dict[str, Any]:
    return dict(next(iter(shop.ask(what, EXPERT, id=rule).values())))


def edges(shop: Client, audience: dict[str, Any] = VIEWER) -> list[dict[str, Any]]:
    found = shop.ask(LIST, EXPERT, audience=audience)["recommendations"]["edges"]
    return [{**edge, "id": edge["node"]["productId"]} for edge in found]


def ranks(shop: Client, audience: dict[str, Any] = VIEWER) -> dict[str, int]:
    return {edge["id"]: edge["rank"] for edge in edges(shop, audience)}


def scores(shop: Client) -> dict[str, Any]:
    return {edge["id"]: pytest.approx(edge["score"], abs=1e-4) for edge in edges(shop)}


def through(edge: dict[str, Any], relation: str) -> list[dict[str, Any]]:
    return [part for part in edge["explanation"]["contributions"] if (part["relation"] or "").startswith(relation)]


def done_with(shop: Client) -> str:
    """A product of the viewer's history."""
    parts = (part for edge in edges(shop) for part in edge["explanation"]["contributions"] if part["because"])
    return str(next(parts)["because"]["product"]["productId"])


@pytest.mark.usefixtures("in_one_minute")
def test_a_relation_counts_at_the_next_request_of_every_process_until_it_is_undone(
    shop: Client, second: Client, home: Path
) -> None:
    before = scores(shop)
    lamp = next(f"p{n}" for n in range(1, 40, 2) if f"p{n}" not in before or ranks(shop)[f"p{n}"] > 10)
    pair = {"source": done_with(shop), "target": lamp}
    kept = save(shop, **FITS, pairs=[pair], note="said at the counter")
    assert (kept["status"], kept["links"], kept["pairs"]) == ("DRAFT", 0, [{**pair, "weight": 3.0}])
    assert scores(second) == before
    assert change(shop, APPLY, "fits") | {"knowledge": None} == {
        "put": 1,
        "changed": 0,
        "taken": 0,
        "knowledge": None,
        "userErrors": [],
    }
    for server in (second, shop):
        edge = next(edge for edge in edges(server) if edge["id"] == lamp)
        assert edge["rank"] < ranks_of(before).get(lamp, 21)
        why, parts = edge["explanation"], through(edge, "FITS_WITH")
        assert parts
        for part in parts:
            assert (part["relation"], part["rule"]) == ("FITS_WITH", "fits")
            assert part["value"] > 0
            assert "fits under" in part["text"]
            assert [node["keys"] for node in part["path"]["nodes"]] == [[pair["source"]], [lamp]]
            assert "FITS_WITH" in part["path"]["cypher"]
        total = why["prior"] + why["remainder"]["value"] + sum(each["value"] for each in why["contributions"])
        assert total == pytest.approx(edge["score"], abs=1e-4)
    # A model that was trained without the relation takes it up when it is loaded, too.
    told = offline.recommend(Settings(home=home), "u20", first=20, explained=True)["recommendations"]
    assert [row["product_id"] for row in told] == list(ranks(shop))
    assert change(second, UNDO, "fits")["taken"] == 1
    assert scores(shop) == before
    assert scores(second) == before
    assert list(ranks(shop)) == list(before)


@pytest.mark.usefixtures("in_one_minute")
def test_paths_through_a_third_product_name_the_rule_if_it_is_one(shop: Client) -> None:
    start, shown, middle = done_with(shop), edges(shop)[0]["id"], "p39"
    pairs = [{"source": start, "target": middle}, {"source": shown, "target": middle}]
    save(shop, **FITS, pairs=pairs)
    change(shop, APPLY, "fits")
    assert {part["rule"] for part in shared_links(shop, shown)} == {"fits"}
    save(shop, **FITS | {"ruleId": "besides"}, pairs=pairs[1:])
    change(shop, APPLY, "besides")  # has the last word on one of the two
    assert {part["rule"] for part in shared_links(shop, shown)} == {None}


def shared_links(shop: Client, shown: str) -> list[dict[str, Any]]:
    edge = next(edge for edge in edges(shop) if edge["id"] == shown)
    return [part for part in through(edge, "FITS_WITH") if part["relation"] == "FITS_WITH_SHARED"]


def ranks_of(scored: dict[str, Any]) -> dict[str, int]:
    return {product: rank for rank, product in enumerate(scored, start=1)}


@pytest.mark.usefixtures("in_one_minute")
def test_a_preview_says_what_applying_does(shop: Client) -> None:
    before = scores(shop)
    derive = FITS | {
        "ruleId": "derived",
        "kind": "DERIVE",
        "relation": "STANDS_BY",  # a relation that no ontology has yet
        "says": "stands by",
        "cypher": "MATCH (a:Product)-[:MADE_BY]->(b)<-[:MADE_BY]-(c:Product) WHERE a.price + 3 = c.price "
        "RETURN a.id AS source, c.id AS target, 2 AS weight",
    }
    found = shop.ask(PREVIEW, EXPERT, rule=derive, people=1000)["previewKnowledge"]
    assert shop.ask(ALL, EXPERT)["knowledge"]["edges"] == []
    assert scores(shop) == before
    assert found["links"] > 5
    assert found["asked"] == found["shoppers"]
    assert 0 < found["changed"] <= found["asked"]
    assert found["share"] == pytest.approx(found["changed"] / found["asked"])
    assert found["entering"] == found["leaving"]
    assert len(found["examples"]) == 10
    save(shop, **derive)
    stored = shop.ask(PREVIEW, EXPERT, id="derived", people=5)["previewKnowledge"]
    assert (stored["links"], stored["shoppers"], stored["asked"]) == (found["links"], found["shoppers"], 5)
    assert change(shop, APPLY, "derived")["put"] == found["links"]
    for example in found["examples"][:4]:
        audience = {"userId": example["userId"]}
        listed = {edge["id"]: edge for edge in edges(shop, audience)}
        if example["newRank"] <= 20:
            edge = listed[example["productId"]]
            assert edge["rank"] == example["newRank"]
            parts = sum(part["value"] for part in through(edge, "STANDS_BY"))
            assert parts == pytest.approx(example["contribution"], abs=1e-4)
        else:
            assert example["productId"] not in listed
    assert change(shop, UNDO, "derived")["taken"] == found["links"]
    for example in found["examples"][:4]:
        rank = ranks(shop, {"userId": example["userId"]}).get(example["productId"])
        assert rank == (example["oldRank"] if example["oldRank"] <= 20 else None)


@pytest.mark.usefixtures("in_one_minute")
def test_a_business_rule_is_previewed_too(shop: Client) -> None:
    best = next(iter(ranks(shop)))
    rule = {"ruleId": "block", "kind": "BLOCK", "productIds": [best]}
    found = shop.ask(PREVIEW_RULE, EXPERT, rule=rule)["previewRule"]
    assert (found["links"], found["products"]) == (1, 1)
    assert found["changed"] == found["leaving"] > 0
    assert {(example["productId"], example["newRank"]) for example in found["examples"]} == {(best, None)}
    assert best in ranks(shop)
    lifted = {"ruleId": "lift", "kind": "BOOST", "weight": 5.0, "productIds": ["p1"]}
    examples = shop.ask(PREVIEW_RULE, EXPERT, rule=lifted)["previewRule"]["examples"]
    assert examples
    assert all(example["productId"] == "p1" and example["contribution"] > 0 for example in examples)
    unknown = shop.post(PREVIEW_RULE, EXPERT, rule=rule | {"productIds": ["none"]})
    assert unknown["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.usefixtures("in_one_minute")
def test_a_category_move_is_previewed_applied_and_undone(shop: Client) -> None:
    before = scores(shop)
    names = """{ product(productId: "p4") { categories { categoryId } }
      category(categoryId: "lamp") { products(first: 100) { edges { node { productId } } } } }"""
    shown = shop.ask(names)
    move = {"ruleId": "move", "kind": "MOVE", "fromCategoryId": "mug", "toCategoryId": "lamp", "productIds": ["p4"]}
    found = shop.ask(PREVIEW, EXPERT, rule=move)["previewKnowledge"]
    assert (found["links"], found["products"]) == (1, 1)
    save(shop, **move)
    assert change(shop, APPLY, "move")["put"] == 1
    moved = shop.ask(names)
    assert moved["product"]["categories"] == [{"categoryId": "lamp"}]
    assert len(moved["category"]["products"]["edges"]) == len(shown["category"]["products"]["edges"]) + 1
    change(shop, UNDO, "move")
    assert shop.ask(names) == shown
    assert scores(shop) == before


@pytest.mark.usefixtures("in_one_minute")
def test_a_move_is_previewed_with_the_business_rules_of_its_category(shop: Client) -> None:
    block = (
        'mutation { upsertRule(rule: {ruleId: "no-lamps", kind: BLOCK, categoryIds: ["lamp"]}) { rule { ruleId } } }'
    )
    product = {"ruleId": "move", "kind": "MOVE", "fromCategoryId": "mug", "toCategoryId": "lamp", "productIds": ["p4"]}
    category = {"ruleId": "move", "kind": "MOVE", "categoryId": "mug", "toCategoryId": "lamp"}
    assert shop.ask(PREVIEW, EXPERT, rule=category)["previewKnowledge"]["changed"] == 0
    shop.ask(block, EXPERT)
    before = ranks(shop)
    try:
        gone = shop.ask(PREVIEW, EXPERT, rule=product, people=1000)["previewKnowledge"]
        assert gone["leaving"] > 0
        assert ("p4", None) in {(example["productId"], example["newRank"]) for example in gone["examples"]}
        # The first of each list and its mugs are gone with the category, and nothing of it was kept.
        assert shop.ask(PREVIEW, EXPERT, rule=category)["previewKnowledge"]["leaving"] > gone["leaving"]
        assert ranks(shop) == before
    finally:
        shop.ask(DELETE, EXPERT, id="no-lamps")


@pytest.mark.usefixtures("in_one_minute")
def test_a_move_is_previewed_with_the_categories_that_people_want_to_see_nothing_of(shop: Client) -> None:
    never = {"kind": "NEVER_THIS_CATEGORY", "categoryId": "lamp", **VIEWER}
    move = {"ruleId": "move", "kind": "MOVE", "categoryId": "mug", "toCategoryId": "lamp"}
    shop.ask(SAY, input=never)
    try:
        before = ranks(shop)
        found = shop.ask(PREVIEW, EXPERT, rule=move, people=1000)["previewKnowledge"]
        (example,) = found["examples"]
        assert (found["changed"], example["userId"]) == (1, VIEWER["userId"])
        assert ranks(shop) == before
        save(shop, **move)
        change(shop, APPLY, "move")
        after = ranks(shop)
        assert example["newRank"] == after.get(example["productId"])
        assert found["leaving"] == len(set(before) - set(after)) > 0
        assert found["entering"] == len(set(after) - set(before))
    finally:
        shop.ask(SAY, input={**never, "undo": True})


def test_what_is_wrong_is_told_with_its_place_and_nothing_is_kept(shop: Client) -> None:
    def refused(**rule: Any) -> dict[str, Any]:
        answer = shop.ask(SAVE, EXPERT, rule={**FITS, "pairs": [], **rule})["upsertKnowledge"]
        assert answer["knowledge"] is None
        return dict(answer["userErrors"][0])

    assert refused()["field"] == "rule.pairs"
    assert refused(relation="ANYTHING", says=None)["field"] == "rule.says"
    many = [{"source": f"p{n}", "target": "p1"} for n in range(1001)]
    assert "pathrec knowledge add" in refused(pairs=many)["message"]
    assert shop.ask(ALL, EXPERT)["knowledge"]["edges"] == []
    save(shop, **FITS, pairs=[{"source": "p1", "target": "nothing"}])
    (error,) = change(shop, APPLY, "fits")["userErrors"]
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "rule")
    assert "no product nothing" in error["message"]
    assert change(shop, UNDO, "fits")["userErrors"][0]["message"].endswith("so there is nothing to undo")
    assert change(shop, APPLY, "none")["userErrors"][0]["code"] == "NOT_FOUND"
    answer = shop.post(PREVIEW, EXPERT, rule={**FITS, "kind": "DERIVE", "cypher": "RETURN 1 AS one"})
    assert "columns one" in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert shop.post(PREVIEW, EXPERT)["errors"][0]["extensions"]["field"] == "rule"
    assert shop.post(PREVIEW, EXPERT, id="fits", people=0)["errors"][0]["extensions"]["field"] == "people"


def test_rules_of_business_and_of_knowledge_are_one_store_and_two_lists(shop: Client) -> None:
    save(shop, **FITS, pairs=[{"source": "p1", "target": "p2"}])
    rules = shop.ask("{ rules(first: 100) { edges { node { ruleId } } } }", EXPERT)["rules"]["edges"]
    assert "fits" not in {edge["node"]["ruleId"] for edge in rules}
    upsert = (
        'mutation { upsertRule(rule: {ruleId: "fits", kind: BLOCK, productIds: ["p1"]}) { userErrors { message } } }'
    )
    assert "is one of knowledge" in shop.ask(upsert, EXPERT)["upsertRule"]["userErrors"][0]["message"]
    change(shop, APPLY, "fits")
    assert "undo it first" in shop.ask(DELETE, EXPERT, id="fits")["deleteRule"]["userErrors"][0]["message"]
    change(shop, UNDO, "fits")
    assert shop.ask(DELETE, EXPERT, id="fits")["deleteRule"]["deletedRuleId"] == "fits"


def test_the_command_does_the_same_and_writes_it_down(shop: Client, home: Path, tmp_path: Path) -> None:
    rule = tmp_path / "fits.yaml"
    product, lamp = done_with(shop), next(f"p{n}" for n in range(1, 40, 2) if f"p{n}" not in ranks(shop))
    rule.write_text(
        "id: fits\nkind: RELATE\nrelation: FITS_WITH\nsays: fits under\nweight: 3\npairs: pairs.csv\n", encoding="utf-8"
    )
    (tmp_path / "pairs.csv").write_text(f"source,target\n{product},{lamp}\n", encoding="utf-8")

    def run(*arguments: object) -> dict[str, Any]:
        done = pathrec("knowledge", *arguments, "--home", home, "--json", "-")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    found = run("preview", rule, "--people", 20)
    assert (found["rule"], found["links"], found["asked"], len(found["examples"]) > 0) == ("fits", 1, 20, True)
    added = run("add", rule)
    assert (added["status"], added["pairs"]) == ("DRAFT", [[product, lamp, 3.0]])
    assert run("preview", "fits", "--people", 20)["changed"] == found["changed"]
    assert run("apply", "fits") == {"rule": "fits", "put": 1, "changed": 0, "taken": 0}
    assert lamp in ranks(shop)
    assert [each["links"] for each in run("list")["rules"] if each["id"] == "fits"] == [1]
    assert run("refresh")["effects"]["fits"] == {"put": 0, "changed": 0, "taken": 0}
    again = pathrec("knowledge", "preview", "fits", "--home", home)
    assert again.returncode == 1 and "is applied; undo it first" in again.stderr
    assert run("undo", "fits")["taken"] == 1
    assert lamp not in ranks(shop)
    assert run("show", "fits")["status"] == "UNDONE"
    assert run("delete", "fits") == {"deleted": "fits"}
    gone = pathrec("knowledge", "apply", "fits", "--home", home)
    assert gone.returncode == 1 and "no rule of knowledge fits" in gone.stderr
    assert pathrec("knowledge", "apply", "--home", home).returncode == 2
    events = [json.loads(line)["event"] for line in (home / "audit.log").read_text(encoding="utf-8").splitlines()]
    done = [event for event in events if event.startswith("knowledge ")]
    assert done[-6:] == [f"knowledge {what}" for what in ("add", "apply", "refresh", "undo", "delete", "apply")]

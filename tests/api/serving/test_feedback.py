"""What viewers say of what they are shown, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_shop import Client, event, served_here

from api.settings import Settings
from graph.connection import Connection

SAY = """mutation($input: FeedbackInput!) { recordFeedback(input: $input) {
    changed userErrors { code field message } } }"""
LINK = """mutation($session: String!, $user: String!) { linkSession(sessionId: $session, userId: $user) {
    userId movedEvents userErrors { code field message } } }"""
EXPLAIN = """query($audience: AudienceInput!, $product: String!, $asOf: DateTime) {
  explain(audience: $audience, productId: $product, asOf: $asOf) {
    score prior contributions(first: 100) { value because { behaviour product { productId } } }
    feedback { kind behaviour categoryId givenAt product { productId title } }
  } }"""


def say(shop: Client, kind: str, **more: Any) -> dict[str, Any]:
    return dict(shop.ask(SAY, input={"kind": kind, **more})["recordFeedback"])


def explain(shop: Client, audience: dict[str, Any], product: str, **more: Any) -> dict[str, Any]:
    return dict(shop.ask(EXPLAIN, audience=audience, product=product, **more)["explain"])


def link(shop: Client, session: str, user: str) -> dict[str, Any]:
    return dict(shop.ask(LINK, session=session, user=user)["linkSession"])


@pytest.mark.parametrize("who", [{"userId": "picky"}, {"sessionId": "picky visit"}])
def test_a_product_that_does_not_interest_is_gone_from_every_process_until_that_is_undone(
    shop: Client, second: Client, who: dict[str, str]
) -> None:
    shop.record(event("p2", "view", **who))
    unwanted = shop.ids(who, 3)[1]
    said = say(
        shop, "NOT_INTERESTED", productId=unwanted, **who, recommendationId=shop.recommend(who)["recommendationId"]
    )
    assert said == {"changed": True, "userErrors": []}
    for server in (shop, second):
        assert unwanted not in server.ids(who, 100)
        assert unwanted in server.ids({}, 100)
        (given,) = explain(server, who, unwanted)["feedback"]
        assert (given["kind"], given["product"]["productId"], given["categoryId"]) == ("NOT_INTERESTED", unwanted, None)
        assert explain(server, who, server.ids(who, 1)[0])["feedback"] == []
    assert say(shop, "NOT_INTERESTED", productId=unwanted, **who)["changed"] is False
    assert say(second, "NOT_INTERESTED", productId=unwanted, **who, undo=True)["changed"] is True
    for server in (shop, second):
        assert unwanted in server.ids(who, 3)


def test_a_category_that_shall_never_be_shown_goes_with_all_below_it(shop: Client, second: Client) -> None:
    who = {"userId": "no lamps"}
    say(shop, "NEVER_THIS_CATEGORY", categoryId="lamp", **who)
    for server in (shop, second):
        ids = server.ids(who, 100)
        assert ids
        assert all(int(product[1:]) % 2 == 0 for product in ids if product[1:].isdigit())
    (given,) = explain(shop, who, "p1")["feedback"]
    assert (given["kind"], given["categoryId"], given["product"]) == ("NEVER_THIS_CATEGORY", "lamp", None)
    assert explain(shop, who, "p2")["feedback"] == []
    say(shop, "NEVER_THIS_CATEGORY", categoryId="home", **who)
    assert not [product for product in shop.ids(who, 100) if product[1:].isdigit()]
    for category in ("home", "lamp"):
        say(shop, "NEVER_THIS_CATEGORY", categoryId=category, **who, undo=True)
    assert "p1" in shop.ids(who, 100)


def test_a_wrong_reason_takes_exactly_its_contributions_away(shop: Client, second: Client) -> None:
    who = {"userId": "gift giver"}
    shop.record(event("p2", **who), event("p2", "view", **who), event("p6", "view", **who))
    before = explain(shop, who, "p10")
    moment = shop.recommend(who)["asOf"]

    def of(product: str, *behaviours: str) -> float:
        return sum(
            part["value"]
            for part in before["contributions"]
            if part["because"]["product"]["productId"] == product and part["because"]["behaviour"] in behaviours
        )

    size = 1e-4 * sum(abs(part["value"]) for part in before["contributions"])
    say(shop, "WRONG_REASON", productId="p2", behaviour="view", **who)
    for server in (shop, second):
        after = explain(server, who, "p10")
        assert before["score"] - after["score"] == pytest.approx(of("p2", "view"), abs=size)
        assert [(f["kind"], f["behaviour"]) for f in after["feedback"]] == [("WRONG_REASON", "view")]
    say(shop, "WRONG_REASON", productId="p2", **who)
    after = explain(second, who, "p10")
    assert before["score"] - after["score"] == pytest.approx(of("p2", "view", "purchase"), abs=size)
    assert {part["because"]["product"]["productId"] for part in after["contributions"]} == {"p6"}
    assert explain(shop, who, "p10", asOf=moment)["score"] == pytest.approx(before["score"], abs=size)
    for more in ({}, {"behaviour": "view"}):
        say(shop, "WRONG_REASON", productId="p2", **more, **who, undo=True)
    assert explain(shop, who, "p10")["score"] == pytest.approx(before["score"], abs=size)


def test_what_was_bought_for_a_wrong_reason_stays_bought(shop: Client) -> None:
    who = {"userId": "one present"}
    shop.record(event("p4", **who))
    say(shop, "WRONG_REASON", productId="p4", **who)
    assert shop.recommend(who)["strategy"] == "POPULAR"
    assert "p4" not in shop.ids(who, 100)
    assert "p4" in shop.ids(who, 100, filter={"includeBought": True})


def test_pages_go_on_as_they_began_but_without_what_is_not_wanted(shop: Client) -> None:
    who = {"userId": "reader"}
    shop.record(event("p2", **who), event("p3", "view", **who))
    whole = shop.ids(who, 20)
    first = shop.recommend(who, 5)
    say(shop, "WRONG_REASON", productId="p2", **who)
    say(shop, "NOT_INTERESTED", productId=whole[7], **who)
    rest = shop.ids(who, 15, after=first["pageInfo"]["endCursor"])
    assert rest[:14] == [product for product in whole[5:] if product != whole[7]]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"kind": "NOT_INTERESTED", "productId": "p1"}, "BAD_USER_INPUT", "input"),
        ({"kind": "NOT_INTERESTED", "userId": "u1"}, "BAD_USER_INPUT", "input"),
        ({"kind": "NOT_INTERESTED", "userId": "u1", "categoryId": "mug"}, "BAD_USER_INPUT", "input"),
        ({"kind": "NOT_INTERESTED", "userId": "u1", "productId": "?"}, "NOT_FOUND", "input.productId"),
        ({"kind": "NEVER_THIS_CATEGORY", "userId": "u1", "categoryId": "?"}, "NOT_FOUND", "input.categoryId"),
        (
            {"kind": "NOT_INTERESTED", "userId": "u1", "productId": "p1", "behaviour": "view"},
            "BAD_USER_INPUT",
            "input.behaviour",
        ),
        (
            {"kind": "WRONG_REASON", "userId": "u1", "productId": "p1", "behaviour": "veiw"},
            "BAD_USER_INPUT",
            "input.behaviour",
        ),
        ({"kind": "NOT_INTERESTED", "userId": "x" * 513, "productId": "p1"}, "BAD_USER_INPUT", "input.userId"),
    ],
)
def test_feedback_that_cannot_be_kept_is_told_with_the_place(
    shop: Client, given: dict[str, str], code: str, field: str
) -> None:
    said = shop.ask(SAY, input=given)["recordFeedback"]
    assert said["changed"] is False
    assert [(error["code"], error["field"]) for error in said["userErrors"]] == [(code, field)]


def test_a_linked_session_counts_for_the_user_in_every_process(shop: Client, second: Client) -> None:
    session, user = {"sessionId": "before login"}, {"userId": "logged in"}
    shop.record(event("p3", **session), event("p5", "view", **session))
    say(shop, "NOT_INTERESTED", productId="p7", **session)
    assert link(shop, "before login", "logged in") == {"userId": "logged in", "movedEvents": 2, "userErrors": []}
    for server in (shop, second):
        answer = server.recommend(user, 100)
        assert answer["strategy"] == "PERSONAL"
        assert not {"p3", "p7"} & {edge["node"]["productId"] for edge in answer["edges"]}
    assert link(second, "before login", "logged in")["movedEvents"] == 0
    assert link(shop, "before login", "somebody else")["movedEvents"] == 0
    assert shop.recommend({"userId": "somebody else"})["strategy"] == "POPULAR"
    deleted = shop.ask('mutation { deleteUser(userId: "logged in") { deletedUserId } }')["deleteUser"]
    assert deleted == {"deletedUserId": "logged in"}
    for server in (shop, second):
        for who in (session, user):
            assert server.recommend(who)["strategy"] == "POPULAR"
            assert "p7" in server.ids(who, 100)


@pytest.mark.parametrize(("session", "user"), [("", "u1"), ("s", " "), ("s" * 513, "u1")])
def test_a_session_without_a_sound_key_is_not_linked(shop: Client, session: str, user: str) -> None:
    linked = link(shop, session, user)
    assert linked["userId"] is None
    assert linked["userErrors"][0]["code"] == "BAD_USER_INPUT"


@pytest.fixture(scope="module")
def counted(home: Path, shop: Client) -> Iterator[tuple[Client, list[int]]]:
    """A server of this process, and a place where each of its questions to the store leaves a one."""
    asked: list[int] = []
    attempt = Connection._attempt

    def counting(self: Connection, *arguments: Any) -> Any:
        asked.append(1)
        return attempt(self, *arguments)

    own = Settings(home=home, text_model=str(home / "none"), impressions=False)
    with pytest.MonkeyPatch.context() as patch, served_here(own) as client:
        patch.setattr(Connection, "_attempt", counting)
        yield client, asked


def test_feedback_costs_no_query_however_much_there_is(counted: tuple[Client, list[int]]) -> None:
    server, asked = counted
    query = """{ recommendations(audience: {userId: "opinionated"}, first: 20) {
        edges { node { title } explanation { feedback { kind } } } } }"""

    def queries() -> int:
        server.ask(query)
        asked.clear()
        server.ask(query)
        return len(asked)

    before = queries()
    for number in range(10):
        say(server, "NOT_INTERESTED", userId="opinionated", productId=f"p{number}")
        say(server, "WRONG_REASON", userId="opinionated", productId=f"p{number}")
    say(server, "NEVER_THIS_CATEGORY", userId="opinionated", categoryId="lamp")
    assert queries() == before == 2

"""What is shown and what comes of it, over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from served_shop import EXPERT, Client, event, within

from graph import Query, connect

CLICKS = "query($days: Int) { clickThrough(days: $days) { modelVersion placement rank shown clicked bought rate } }"
RECORD = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted } }"
SAY = """mutation($a: ID, $s: String!) { recordFeedback(input: {kind: NOT_INTERESTED, sessionId: $s, productId: "p1",
    recommendationId: $a}) { changed } }"""
KEPT = "MATCH (i:Impression {id: $id}) OPTIONAL MATCH (u:User)-[:WAS_SHOWN]->(i) RETURN properties(i) AS i, u.id AS who"


@pytest.fixture
def kept(home: Path) -> Callable[[str], dict[str, Any] | None]:
    """What the store keeps of an answer, by its id."""

    def find(recommendation: str) -> dict[str, Any] | None:
        with connect(f"embedded:{home / 'graph'}") as store:
            rows = store.read(Query(KEPT, {"id": recommendation}))
        return {**rows[0]["i"], "who": rows[0]["who"]} if rows else None

    return find


def test_every_page_that_is_shown_is_kept_with_ranks_and_model(
    shop: Client, kept: Callable[[str], dict[str, Any] | None]
) -> None:
    first = shop.recommend({"userId": "u8", "sessionId": "seen here"}, 3)
    page = shop.recommend({"userId": "u8", "sessionId": "seen here"}, 3, after=first["pageInfo"]["endCursor"])
    assert within(30.0, lambda: kept(page["recommendationId"]) is not None)
    found = kept(page["recommendationId"])
    assert found is not None
    assert found["products"] == [edge["node"]["productId"] for edge in page["edges"]]
    assert (found["ranks"], found["placements"]) == ([4, 5, 6], ["SCORE"] * 3)
    assert (found["model"], found["session"], found["who"]) == (page["modelVersion"], "seen here", "u8")


def test_somebody_unknown_stays_unnamed(shop: Client, kept: Callable[[str], dict[str, Any] | None]) -> None:
    answer = shop.recommend({"userId": "never seen before"}, 3)
    assert within(30.0, lambda: kept(answer["recommendationId"]) is not None)
    assert "never seen before" not in str(kept(answer["recommendationId"]))


def test_what_would_be_shown_is_not_what_was(shop: Client, kept: Callable[[str], dict[str, Any] | None]) -> None:
    trial = shop.recommend({"userId": "u8", "without": ["p1"]}, 3)
    answer = shop.recommend({"userId": "u8"}, 3)
    assert within(30.0, lambda: kept(answer["recommendationId"]) is not None)
    assert kept(trial["recommendationId"]) is None


def test_a_list_that_somebody_else_looks_at_is_not_shown_to_its_viewer(
    shop: Client, kept: Callable[[str], dict[str, Any] | None]
) -> None:
    query = """query($preview: Boolean!, $after: String) { recommendations(audience: {userId: "u8"}, first: 3,
        after: $after, preview: $preview) { recommendationId pageInfo { endCursor } edges { node { productId } } } }"""
    preview = shop.ask(query, preview=True)["recommendations"]
    more = shop.ask(query, preview=True, after=preview["pageInfo"]["endCursor"])["recommendations"]
    answer = shop.ask(query, preview=False)["recommendations"]
    assert preview["edges"] == answer["edges"]
    assert within(30.0, lambda: kept(answer["recommendationId"]) is not None)
    assert kept(preview["recommendationId"]) is kept(more["recommendationId"]) is None


def test_what_is_chosen_counts_for_the_answer_it_follows_from(
    shop: Client, kept: Callable[[str], dict[str, Any] | None]
) -> None:
    def counted() -> dict[int, tuple[int, int, int]]:
        rows = shop.ask(CLICKS, headers=EXPERT)["clickThrough"]
        found = {41: (0, 0, 0), 42: (0, 0, 0)}
        for row in rows:  # one for each placement
            if row["rank"] in found:
                shown, clicked, chosen = found[row["rank"]]
                found[row["rank"]] = (shown + row["shown"], clicked + row["clicked"], chosen + row["bought"])
        return found

    who = {"userId": "clicker"}
    shop.upsert(*({"productId": f"clicked {n}", "title": f"Clicked lamp {n}"} for n in range(3)))
    answer = shop.recommend(who, 42)
    chosen = [edge["node"]["productId"] for edge in answer["edges"]][40:42]
    assert len(chosen) == 2
    assert within(30.0, lambda: kept(answer["recommendationId"]) is not None)
    before = counted()
    follows = {"recommendationId": answer["recommendationId"], **who}
    shop.record(event(chosen[0], "view", **follows), event(chosen[0], **follows), event(chosen[1], "view", **follows))
    after = counted()
    assert after[41][1:] == (before[41][1] + 1, before[41][2] + 1)
    assert after[42][1:] == (before[42][1] + 1, before[42][2])


def test_a_storefront_tells_what_came_of_answers_to_its_user_and_to_nobody(
    visitor: Client, anonymous: Client, server: Client, kept: Callable[[str], dict[str, Any] | None]
) -> None:
    page, session = uuid4().hex, uuid4().hex
    server.record(event("p3", "view", userId="u7", sessionId=session))
    audiences = {
        "own": {"userId": "u6"},
        "foreign": {"userId": "u7"},
        "session of another": {"sessionId": session},
        "page": {"sessionId": page},
        "nobody's": {},
    }
    answers = {name: server.recommend(audience, 3)["recommendationId"] for name, audience in audiences.items()}
    assert within(30.0, lambda: all(kept(answer) for answer in answers.values()))

    def refused(client: Client, answer: str, **who: str) -> bool:
        """Whether an event that follows from an answer is, with another one of the same batch."""
        sound, follows = event("p1", "view", **who), event("p2", "view", recommendationId=answers[answer], **who)
        told = client.post(RECORD, e=[sound, follows])
        found = [(error["extensions"]["code"], error["extensions"]["field"]) for error in told.get("errors", ())]
        said = client.post(SAY, a=answers[answer], s=page)
        assert [error["extensions"]["code"] for error in said.get("errors", ())] == [code for code, _ in found]
        if not found:
            return False
        assert found == [("FORBIDDEN", "recommendationId")]
        assert server.record(sound)["accepted"] == [sound["eventId"]]
        return True

    theirs = {"foreign", "session of another"}
    assert {name for name in answers if refused(visitor, name, sessionId=page)} == theirs
    assert {name for name in answers if refused(anonymous, name, sessionId=page)} == {*theirs, "own"}
    assert not {name for name in answers if refused(server, name, sessionId=page)}
    assert {name for name in answers if refused(visitor, name, userId="u6")} == theirs


def test_only_experts_are_told_and_only_for_a_sensible_time(shop: Client) -> None:
    assert shop.post(CLICKS)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    error = shop.post(CLICKS, EXPERT, days=0)["errors"][0]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", "days")


def test_a_deleted_user_takes_along_what_was_shown(shop: Client, kept: Callable[[str], dict[str, Any] | None]) -> None:
    shop.record(event("p3", userId="shown and gone"))
    answer = shop.recommend({"userId": "shown and gone"}, 3)
    assert within(30.0, lambda: kept(answer["recommendationId"]) is not None)
    shop.ask('mutation { deleteUser(userId: "shown and gone") { deletedUserId } }')
    assert kept(answer["recommendationId"]) is None

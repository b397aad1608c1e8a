from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from graph import Feedback, FeedbackKind, FeedbackRecord, Query, Store
from tests.graph.shop_tables import fill, moment

NOW = datetime(2024, 2, 1, tzinfo=UTC)
NOT_INTERESTED, WRONG_REASON = FeedbackKind.NOT_INTERESTED, FeedbackKind.WRONG_REASON
NEVER = FeedbackKind.NEVER_THIS_CATEGORY


def said(
    kind: FeedbackKind, target: str, user: str | None = None, session: str | None = None, behaviour: str | None = None
) -> FeedbackRecord:
    return FeedbackRecord(kind, target, user, session, moment(9), behaviour, "r1")


def feedback(store: Store, **who: str) -> list[tuple[str, str, str | None]]:
    return [(f.kind.value, f.target, f.behaviour) for f in store.history(**who, as_of=NOW).feedback]


def test_feedback_comes_with_the_history_of_whoever_gave_it(store: Store) -> None:
    fill(store)
    before = store.history(user="ann", session="s1", as_of=NOW)
    assert store.record_feedback(said(NOT_INTERESTED, "mug", "ann"))
    assert store.record_feedback(said(WRONG_REASON, "tea", "ann", behaviour="purchase"))
    assert store.record_feedback(said(NEVER, "kitchen", session="s1"))
    after = store.history(user="ann", session="s1", as_of=NOW)
    assert (after.rows, after.change_number, after.context) == (before.rows, before.change_number, before.context)
    assert set(after.feedback) == {
        Feedback(NOT_INTERESTED, "mug", None, moment(9)),
        Feedback(WRONG_REASON, "tea", "purchase", moment(9)),
        Feedback(NEVER, "kitchen", None, moment(9)),
    }
    assert feedback(store, session="s1") == [("NEVER_THIS_CATEGORY", "kitchen", None)]
    assert feedback(store, user="bob") == []


def test_categories_of_which_anybody_wants_to_see_nothing(store: Store) -> None:
    fill(store)
    assert store.unwanted_categories() == []
    store.record_feedback(said(NEVER, "kitchen", session="s1"))
    for user in ("ann", "bob"):
        store.record_feedback(said(NEVER, "all", user))
    store.record_feedback(said(NOT_INTERESTED, "mug", "ann"))
    assert store.unwanted_categories() == ["all", "kitchen"]
    store.withdraw_feedback(said(NEVER, "kitchen", session="s1"))
    assert store.unwanted_categories() == ["all"]


def test_the_same_feedback_is_kept_once_and_taken_back_once(store: Store) -> None:
    fill(store)
    for who in ({"user": "new"}, {"session": "s1"}):
        one, other = said(WRONG_REASON, "tea", **who), said(WRONG_REASON, "tea", **who, behaviour="view")
        assert [store.record_feedback(given) for given in (one, other, one)] == [True, True, False]
        assert [store.withdraw_feedback(given) for given in (one, one)] == [True, False]
        assert feedback(store, **who) == [("WRONG_REASON", "tea", "view")]


@pytest.mark.parametrize(("kind", "target"), [(NOT_INTERESTED, "gone"), (NOT_INTERESTED, "kitchen"), (NEVER, "tea")])
def test_nothing_is_kept_about_what_does_not_exist(store: Store, kind: FeedbackKind, target: str) -> None:
    fill(store)
    assert not store.record_feedback(said(kind, target, "ann"))
    assert feedback(store, user="ann") == []


def test_threads_that_say_the_same_keep_it_once(store: Store) -> None:
    fill(store)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: store.record_feedback(said(NOT_INTERESTED, "tea", "new")), range(8)))
    assert sorted(results) == [False] * 7 + [True]
    assert len(feedback(store, user="new")) == 1


def test_feedback_reads_as_a_path_of_the_graph(store: Store) -> None:
    fill(store)
    store.record_feedback(said(NOT_INTERESTED, "tea", "ann"))
    store.record_feedback(said(NEVER, "kitchen", "bob"))
    rows = store.read(
        Query(
            "MATCH (u:User)-[:GAVE]->(f:Feedback)-[:ABOUT]->(n) "
            "RETURN u.id AS who, f.kind AS what, labels(n) AS type, n.id AS target ORDER BY who"
        )
    )
    assert rows == [
        {"who": "ann", "what": "NOT_INTERESTED", "type": ["Product"], "target": "tea"},
        {"who": "bob", "what": "NEVER_THIS_CATEGORY", "type": ["Category"], "target": "kitchen"},
    ]


def test_a_deleted_person_takes_along_what_they_said_and_what_their_sessions_did(store: Store) -> None:
    fill(store)
    store.record_feedback(said(NOT_INTERESTED, "tea", "ann"))
    store.record_feedback(said(NOT_INTERESTED, "pot", session="s1"))  # where ann has an event
    store.record_feedback(said(NOT_INTERESTED, "pot", session="s2"))
    store.record_feedback(said(NOT_INTERESTED, "pot", "bob"))
    assert store.delete_user("ann")
    left = store.read(Query("MATCH (f:Feedback) RETURN coalesce(f.session, 'a user') AS whose"))
    assert sorted(row["whose"] for row in left) == ["a user", "s2"]


def test_a_deleted_product_takes_along_what_was_said_of_it(store: Store) -> None:
    fill(store)
    store.record_feedback(said(NOT_INTERESTED, "tea", "ann"))
    store.delete_products(["tea"])
    assert store.read(Query("MATCH (f:Feedback) RETURN count(f) AS n")) == [{"n": 0}]

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from graph import FeedbackKind, FeedbackRecord, HistoryRow, Query, Store
from tests.graph.shop_tables import events, fill, moment, purchase

NOW = datetime(2024, 2, 1, tzinfo=UTC)


def test_a_linked_session_moves_what_is_nobodys_to_the_user(store: Store) -> None:
    fill(store)
    assert store.link_session("s1", "new") == 1  # the other event of s1 is ann's
    assert store.history(user="new", as_of=NOW).rows == [HistoryRow("tea", "view", 1, moment(7))]
    assert {row.product for row in store.history(session="s1", as_of=NOW).rows} == {"mug", "tea"}
    assert {row.product for row in store.history(user="ann", as_of=NOW).rows} == {"mug", "tea", "pot"}


def test_linking_again_moves_only_what_is_new(store: Store) -> None:
    fill(store)
    assert [store.link_session("s1", "new") for _ in range(2)] == [1, 0]
    store.record_events(events(purchase("n1", None, "pot", 8, session="s1")))
    assert [store.link_session("s1", "new"), store.link_session("s1", "other")] == [1, 0]
    assert store.history(user="other", as_of=NOW).rows == []
    assert len(store.history(user="new", as_of=NOW).rows) == 2


def test_a_session_of_nothing_makes_its_user(store: Store) -> None:
    fill(store)
    assert store.link_session("none", "new") == 0
    assert store.nodes("User", ["new"]).num_rows == 1


def test_what_was_said_in_a_session_moves_along(store: Store) -> None:
    fill(store)
    given = FeedbackRecord(FeedbackKind.NOT_INTERESTED, "tea", None, "s1", moment(9))
    store.record_feedback(given)
    store.link_session("s1", "new")
    for who in ({"user": "new"}, {"session": "s1"}, {"user": "new", "session": "s1"}):
        assert [f.target for f in store.history(**who, as_of=NOW).feedback] == ["tea"]
    assert store.withdraw_feedback(FeedbackRecord(given.kind, "tea", "new", None, moment(10)))
    assert store.history(session="s1", as_of=NOW).feedback == ()


def test_deleting_the_user_reaches_the_session(store: Store) -> None:
    fill(store)
    store.link_session("s1", "new")
    assert store.delete_user("new")
    assert {row.product for row in store.history(session="s1", as_of=NOW).rows} == {"mug"}


def test_of_two_users_who_are_linked_at_a_time_one_gets_the_session(store: Store) -> None:
    fill(store)
    store.load_events(events(*(purchase(f"n{n}", None, "pot", n, session="busy") for n in range(20))))
    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(lambda n: store.link_session("busy", f"user {n}"), range(4)))
    assert sorted(moved) == [0, 0, 0, 20]
    owners = store.read(Query("MATCH (u)-[:PERFORMED]->(e:Event {session: 'busy'}) RETURN count(*) AS n"))
    assert owners == [{"n": 20}]


def test_a_session_is_somebody_elses_by_what_they_did_or_said_in_it(store: Store) -> None:
    fill(store)
    store.record_events(events(purchase("n1", None, "pot", 8, session="nobodys")))
    store.record_feedback(FeedbackRecord(FeedbackKind.NOT_INTERESTED, "tea", None, "said", moment(9)))
    asked = ["s1", "nobodys", "said", "none", "s1"]
    assert store.sessions_of_others(asked, "ann") == []
    assert store.sessions_of_others(asked, "new") == store.sessions_of_others(asked, None) == ["s1"]
    store.link_session("said", "new")
    assert store.sessions_of_others(asked, "new") == ["s1"]
    assert store.sessions_of_others(asked, "ann") == ["said"]
    assert store.sessions_of_others(asked, None) == ["s1", "said"]

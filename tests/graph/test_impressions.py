from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from graph import Impression, Query, ServedCount, Shown, Store
from tests.graph.shop_tables import events, fill, moment, purchase


def impression(key: str, *shown: str, user: str | None = None, session: str | None = None) -> Impression:
    products = tuple(Shown(product, rank, "SCORE", 1.0) for rank, product in enumerate(shown, 1))
    return Impression(key, moment(10), user, session, "model 1", products)


def whose(store: Store) -> Iterator[tuple[str, str | None]]:
    query = "MATCH (i:Impression) OPTIONAL MATCH (u:User)-[:WAS_SHOWN]->(i) RETURN i.id AS id, u.id AS who ORDER BY id"
    return ((row["id"], row["who"]) for row in store.read(Query(query)))


def test_an_answer_is_kept_once_and_belongs_to_whom_the_store_knows(store: Store) -> None:
    fill(store)
    answers = [impression("r1", "tea", "pot", user="ann"), impression("r2", "tea", user="nobody"), impression("r3")]
    store.record_impressions(answers)
    store.record_impressions(answers[:1])
    assert list(whose(store)) == [("r1", "ann"), ("r2", None), ("r3", None)]
    (kept,) = store.read(Query("MATCH (i:Impression {id: 'r1'}) RETURN i.products AS p, i.ranks AS r, i.model AS m"))
    assert kept == {"p": ["tea", "pot"], "r": [1, 2], "m": "model 1"}
    assert "nobody" not in str(store.read(Query("MATCH (i:Impression) RETURN properties(i) AS p")))


def test_a_deleted_person_takes_along_what_was_shown_to_them_and_in_their_sessions(store: Store) -> None:
    fill(store)
    store.record_impressions([impression("r1", "tea", user="ann"), impression("r2", "tea", session="s1")])
    store.record_impressions([impression("r3", "tea", user="bob"), impression("r4", "tea", session="s2")])
    assert store.delete_user("ann")
    assert list(whose(store)) == [("r3", "bob"), ("r4", None)]


def test_what_was_shown_in_a_session_moves_with_it(store: Store) -> None:
    fill(store)
    store.record_impressions([impression("r1", "tea", session="s2"), impression("r2", "tea", session="s3")])
    store.link_session("s2", "new")
    assert list(whose(store)) == [("r1", "new"), ("r2", None)]


def test_an_answer_is_of_whoever_was_given_it_or_has_its_session(store: Store) -> None:
    fill(store)
    store.record_events(events(("n1", "ann", "pot", "view", 12, None, None, "s of ann")))
    told = [impression("r1", "tea", user="ann"), impression("r2", "tea", session="s of ann"), impression("r3", "tea")]
    both = impression("r4", "tea", user="bob", session="s of ann")
    store.record_impressions([*told, both, impression("r5", "tea", session="s of nobody")])
    asked = ["r1", "r2", "r3", "r4", "r5", "r1", "none"]
    assert store.answers_of_others(asked, "ann") == ["r4"]
    assert store.answers_of_others(asked, "bob") == ["r1", "r2"]
    assert store.answers_of_others(asked, None) == ["r1", "r2", "r4"]
    assert store.answers_of_others([], None) == []


def test_old_answers_are_deleted(store: Store) -> None:
    fill(store)
    store.record_impressions([impression(f"r{n}", "tea", user="ann") for n in range(2_001)])
    now = datetime.now(UTC)
    assert store.delete_impressions(now - timedelta(days=1)) == 0
    assert store.delete_impressions(now + timedelta(days=1)) == 2_001
    assert store.delete_impressions(now + timedelta(days=1)) == 0


def test_what_follows_from_an_answer_is_counted_once_for_each_product_in_it(store: Store) -> None:
    fill(store)
    explored = (Shown("tea", 1, "SCORE", 1.0), Shown("pot", 2, "EXPLORATION", 0.25), Shown("hat", 3, "RULE", None))
    store.record_impressions(
        [
            Impression("r1", moment(10), "ann", None, "model 1", explored),
            Impression("r2", moment(11), "bob", None, "model 1", explored),
            impression("r3", "tea"),
        ]
    )
    told = events(
        ("n1", "ann", "pot", "view", 12, None, None, None),
        purchase("n2", "ann", "pot", 13),
        purchase("n3", "bob", "tea", 13),
        ("n4", "bob", "mug", "view", 13, None, None, None),  # not in the answer
        ("n5", "bob", "hat", "view", 13, None, None, None),  # from nowhere
    )
    store.record_events(told, {"n1": "r1", "n2": "r1", "n3": "r2", "n4": "r2"})
    assert sorted(store.served_counts(datetime.now(UTC) - timedelta(hours=1)), key=lambda count: count.rank) == [
        ServedCount("model 1", "SCORE", 1, 1.0, 3, 1, 1),
        ServedCount("model 1", "EXPLORATION", 2, 0.25, 2, 1, 1),
        ServedCount("model 1", "RULE", 3, None, 2, 0, 0),
    ]
    assert store.served_counts(datetime.now(UTC) + timedelta(hours=1)) == []

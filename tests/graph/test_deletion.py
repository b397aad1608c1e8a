from datetime import UTC, datetime

from graph import Query, Store
from graph.changes import meeting_key
from schema.ontology import default_ontology
from schema.pseudonym import pseudonym
from tests.graph.shop_tables import SHOP_EVENTS, events, fill, purchase

NOW = datetime(2024, 2, 1, tzinfo=UTC)


def test_deleted_events_are_gone_and_named(store: Store) -> None:
    fill(store)
    assert store.delete_events(["e1", "gone", "e9"]) == ["e1", "e9"]
    assert store.delete_events(["e1"]) == []
    assert store.counts()["Event"] == 7
    assert {row.product for row in store.history(user="ann", session="s1", as_of=NOW).rows} == {"mug", "pot"}


def held(gone: set[str]) -> set[str]:
    """Keys of all meetings without some events, by plain loops over the table."""
    keys = set()
    for name, meeting in default_ontology().meetings.items():
        column = {"user": 1, "basket": 6, "session": 7}[meeting.by]
        for row in SHOP_EVENTS:
            if row[0] not in gone and row[3] in meeting.behaviours and row[column] is not None:
                keys.add(meeting_key(name, pseudonym(meeting.by, str(row[column])), row[2]))
    return keys


def test_a_meeting_is_removed_only_when_no_event_holds_it_any_more(store: Store) -> None:
    fill(store)
    gone: set[str] = set()
    for event in ("e6", "e7", "e8", "e2", "e9"):  # cid bought the pot twice, in two baskets
        before, number = held(gone), store.change_number()
        store.delete_events([event])
        gone.add(event)
        logged = [(change.kind, set(change.keys)) for change in store.changes(number)]
        removed = before - held(gone)
        assert logged == ([("MEETINGS_REMOVED", removed)] if removed else [])
    assert meeting_key("CO_BUYER", pseudonym("user", "cid"), "pot") in held({"e6"}) - held({"e6", "e7"})


def test_a_deleted_person_leaves_nothing_behind(store: Store) -> None:
    fill(store)
    number = store.change_number()
    assert store.delete_user("cid")
    assert not store.delete_user("cid")
    assert store.history(user="cid", as_of=NOW).rows == []
    assert (store.counts()["User"], store.counts()["Event"]) == (2, 6)
    user, removed = store.changes(number)
    assert (user.kind, user.keys) == ("USER_DELETED", (pseudonym("user", "cid"),))
    assert set(removed.keys) == held(set()) - held({"e5", "e6", "e7"})
    everything = str(store.read(Query("MATCH (n) RETURN properties(n) AS p")))
    assert "'cid'" not in everything


def test_a_deleted_product_takes_its_events_along(store: Store) -> None:
    fill(store)
    number = store.change_number()
    assert store.delete_products(["tea", "gone"]) == ["tea"]
    assert store.counts()["Event"] == 5
    assert store.product_cards(["tea"]) == {}
    assert [(c.kind, c.keys) for c in store.changes(number)] == [("PRODUCTS_DELETED", ("tea",))]
    assert store.load_events(events(purchase("n", "ann", "tea"))).missing == ("tea",)


def test_the_shop_can_be_loaded_again_after_deletions(store: Store) -> None:
    fill(store)
    counts = store.counts()
    store.delete_products(["tea"])
    store.delete_user("ann")
    fill(store)
    assert store.counts() == counts

from datetime import UTC, datetime

from graph import Query, Store
from graph.changes import meeting_key
from schema.pseudonym import pseudonym
from tests.graph.shop_tables import events, fill, purchase

NOW = datetime(2024, 2, 1, tzinfo=UTC)


def test_deleted_events_are_gone_and_named(store: Store) -> None:
    fill(store)
    assert store.delete_events(["e1", "gone", "e9"]) == ["e1", "e9"]
    assert store.delete_events(["e1"]) == []
    assert store.counts()["Event"] == 7
    assert {row.product for row in store.history(user="ann", session="s1", as_of=NOW).rows} == {"mug", "pot"}


def test_a_meeting_is_removed_only_when_no_event_holds_it_any_more(store: Store) -> None:
    fill(store)
    number = store.change_number()
    store.delete_events(["e6"])  # cid bought the pot once more, in another basket
    store.delete_events(["e7"])
    cid, basket4, basket5 = pseudonym("user", "cid"), pseudonym("basket", "b4"), pseudonym("basket", "b5")
    assert [(c.kind, set(c.keys)) for c in store.changes(number)] == [
        ("MEETINGS_REMOVED", {meeting_key("SAME_BASKET", basket4, "pot")}),
        ("MEETINGS_REMOVED", {meeting_key("CO_BUYER", cid, "pot"), meeting_key("SAME_BASKET", basket5, "pot")}),
    ]


def test_deleting_a_view_removes_no_meeting(store: Store) -> None:
    fill(store)
    number = store.change_number()
    assert store.delete_events(["e8", "e9"]) == ["e8", "e9"]
    assert [c.keys for c in store.changes(number)] == []


def test_a_deleted_person_leaves_nothing_behind(store: Store) -> None:
    fill(store)
    number = store.change_number()
    assert store.delete_user("cid")
    assert not store.delete_user("cid")
    assert store.history(user="cid", as_of=NOW).rows == []
    assert (store.counts()["User"], store.counts()["Event"]) == (2, 6)
    user, removed = store.changes(number)
    assert (user.kind, user.keys) == ("USER_DELETED", (pseudonym("user", "cid"),))
    assert meeting_key("SAME_BASKET", pseudonym("basket", "b4"), "tea") in removed.keys
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

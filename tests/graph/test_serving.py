import time
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from graph import CategoryRow, HistoryRow, KnownUser, Named, Store
from tests.graph.shop_tables import SHOP_EVENTS, events, fill, moment

NOW = datetime(2024, 2, 1, tzinfo=UTC)


def test_a_history_joins_the_events_of_one_behaviour_with_one_product(store: Store) -> None:
    fill(store)
    rows = store.history(user="cid", as_of=NOW).rows
    assert sorted(rows) == [HistoryRow("pot", "purchase", 2, moment(5)), HistoryRow("tea", "purchase", 1, moment(4))]


def test_a_history_ends_at_its_moment(store: Store) -> None:
    fill(store)
    assert sorted(store.history(user="cid", as_of=moment(4)).rows) == [
        HistoryRow("pot", "purchase", 1, moment(4)),
        HistoryRow("tea", "purchase", 1, moment(4)),
    ]
    assert store.history(user="cid", as_of=moment(3)).rows == []


def test_an_event_of_both_user_and_session_counts_once(store: Store) -> None:
    fill(store)
    session = {HistoryRow("mug", "view", 1, moment(6)), HistoryRow("tea", "view", 1, moment(7))}
    user = {HistoryRow(p, "purchase", 1, moment(1)) for p in ("tea", "pot")} | {HistoryRow("mug", "view", 1, moment(6))}
    assert set(store.history(session="s1", as_of=NOW).rows) == session
    assert set(store.history(user="ann", as_of=NOW).rows) == user
    assert set(store.history(user="ann", session="s1", as_of=NOW).rows) == user | session


def test_nobody_has_an_empty_history_that_knows_the_change_number(store: Store) -> None:
    fill(store)
    for who in ({}, {"user": "nobody"}, {"session": "none"}, {"user": "nobody", "session": "none"}):
        found = store.history(**who, as_of=NOW)
        assert (found.rows, found.change_number) == ([], store.change_number())
    assert store.change_number() > 0


def test_a_history_comes_with_what_the_ontology_calls_a_context(store: Store) -> None:
    fill(store)
    store.load_nodes("User", pa.table({"id": ["ann", "idle"], "country": ["AT", "BE"]}))
    assert store.history(user="ann", as_of=NOW).context == {"country": "AT"}
    assert store.history(user="ann", session="s1", as_of=NOW).context == {"country": "AT"}
    assert store.history(user="idle", as_of=NOW).context == {"country": "BE"}
    for who in ({"user": "bob"}, {"user": "nobody"}, {"session": "s1"}, {}):
        assert store.history(**who, as_of=NOW).context == {}


def test_a_history_says_how_its_products_are_called_as_of_now(store: Store) -> None:
    fill(store)
    assert store.history(user="cid", as_of=NOW).titles == {"pot": "title of pot", "tea": "title of tea"}
    store.load_nodes("Product", pa.table({"id": ["pot", "tea"], "title": ["Iron pot", None]}))
    assert store.history(user="cid", as_of=NOW).titles["pot"] == "Iron pot"
    assert store.history(user="cid", session="s1", as_of=NOW).titles["mug"] == "title of mug"
    assert store.history(user="nobody", as_of=NOW).titles == {}


def test_what_was_met_is_told_by_when_it_was_written(store: Store) -> None:
    start = datetime.now(UTC) - timedelta(milliseconds=1)
    fill(store)
    between = datetime.now(UTC) + timedelta(milliseconds=1)
    while datetime.now(UTC) <= between:
        time.sleep(0.001)
    store.record_events(events(("late", "ann", "pot", "view", 3, None, None, None)))
    end = datetime.now(UTC)
    first, second = store.recorded_between(start, between), store.recorded_between(between, end)
    assert sorted((met.product, met.time_ms) for met in first) == sorted(
        (row[2], int(moment(row[4]).timestamp() * 1000)) for row in SHOP_EVENTS
    )
    (late,) = second
    assert (late.product, late.time_ms) == ("pot", int(moment(3).timestamp() * 1000))
    assert between.timestamp() * 1000 <= late.recorded_ms + 1 <= end.timestamp() * 1000 + 1
    assert store.recorded_between(end, end + timedelta(days=1)) == []


def test_an_event_that_is_told_twice_keeps_the_time_of_its_first_writing(store: Store) -> None:
    start = datetime.now(UTC) - timedelta(milliseconds=1)
    fill(store)
    before = store.recorded_between(start, datetime.now(UTC) + timedelta(days=1))
    fill(store)
    assert sorted(store.recorded_between(start, datetime.now(UTC) + timedelta(days=1))) == sorted(before)


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        store.history(user="ann", as_of=datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_card_holds_what_a_shopper_sees(store: Store) -> None:
    fill(store)
    cards = store.product_cards(["hat", "gone", "tea", "hat"])
    assert list(cards) == ["hat", "tea"]
    assert cards["tea"].properties == {"title": "title of tea", "price": 3.0}
    assert cards["tea"].categories == (Named("kitchen", "Kitchen"),)
    assert cards["tea"].brand == Named("acme", "Acme")
    assert cards["hat"].brand is None


def test_categories_come_with_the_one_above(store: Store) -> None:
    fill(store)
    assert store.categories() == [CategoryRow("all", "All", None), CategoryRow("kitchen", "Kitchen", "all")]


def test_a_category_holds_the_products_of_its_descendants(store: Store) -> None:
    fill(store)
    found = store.category_products(["all", "kitchen", "none"])
    assert found == {"all": ["hat", "pot", "tea"], "kitchen": ["pot", "tea"], "none": []}


def test_users_come_by_id_with_how_many_events_are_theirs(store: Store) -> None:
    fill(store)
    store.load_nodes("User", pa.table({"id": ["anna", "ann's"], "country": ["AT", "BE"]}))
    assert store.users() == [
        KnownUser("ann", 3, moment(6)),
        KnownUser("ann's", 0, None),
        KnownUser("anna", 0, None),
        KnownUser("bob", 2, moment(3)),
        KnownUser("cid", 3, moment(5)),
    ]
    assert [user.id for user in store.users("ann", 2)] == ["ann", "ann's"]
    assert store.users("ann'") == [KnownUser("ann's", 0, None)]

from datetime import UTC, datetime, timedelta

from graph import Arrival, FeedbackKind, FeedbackRecord, Store
from tests.graph.shop_tables import events, fill, moment, purchase


def test_what_is_told_arrives_and_what_is_loaded_does_not(store: Store) -> None:
    fill(store)
    start = datetime.now(UTC)
    assert store.arrivals(start - timedelta(seconds=5)) == []
    store.record_events(
        events(purchase("n1", "ann", "tea"), purchase("n2", None, "tea", session="s9"), purchase("n3", "ann", "pot"))
    )
    store.record_feedback(FeedbackRecord(FeedbackKind.NOT_INTERESTED, "tea", "bob", None, moment(9)))
    found = store.arrivals(start)
    assert set(found) >= {Arrival("n1", "ann", None), Arrival("n2", None, "s9"), Arrival("n3", "ann", None)}
    assert [(arrival.user, arrival.session) for arrival in found if arrival.id[0] != "n"] == [("bob", None)]
    assert store.arrivals(datetime.now(UTC) + timedelta(seconds=1)) == []

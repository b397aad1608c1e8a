import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from graph import Store, connect
from schema.errors import RecordError
from tests.graph.shop_tables import events, fill, products, purchase, relations


def test_recorded_events_are_sorted_by_what_became_of_them(store: Store) -> None:
    fill(store)
    recorded = store.record_events(
        events(
            purchase("n1", "ann", "tea"),
            purchase("n1", "ann", "tea"),
            purchase("e1", "ann", "tea"),
            purchase("n2", "ann", "gone"),
            purchase("n3", "new", "pot"),
        )
    )
    assert (recorded.accepted, recorded.duplicates, recorded.unknown_products) == (["n1", "n3"], ["n1", "e1"], ["n2"])
    assert [row.product for row in store.history(user="new", as_of=datetime.now(UTC)).rows] == ["pot"]


def test_recording_nothing_does_nothing(store: Store) -> None:
    assert store.record_events(events()).accepted == []


def test_more_than_a_thousand_events_at_once_are_refused(store: Store) -> None:
    with pytest.raises(RecordError, match="at most 1000"):
        store.record_events(events(*(purchase(f"e{i}", "ann", "tea") for i in range(1001))))


def test_threads_record_and_change_at_the_same_time_without_loss(store: Store) -> None:
    store.load_nodes("Product", products("tea", "pot"))
    first = store.change_number()

    def work(worker: int) -> None:
        for turn in range(10):
            # The same user and products for all, and one event that all of them write.
            store.record_events(
                events(purchase(f"w{worker}-{turn}", "ann", "tea"), purchase(f"all-{turn}", f"u{turn}", "pot"))
            )
            store.load_nodes("Product", products(f"p{worker}-{turn}"))
            store.load_relations("COMPLEMENTS", relations(("tea", "pot", float(worker * 10 + turn + 1))))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    counts = store.counts()
    assert (counts["Event"], counts["User"], counts["Product"], counts["COMPLEMENTS"]) == (50, 11, 42, 1)
    numbers = [change.number for change in store.changes(first)]
    assert numbers == list(range(first + 1, store.change_number() + 1))
    assert len(numbers) >= 40


RECORD = """
import sys
from graph import connect
from tests.graph.shop_tables import events, purchase
with connect(sys.argv[1]) as store:
    for turn in range(15):
        store.record_events(events(purchase(f"{sys.argv[2]}-{turn}", "ann", "tea")))
"""


def test_processes_record_at_the_same_time_without_loss(store_url: str, store: Store) -> None:
    store.load_nodes("Product", products("tea"))
    workers = [subprocess.Popen([sys.executable, "-c", RECORD, store_url, str(n)]) for n in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert store.history(user="ann", as_of=datetime.now(UTC)).rows[0].events == 45


def test_two_stores_of_one_process_see_each_others_events_at_once(store_url: str, store: Store) -> None:
    fill(store)
    with connect(store_url) as other:
        for turn in range(5):
            other.record_events(events(purchase(f"n{turn}", "new", "tea")))
            assert store.history(user="new", as_of=datetime.now(UTC)).rows[0].events == turn + 1

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_shop import Event, SmallShop

from ingestion.finetuning.pairs import LARGEST, PARTNERS, meetings_of
from schema import Snapshot, open_snapshot

# Mug and spoon three times together, the tea in every basket.
BASKETS = [(0, 1, 2)] * 3 + [(2, 3), (2, 4), (2, 5)]


def shop(*baskets: tuple[int, ...], products: int = 6) -> SmallShop:
    events: list[Event] = [
        (0, product, "purchase", float(number), f"b{number}")
        for number, basket in enumerate(baskets)
        for product in basket
    ]
    return SmallShop(products, 1, events)


def pairs_of(snapshot: Snapshot) -> dict[tuple[int, int], float]:
    pairs = meetings_of(snapshot).pairs()
    return {(int(a), int(b)): float(w) for a, b, w in zip(pairs.first, pairs.second, pairs.weight, strict=True)}


def test_what_is_in_every_basket_is_nobodys_partner(tmp_path: Path) -> None:
    assert pairs_of(shop(*BASKETS).write(tmp_path / "s")) == pytest.approx({(0, 1): 1.0, (1, 0): 1.0})


def test_an_order_of_very_many_products_says_nothing_about_any_two(tmp_path: Path) -> None:
    many = LARGEST + 1
    wholesale = [tuple(range(many))] * 5
    snapshot = shop(*BASKETS, *wholesale, products=many).write(tmp_path / "s")
    assert set(pairs_of(snapshot)) == {(0, 1), (1, 0)}


def test_products_that_met_twice_are_no_pair(tmp_path: Path) -> None:
    assert pairs_of(shop(*BASKETS[1:]).write(tmp_path / "s")) == {}


def test_a_visit_counts_as_a_basket_does(tmp_path: Path) -> None:
    folder = shop(*BASKETS).write(tmp_path / "s").path
    events = pq.read_table(folder / "events.parquet")
    names = ["session" if name == "basket" else "basket" if name == "session" else name for name in events.column_names]
    pq.write_table(events.rename_columns(names), folder / "events.parquet")
    assert set(pairs_of(open_snapshot(folder, verify=False))) == {(0, 1), (1, 0)}


def test_a_product_keeps_its_strongest_partners(tmp_path: Path) -> None:
    # Product 0 meets each other one; the higher its number, the more often that one is bought without it.
    others = PARTNERS + 5
    together = [(0, other) for other in range(1, others + 1)] * 3
    alone = [(other, others + 1) for other in range(1, others + 1) for _ in range(other)]
    unrelated = [(others + 1, others + 2)] * 200
    pairs = pairs_of(shop(*together, *alone, *unrelated, products=others + 3).write(tmp_path / "s"))
    assert sorted(b for a, b in pairs if a == 0) == list(range(1, PARTNERS + 1))


def test_products_that_met_once_more_than_by_chance_are_known_to_go_together(tmp_path: Path) -> None:
    meetings = meetings_of(shop(*BASKETS).write(tmp_path / "s"))
    known = meetings.together(np.array([0, 1, 2, 3]))
    assert np.argwhere(np.triu(known, 1)).tolist() == [[0, 1]]

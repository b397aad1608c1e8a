"""A small shop as tables, for the tests of the store."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from graph import Store
from schema.tables import EVENTS, RELATIONS, TIME

START = datetime(2024, 1, 1, tzinfo=UTC)

EventRow = tuple[str, str | None, str, str, int, float | None, str | None, str | None]


def moment(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def products(*ids: str) -> pa.Table:
    return pa.table({"id": list(ids), "title": [f"title of {i}" for i in ids], "price": [float(len(i)) for i in ids]})


def relations(*rows: tuple[str, str, float | None]) -> pa.Table:
    source, target, weight = zip(*rows, strict=True) if rows else ((), (), ())
    columns = [pa.array(source), pa.array(target), pa.array(weight, pa.float32()), pa.nulls(len(rows), TIME)]
    return pa.table(columns, schema=RELATIONS)


def events(*rows: EventRow) -> pa.Table:
    """Rows of id, user, product, behaviour, minutes since the start, value, basket, session."""
    timed = [(*row[:4], moment(row[4]), *row[5:]) for row in rows]
    columns = list(zip(*timed, strict=True)) or [()] * len(EVENTS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, EVENTS, strict=True)], schema=EVENTS)


def purchase(
    key: str, user: str | None, product: str, minutes: int = 0, *, basket: str | None = None, session: str | None = None
) -> EventRow:
    return (key, user, product, "purchase", minutes, 1.0, basket, session)


SHOP_EVENTS: Sequence[EventRow] = (
    purchase("e1", "ann", "tea", 1, basket="b1"),
    purchase("e2", "ann", "pot", 1, basket="b1"),
    purchase("e3", "bob", "tea", 2, basket="b2"),
    purchase("e4", "bob", "mug", 3, basket="b3"),
    purchase("e5", "cid", "tea", 4, basket="b4"),
    purchase("e6", "cid", "pot", 4, basket="b4"),
    purchase("e7", "cid", "pot", 5, basket="b5"),
    ("e8", "ann", "mug", "view", 6, None, None, "s1"),
    ("e9", None, "tea", "view", 7, None, None, "s1"),
)


def fill(store: Store) -> None:
    """Four products in a tree of two categories, three shoppers, nine events."""
    store.load_nodes("Product", products("tea", "pot", "mug", "hat"))
    store.load_nodes("Category", pa.table({"id": ["all", "kitchen"], "name": ["All", "Kitchen"]}))
    store.load_nodes("Brand", pa.table({"id": ["acme"], "name": ["Acme"]}))
    store.load_relations("CHILD_OF", relations(("kitchen", "all", None)))
    store.load_relations(
        "IN_CATEGORY", relations(("tea", "kitchen", None), ("pot", "kitchen", None), ("hat", "all", None))
    )
    store.load_relations("MADE_BY", relations(("tea", "acme", None)))
    store.load_relations("COMPLEMENTS", relations(("tea", "pot", 0.5), ("mug", "tea", 2.0)))
    store.load_events(events(*SHOP_EVENTS))

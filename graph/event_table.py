"""All events of a store as one table.

A product's events and a user's are read apart and joined here by the event's id: to follow both relations of each
event at once takes the embedded engine twice as long. Whose an event is is read last, so that what is written
meanwhile is left out and never taken for something of nobody's.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.columns import Row, as_table, read_pieces
from graph.connection import Connection
from graph.cypher import Query
from schema.tables import TIME

PIECE = 40_000
"""About so many events are in an answer."""

NAMES = pa.dictionary(pa.int32(), pa.string())
_REST = [
    pa.field("behaviour", NAMES, nullable=False),
    pa.field("time", TIME, nullable=False),
    pa.field("value", pa.float64()),
    pa.field("basket", NAMES),
    pa.field("session", NAMES),
]
_ID, _PRODUCT = pa.field("id", pa.string(), nullable=False), pa.field("product", NAMES, nullable=False)
OF_PRODUCTS = pa.schema([_ID, _PRODUCT, *_REST])
"""Events without those who did it."""
OWNERS = pa.schema([_ID, pa.field("user", NAMES, nullable=False)])
"""Events of known users."""
READ_EVENTS = pa.schema([_ID, pa.field("user", NAMES), _PRODUCT, *_REST])
"""`schema.tables.EVENTS` with names as codes."""

# A list for each column travels and decodes faster than one for each event. Lists leave nulls out,
# so what may be null has a stand-in: not a number, no text.
COLUMNS = (
    "collect(e.id) AS ids, collect(e.behaviour) AS behaviours, collect(e.time) AS times, "
    "collect(coalesce(e.value, $nan)) AS amounts, collect(coalesce(e.basket, '')) AS baskets, "
    "collect(coalesce(e.session, '')) AS sessions "
    "RETURN collect([id, ids, behaviours, times, amounts, baskets, sessions])"
)
_PLAIN = pa.schema([_ID, *(field.with_type(pa.string()) if field.type == NAMES else field for field in _REST)])
WHOLE = "e.id IS NOT NULL AND e.behaviour IS NOT NULL AND e.time IS NOT NULL"
"""What an event must have; somebody may have written one by hand."""
_EXISTING = 5_000


def all_events(
    connection: Connection,
    products: Sequence[str],
    read_users: Callable[[], Sequence[str]],
    total: int,
    until: int | None = None,
) -> pa.Table:
    """All events, `READ_EVENTS`.

    Args:
        connection: where.
        products: ids of all there are.
        read_users: tells those of all users, when the events are read.
        total: how many events there are, about.
        until: the last moment, in milliseconds; all events if None.
    """
    events = events_of(connection, products, piece_size(total, len(products)), until)
    users = read_users()
    return joined(events, owners_of(connection, users, piece_size(total, len(users))))


def events_of(connection: Connection, products: Sequence[str], size: int, until: int | None = None) -> pa.Table:
    """Events of some products, `OF_PRODUCTS`.

    Args:
        connection: where.
        products: ids.
        size: products of a piece.
        until: the last moment, in milliseconds; all events if None.
    """
    when = "" if until is None else " AND e.time <= $until"
    text = f"UNWIND $ids AS id MATCH (p:Product {{id: id}})<-[:ON]-(e) WHERE {WHOLE}{when} WITH id, {COLUMNS}"
    parameters = nan() | ({} if until is None else {"until": until})
    return whole(OF_PRODUCTS, read_pieces(connection, text, products, size, events_table, parameters))


def owners_of(connection: Connection, users: Sequence[str], size: int) -> pa.Table:
    """Whose events are, `OWNERS`, of some users; `size` of them are of a piece."""
    text = (
        "UNWIND $ids AS id MATCH (u:User {id: id})-[:PERFORMED]->(e) WHERE e.id IS NOT NULL "
        "WITH id, collect(e.id) AS events RETURN collect([id, events])"
    )
    return whole(OWNERS, read_pieces(connection, text, users, size, owners_table))


def joined(events: pa.Table, owners: pa.Table) -> pa.Table:
    """Events, `OF_PRODUCTS`, with those who did it, `READ_EVENTS`."""
    place = pc.index_in(events.column("id"), value_set=owners.column("id").combine_chunks())
    owner = owners.column("user").unify_dictionaries().combine_chunks()
    codes = owner.indices.take(place.combine_chunks())
    users = pa.DictionaryArray.from_arrays(codes, owner.dictionary)
    return events.add_column(1, READ_EVENTS.field("user"), users)


def nan() -> dict[str, object]:
    """The value that `COLUMNS` need."""
    return {"nan": math.nan}


def piece_size(events: int, groups: int) -> int:
    """How many products or users are of a piece, where all of them have so many events."""
    return min(max(PIECE * groups // max(events, 1), 1), PIECE)


def existing(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Which events are still there."""
    found: set[str] = set()
    for start in range(0, len(ids), _EXISTING):
        text = "UNWIND $ids AS id MATCH (e:Event {id: id}) RETURN e.id"
        found.update(key for (key,) in connection.stream(Query(text, {"ids": list(ids[start : start + _EXISTING])})))
    return found


def whole(schema: pa.Schema, pieces: Iterable[pa.Table]) -> pa.Table:
    """One table of pieces, of which there may be none."""
    return pa.concat_tables([schema.empty_table(), *pieces])


def events_table(rows: Iterator[Row]) -> pa.Table:
    """Rows of a product and its `COLUMNS` as `OF_PRODUCTS`."""
    products: list[str] = []
    lengths: list[int] = []
    columns: list[list[object]] = [[] for _ in _PLAIN]
    for product, *lists in rows:
        products.append(product)
        lengths.append(len(lists[0]))
        for column, values in zip(columns, lists, strict=True):
            column.extend(values)
    table = as_table("Event", columns, _PLAIN)
    value = pc.if_else(pc.is_nan(table["value"]), None, table["value"])
    texts = {name: _coded(table[name]) for name in ("behaviour", "basket", "session")}
    product = _repeated(products, lengths)
    arrays = [table["id"], product, texts["behaviour"], table["time"], value, texts["basket"], texts["session"]]
    return pa.table(arrays, schema=OF_PRODUCTS)


def owners_table(rows: Iterator[Row]) -> pa.Table:
    """Rows of a user and their events as `OWNERS`."""
    users: list[str] = []
    lengths: list[int] = []
    events: list[str] = []
    for user, done in rows:
        users.append(user)
        lengths.append(len(done))
        events.extend(done)
    return pa.table([as_table("Event", [events], pa.schema([_ID]))["id"], _repeated(users, lengths)], schema=OWNERS)


def _coded(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(texts, ""), None, texts).dictionary_encode()


def _repeated(names: Sequence[str], times: Sequence[int]) -> pa.DictionaryArray:
    codes = np.repeat(np.arange(len(names), dtype=np.int32), times)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))

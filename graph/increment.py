"""What has changed in a graph since an earlier snapshot, so that the rest need not be read again.

The graph is the truth, whoever wrote into it: the engine counts the events of every product and user and adds up their
times, and where that is not what the earlier snapshot and the newly recorded events give, they are read again. What
nobody can see in this way is an event that was there before and got another behaviour, value, basket or session by
hand; nothing in Pathrec does that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.columns import Row, read_pieces
from graph.connection import Connection
from graph.cypher import quoted
from graph.event_table import (
    COLUMNS,
    OF_PRODUCTS,
    OWNERS,
    READ_EVENTS,
    WHOLE,
    all_events,
    events_of,
    events_table,
    joined,
    nan,
    owners_of,
    owners_table,
    piece_size,
    whole,
)
from graph.features import embedding
from graph.times import to_ms
from schema.snapshot import Snapshot

# Clocks of several machines differ, and a transaction is committed some time after its events were dated.
_BEFORE = timedelta(minutes=10)
_BY_ID = 5_000
# To find an event by its id takes about as long as to read so many together.
_ALONE = 5

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Counted:
    """What the engine counted of some nodes, (n,) each, and ids of events that may be new."""

    events: Int64
    times: Int64
    recent: pa.Array


def changed_events(
    connection: Connection,
    products: Sequence[str],
    read_users: Callable[[], Sequence[str]],
    old: Snapshot,
    total: int,
) -> pa.Table:
    """All events, `graph.event_table.READ_EVENTS`: those of before that still hold, and what is new or differs.

    Args:
        connection: where.
        products: ids of all there are.
        read_users: tells those of all users, when the events are read.
        old: the earlier snapshot.
        total: how many events there are, about.
    """
    size = piece_size(total, len(products))
    counted = _count_products(connection, products, size, old)
    if len(counted.recent) * _ALONE > total:
        return all_events(connection, products, read_users, total)
    known = events_of_snapshot(old)
    recent = _events_by_id(connection, counted.recent)
    events = _without(known, "id", counted.recent)
    events = pa.concat_tables([events.drop_columns(["user"]), recent])
    differing = _ids_where(products, _differs(events, "product", products, counted, _origin(old)))
    again = events_of(connection, differing, size)
    events = pa.concat_tables([_without(events, "product", pa.array(differing, pa.string())), again])
    owners = _owners(connection, events, known, counted.recent)
    users = read_users()
    return _with_owners(connection, events, owners, users, piece_size(total, len(users)), _origin(old))


def events_of_snapshot(snapshot: Snapshot) -> pa.Table:
    """Events of a snapshot as they are read from a store, `graph.event_table.READ_EVENTS`."""
    events = snapshot.events()
    for name, label in (("user", "User"), ("product", "Product")):
        ids = snapshot.nodes(label).column("id").combine_chunks()
        codes = pa.DictionaryArray.from_arrays(events.column(name).combine_chunks(), ids)
        events = events.set_column(events.column_names.index(name), name, codes)
    return events.cast(READ_EVENTS)


def same_vectors(
    connection: Connection, label: str, modality: str, ids: Sequence[str], old: npt.NDArray[np.floating], size: int
) -> npt.NDArray[np.bool_]:
    """(N,) whether a node has the vector that it had before, as far as its first and last numbers tell.

    Args:
        connection: where.
        label, modality: which vectors.
        ids: of the nodes.
        old: (N, d) what they had, zeros for none.
        size: nodes of a piece.
    """
    name = f"n.{quoted(embedding(modality))}"
    text = (
        f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) WHERE {name} IS NOT NULL "
        f"RETURN collect([n.id, size({name}), {name}[0], {name}[size({name}) - 1]])"
    )
    positions = {key: row for row, key in enumerate(ids)}
    width = old.shape[1]
    now = np.zeros((len(ids), 2), np.float32)
    for found in read_pieces(connection, text, ids, size, list):
        for key, length, first, last in found:
            now[positions[key]] = (first, last) if length == width else 0
    return np.asarray((now == old[:, [0, -1]]).all(axis=1))


def _count_products(connection: Connection, products: Sequence[str], size: int, old: Snapshot) -> _Counted:
    text = (
        f"UNWIND $ids AS id MATCH (p:Product {{id: id}})<-[:ON]-(e) WHERE {WHOLE} "
        "WITH id, count(*) AS events, sum(e.time - $origin) AS times, "
        "collect(CASE WHEN e.recorded IS NULL OR e.recorded >= $since THEN e.id END) AS recent "
        "RETURN collect([id, events, times, recent])"
    )
    parameters = {"origin": _origin(old), "since": to_ms(old.manifest.created_at - _BEFORE)}
    return _counts(products, read_pieces(connection, text, products, size, list, parameters))


def _count_users(connection: Connection, users: Sequence[str], size: int, origin: int) -> _Counted:
    text = (
        "UNWIND $ids AS id MATCH (u:User {id: id})-[:PERFORMED]->(e) "
        "WITH id, count(*) AS events, sum(e.time - $origin) AS times RETURN collect([id, events, times, []])"
    )
    return _counts(users, read_pieces(connection, text, users, size, list, {"origin": origin}))


def _counts(ids: Sequence[str], pieces: Iterator[list[Row]]) -> _Counted:
    positions = {key: row for row, key in enumerate(ids)}
    events, times = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
    recent: list[str] = []
    for key, count, time, some in (row for piece in pieces for row in piece):
        events[positions[key]], times[positions[key]] = count, time
        recent += some
    return _Counted(events, times, pa.array(recent, pa.string()))


def _differs(
    events: pa.Table, column: str, ids: Sequence[str], counted: _Counted, origin: int
) -> npt.NDArray[np.bool_]:
    """(n,) of which ids the events are not what the engine counted."""
    coded = events.column(column).unify_dictionaries().combine_chunks()
    place = pc.index_in(coded.dictionary, value_set=pa.array(ids, pa.string())).take(coded.indices)
    there = pc.is_valid(place)
    rows = place.filter(there).to_numpy(zero_copy_only=False)
    count = np.bincount(rows, minlength=len(ids))
    times = np.zeros(len(ids), np.int64)
    np.add.at(times, rows, events.column("time").cast(pa.int64()).filter(there).to_numpy() - origin)
    return np.asarray((count != counted.events) | (times != counted.times))


def _events_by_id(connection: Connection, ids: pa.Array) -> pa.Table:
    text = (
        f"UNWIND $ids AS event MATCH (e:Event {{id: event}})-[:ON]->(p:Product) WHERE {WHOLE} AND p.id IS NOT NULL "
        f"WITH p.id AS id, {COLUMNS}"
    )
    wanted = ids.to_pylist()
    return whole(OF_PRODUCTS, read_pieces(connection, text, wanted, _BY_ID, events_table, nan()))


def _owners(connection: Connection, events: pa.Table, known: pa.Table, recent: pa.Array) -> pa.Table:
    """Whose the events are, `OWNERS`: as before, or as the store says of those that are new."""
    before = _without(known.filter(pc.is_valid(known.column("user"))), "id", recent).select(["id", "user"])
    unheard = pc.invert(
        pc.is_in(events.column("id"), value_set=_without(known, "id", recent).column("id").combine_chunks())
    )
    wanted = events.column("id").filter(unheard).to_pylist()
    text = (
        "UNWIND $ids AS event MATCH (e:Event {id: event})<-[:PERFORMED]-(u:User) "
        "WITH u.id AS id, collect(event) AS events RETURN collect([id, events])"
    )
    new = whole(OWNERS, read_pieces(connection, text, wanted, _BY_ID, owners_table))
    return pa.concat_tables([before.cast(OWNERS), new])


def _with_owners(
    connection: Connection, events: pa.Table, owners: pa.Table, users: Sequence[str], size: int, origin: int
) -> pa.Table:
    """Events with those whom the store has them from; where its count says otherwise it is asked again."""
    counted = _count_users(connection, users, size, origin)
    found = joined(events, owners)
    owned = found.filter(pc.is_valid(found.column("user")))
    differing = _ids_where(users, _differs(owned, "user", users, counted, origin))
    if not differing:
        return found
    others = _without(owned, "user", pa.array(differing, pa.string())).select(["id", "user"]).cast(OWNERS)
    # What is now somebody's comes first: it may have been somebody else's.
    return joined(events, pa.concat_tables([owners_of(connection, differing, size), others]))


def _without(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    """The rows whose value of a column is none of some."""
    names = table.column(column)
    if pa.types.is_dictionary(names.type):
        coded = names.unify_dictionaries().combine_chunks()
        among = pc.is_in(coded.dictionary, value_set=values).take(coded.indices)
        return table.filter(pc.invert(pc.fill_null(among, False)))
    return table.filter(pc.invert(pc.is_in(names, value_set=values)))


def _ids_where(ids: Sequence[str], differs: npt.NDArray[np.bool_]) -> list[str]:
    return [ids[row] for row in np.flatnonzero(differs).tolist()]


def _origin(old: Snapshot) -> int:
    """Times are added up from here on, so that millions of them are no number too large."""
    return to_ms(old.manifest.as_of)

"""Events into the graph, thousands at a time from files or a few at a time from a shop's pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from graph.arrivals import second_of
from graph.connection import Connection, Transaction
from graph.cypher import Query
from graph.load import Values, plain_rows, row_batches
from graph.records import Loaded, Recorded
from graph.times import now_ms
from schema.errors import RecordError, suggestion
from schema.ontology import Ontology
from schema.progress import Report, silent
from schema.tables import EVENTS, conform

EVENT_BATCH = 5000
RECORD_LIMIT = 1000

# Positions in a row of `schema.tables.EVENTS`.
ID, USER, PRODUCT = 0, 1, 2

# `recorded` is the wall clock of writing: what happened is often told late.
_PROPERTIES = (
    "id: row[0], behaviour: row[3], time: row[4], value: row[5], basket: row[6], session: row[7], "
    "recommendation: row[8], second: $second, recorded: $now"
)


@dataclass(frozen=True)
class _Outcome:
    accepted: list[str]
    duplicates: list[str]
    dangling: list[str]
    missing: list[str]


def load_events(connection: Connection, ontology: Ontology, table: pa.Table, report: Report = silent) -> Loaded:
    """Events by id; an id that is there stays as it is. Users are created, products are not."""
    table = _checked(ontology, table)
    products: set[str] = set()
    users: set[str] = set()
    loaded = Loaded()
    for done, plain in row_batches(table, EVENT_BATCH):
        rows = _with_answers(plain, {})
        outcome = connection.write(partial(_write, rows=rows, products=products, users=users, told=False))
        products.update(row[PRODUCT] for row in rows)
        products.difference_update(outcome.missing)
        users.update(row[USER] for row in rows)
        loaded += Loaded(len(outcome.accepted), len(outcome.duplicates), len(outcome.dangling), tuple(outcome.missing))
        report("events", done, table.num_rows)
    return loaded


def record_events(
    connection: Connection, ontology: Ontology, table: pa.Table, recommendations: Mapping[str, str]
) -> Recorded:
    """Events in one transaction that is committed when this returns.

    Args:
        connection: where.
        ontology: which behaviours there are.
        table: as `schema.tables.EVENTS`.
        recommendations: event -> id of the answer that it follows from, of those that follow from one.
    """
    if table.num_rows > RECORD_LIMIT:
        raise RecordError(f"{table.num_rows} events at once; record at most {RECORD_LIMIT}, load more with load_events")
    rows = _with_answers(plain_rows(_checked(ontology, table)), recommendations)
    if not rows:
        return Recorded([], [], [])
    outcome = connection.write(lambda tx: _write(tx, rows, set(), set(), told=True))
    return Recorded(outcome.accepted, outcome.duplicates, outcome.dangling)


def _checked(ontology: Ontology, table: pa.Table) -> pa.Table:
    table = conform(table, EVENTS, what="events")
    for behaviour in table.column("behaviour").unique().to_pylist():
        if behaviour not in ontology.behaviours:
            raise RecordError(
                f"events: no behaviour {behaviour} in the ontology; {suggestion(behaviour, ontology.behaviours)}"
            )
    return table


def _with_answers(rows: Sequence[Values], recommendations: Mapping[str, str]) -> list[Values]:
    # No text is the same as no basket or session.
    return [[*row[:6], row[6] or None, row[7] or None, recommendations.get(row[ID])] for row in rows]


def _write(
    transaction: Transaction, rows: Sequence[Values], products: set[str], users: set[str], *, told: bool
) -> _Outcome:
    """One batch.

    Args:
        transaction: where to do it.
        rows: as in `schema.tables.EVENTS`, and the answer that an event follows from.
        products, users: ids that an earlier batch of the same load has seen in the store.
        told: whether it just happened and somebody may wait for it (`graph.arrivals`).
    """
    seen = {key for (key,) in transaction.rows(_existing_events([row[ID] for row in rows]))}
    wanted = {row[PRODUCT] for row in rows} - products
    found = {key for (key,) in transaction.rows(_existing_products(sorted(wanted)))} if wanted else set()
    missing = wanted - found
    fresh: list[Values] = []
    outcome = _Outcome([], [], [], sorted(missing))
    for row in rows:
        if row[ID] in seen:
            outcome.duplicates.append(row[ID])
        elif row[PRODUCT] in missing:
            outcome.dangling.append(row[ID])
        else:
            seen.add(row[ID])
            fresh.append(row)
            outcome.accepted.append(row[ID])
    _create(transaction, fresh, users, told)
    return outcome


def _create(transaction: Transaction, rows: Sequence[Values], users: set[str], told: bool) -> None:
    now = now_ms()
    times = {"now": now, "second": second_of(now) if told else None}
    known = [row for row in rows if row[USER] is not None]
    if newcomers := sorted({row[USER] for row in known} - users):
        transaction.run(Query("UNWIND $ids AS id MERGE (:User {id: id})", {"ids": newcomers}))
    if known:
        transaction.run(_create_performed(known, times))
    if anonymous := [row for row in rows if row[USER] is None]:
        transaction.run(_create_anonymous(anonymous, times))


def _existing_events(ids: Sequence[str]) -> Query:
    return Query("UNWIND $ids AS id MATCH (e:Event {id: id}) RETURN e.id", {"ids": list(ids)})


def _existing_products(ids: Sequence[str]) -> Query:
    return Query("UNWIND $ids AS id MATCH (p:Product {id: id}) RETURN p.id", {"ids": list(ids)})


def _create_performed(rows: Sequence[Values], times: Mapping[str, int | None]) -> Query:
    return Query(
        "UNWIND $rows AS row MATCH (u:User {id: row[1]}) MATCH (p:Product {id: row[2]}) "
        f"CREATE (u)-[:PERFORMED]->(:Event {{{_PROPERTIES}}})-[:ON]->(p)",
        {"rows": rows, **times},
    )


def _create_anonymous(rows: Sequence[Values], times: Mapping[str, int | None]) -> Query:
    return Query(
        f"UNWIND $rows AS row MATCH (p:Product {{id: row[2]}}) CREATE (:Event {{{_PROPERTIES}}})-[:ON]->(p)",
        {"rows": rows, **times},
    )

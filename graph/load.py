"""Tables of nodes and relations into the graph, in batches that can be repeated.

A batch is one transaction: one read tells what is there, then the missing is created and what
differs is changed. That is as safe to repeat as MERGE and about as fast as CREATE.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph import changes
from graph.changes import Kind
from graph.connection import Connection, Transaction
from graph.cypher import Query, any_of, quoted
from graph.records import PREDICTED, Loaded
from schema.errors import RecordError, suggestion
from schema.ontology import MOVABLE, MOVED_FROM, Ontology
from schema.progress import Report, silent
from schema.tables import RELATIONS, conform, node_schema

NODE_BATCH = 2000
RELATION_BATCH = 4000

Values = list[Any]
T = TypeVar("T")


def load_nodes(
    connection: Connection, ontology: Ontology, node_type: str, table: pa.Table, report: Report = silent
) -> int:
    """Nodes of one type, by id; a null leaves the stored property as it is.

    Returns:
        How many were created or changed.
    """
    schema = node_schema(ontology, node_type)
    table = _last_of_each(conform(table, schema, what=node_type), ["id"])
    written = 0
    for done, rows in row_batches(table, NODE_BATCH):
        written += connection.write(partial(_write_nodes, label=node_type, names=schema.names, rows=rows))
        report(f"nodes {node_type}", done, table.num_rows)
    return written


def write_nodes(transaction: Transaction, label: str, names: Sequence[str], rows: Sequence[Values]) -> list[str]:
    """Creates or changes nodes; says which.

    Args:
        transaction: where to do it.
        label: the type of the nodes.
        names: what the values of a row are, "id" first.
        rows: one list of values for each node; None leaves a property as it is.
    """
    old = {row[0]: row for row in transaction.rows(_stored(label, names, [row[0] for row in rows]))}
    fresh = [row for row in rows if row[0] not in old]
    changed = [row for row in rows if row[0] in old and _differs(row, old[row[0]])]
    if fresh:
        transaction.run(_create(label, names, fresh))
    if changed:
        transaction.run(_change(label, names, changed))
    return [row[0] for row in fresh + changed]


def load_relations(
    connection: Connection, ontology: Ontology, relation: str, table: pa.Table, report: Report = silent
) -> Loaded:
    """Relations of one name, by source and target; ends that do not exist are counted, not created."""
    if relation not in ontology.relations:
        raise RecordError(f"no relation {relation} in the ontology; {suggestion(relation, ontology.relations)}")
    table = _last_of_each(conform(table, RELATIONS, what=relation), ["source", "target"])
    loaded = Loaded()
    for done, rows in row_batches(table, RELATION_BATCH):
        loaded += connection.write(partial(_relations_batch, ontology=ontology, relation=relation, rows=rows))
        report(f"relations {relation}", done, table.num_rows)
    return loaded


def write_relations(transaction: Transaction, ontology: Ontology, relation: str, rows: Sequence[Values]) -> Loaded:
    """Creates or changes relations in a transaction that has a change number, so that no other does the same."""
    ends = ontology.relations[relation]
    known = (
        _existing(transaction, ends.source, {row[0] for row in rows}),
        _existing(transaction, ends.target, {row[1] for row in rows}),
    )
    stored = {(r[0], r[1]): r[2:] for r in transaction.rows(_stored_relations(ontology, relation, rows))}
    # What is only guessed, or only said by a rule, is not the shop's own word yet.
    unsaid = {ends for ends, (*_, source, own) in stored.items() if source == PREDICTED or not own}
    whole = [row for row in rows if row[0] in known[0] and row[1] in known[1]]
    fresh = [row for row in whole if (row[0], row[1]) not in stored]
    changed = [
        row
        for row in whole
        if (row[0], row[1]) in unsaid or _differs(row[2:], stored.get((row[0], row[1]), row[2:])[:2])
    ]
    if fresh:
        transaction.run(_create_relations(ontology, relation, fresh))
    if changed:
        transaction.run(_change_relations(ontology, relation, changed))
    written = len(fresh) + len(changed)
    missing = dict.fromkeys(row[side] for row in rows for side in (0, 1) if row[side] not in known[side])
    return Loaded(written, len(whole) - written, len(rows) - len(whole), tuple(missing))


def product_ends(ontology: Ontology, relation: str, rows: Sequence[Values]) -> set[str]:
    """The products at the ends of relations."""
    ends = ontology.relations[relation]
    return {row[side] for row in rows for side, label in ((0, ends.source), (1, ends.target)) if label == "Product"}


def batches(rows: Sequence[T], size: int) -> Iterator[tuple[int, Sequence[T]]]:
    """Pieces of at most `size` rows, each with the position of its first row."""
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size]


def row_batches(table: pa.Table, size: int) -> Iterator[tuple[int, list[Values]]]:
    """Rows as Bolt takes them, at most `size` at a time: a whole table of them would need several times its memory.

    Yields:
        How many rows there were so far, these included, and the rows.
    """
    for start in range(0, table.num_rows, size):
        rows = plain_rows(table.slice(start, size))
        yield start + len(rows), rows


def plain_rows(table: pa.Table) -> list[Values]:
    """Rows as Bolt takes them: moments in milliseconds, no NaN."""
    columns = [_plain(column).to_pylist() for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        # Not a number is the same as not known; it would never equal itself, either.
        return pc.if_else(pc.is_nan(column), None, column)
    return column


def _last_of_each(table: pa.Table, keys: list[str]) -> pa.Table:
    places = pa.array(np.arange(table.num_rows))
    last = table.select(keys).append_column("place", places).group_by(keys).aggregate([("place", "max")])["place_max"]
    return table if len(last) == table.num_rows else table.take(last.take(pc.sort_indices(last)))


def _differs(new: Sequence[Any], old: Sequence[Any]) -> bool:
    return any(value is not None and value != before for value, before in zip(new, old, strict=True))


def _write_nodes(transaction: Transaction, label: str, names: Sequence[str], rows: Sequence[Values]) -> int:
    written = write_nodes(transaction, label, names, rows)
    if label == "Product":
        changes.append(transaction, Kind.PRODUCTS_WRITTEN, written)
    return len(written)


def _relations_batch(transaction: Transaction, ontology: Ontology, relation: str, rows: Sequence[Values]) -> Loaded:
    # The number comes first: it keeps a second loader from creating the same relations at the same time.
    number = changes.reserve(transaction)
    loaded = write_relations(transaction, ontology, relation, rows)
    if loaded.written:
        changes.append(transaction, Kind.PRODUCTS_WRITTEN, product_ends(ontology, relation, rows), number)
    else:
        transaction.undo()
    return loaded


def _stored(label: str, names: Sequence[str], ids: Sequence[str]) -> Query:
    values = ", ".join(f"n.{quoted(name)}" for name in names)
    return Query(f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) RETURN {values}", {"ids": list(ids)})


def _create(label: str, names: Sequence[str], rows: Sequence[Values]) -> Query:
    values = ", ".join(f"{quoted(name)}: row[{position}]" for position, name in enumerate(names))
    return Query(f"UNWIND $rows AS row CREATE (:{quoted(label)} {{{values}}})", {"rows": rows})


def _change(label: str, names: Sequence[str], rows: Sequence[Values]) -> Query:
    known = [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]
    return Query(f"UNWIND $rows AS row MATCH (n:{quoted(label)} {{id: row.id}}) SET n += row", {"rows": known})


def _existing(transaction: Transaction, label: str, ids: set[str]) -> set[str]:
    query = Query(f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) RETURN n.id", {"ids": sorted(ids)})
    return {key for (key,) in transaction.rows(query)}


def _ends(ontology: Ontology, relation: str) -> str:
    ends = ontology.relations[relation]
    return (
        f"UNWIND $rows AS row MATCH (a:{quoted(ends.source)} {{id: row[0]}}) "
        f"MATCH (b:{quoted(ends.target)} {{id: row[1]}}) "
    )


def _links(relation: str) -> str:
    """The link between two ends as the shop's data know it: where a rule has moved it, what is kept of it."""
    if relation not in MOVABLE:
        return f"MATCH (a)-[r:{quoted(relation)}]->(b) "
    either = f"MATCH (a)-[r:{any_of([relation, MOVED_FROM])}]->(b) "
    return f"{either}WHERE type(r) = '{relation}' OR r.moved = '{relation}' WITH a, b, r, row "


def _stored_relations(ontology: Ontology, relation: str, rows: Sequence[Values]) -> Query:
    return Query(
        f"{_ends(ontology, relation)}{_links(relation)}"
        "RETURN a.id, b.id, CASE WHEN r.rule IS NULL THEN r.weight ELSE r.given_weight END, r.time, r.source, "
        "r.rule IS NULL OR r.given",
        {"rows": rows},
    )


def _create_relations(ontology: Ontology, relation: str, rows: Sequence[Values]) -> Query:
    return Query(
        _ends(ontology, relation) + f"CREATE (a)-[:{quoted(relation)} {{weight: row[2], time: row[3]}}]->(b)",
        {"rows": rows},
    )


def _change_relations(ontology: Ontology, relation: str, rows: Sequence[Values]) -> Query:
    return Query(
        _ends(ontology, relation) + _links(relation) +
        # The shop's own word takes the place of a prediction, whose confidence was its weight; a rule's stays over it.
        "SET r.weight = CASE WHEN r.rule IS NOT NULL THEN r.weight "
        f"WHEN r.source = '{PREDICTED}' THEN row[2] ELSE coalesce(row[2], r.weight) END, "
        "r.given_weight = CASE WHEN r.rule IS NULL THEN null ELSE coalesce(row[2], r.given_weight) END, "
        "r.time = coalesce(row[3], CASE WHEN r.rule IS NULL OR r.given THEN r.time END), "
        "r.given = CASE WHEN r.rule IS NULL THEN null ELSE true END "
        f"WITH r WHERE r.source = '{PREDICTED}' REMOVE r.source, r.confidence",
        {"rows": rows},
    )

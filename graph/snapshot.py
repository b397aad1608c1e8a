"""The graph at one moment as a folder of Parquet files, from which the model learns.

Events and edges are read before nodes: what is added in between finds its ends there, what is
deleted in between is left out. The order of all rows follows from their content, so both engines
give the same files.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph import changes, shop
from graph.connection import Connection
from graph.cypher import Query, quoted
from graph.errors import StoreError
from graph.features import embedding
from schema.ontology import Ontology
from schema.progress import Report, silent
from schema.snapshot import SnapshotManifest, edge_file, feature_file, node_file, write_manifest, writing_snapshot
from schema.tables import EVENTS, RELATIONS, SNAPSHOT_EDGES, SNAPSHOT_EVENTS, node_schema

# A list for each column travels and decodes faster than one for each event. Lists leave nulls out,
# so what may be null has a stand-in: not a number, no text.
_WHOLE = "e.id IS NOT NULL AND e.behaviour IS NOT NULL AND e.time IS NOT NULL AND p.id IS NOT NULL"
_COLUMNS = (
    "collect(e.id), collect(p.id), collect(e.behaviour), collect(e.time), collect(coalesce(e.value, $nan)), "
    "collect(coalesce(e.basket, '')), collect(coalesce(e.session, ''))"
)


def export(connection: Connection, ontology: Ontology, path: Path, report: Report = silent) -> SnapshotManifest:
    """Writes the snapshot; the folder appears when it is complete."""
    number = changes.change_number(connection)
    created = datetime.now(UTC)
    as_of = created + shop.clock_offset(connection)
    widths = shop.widths(connection)
    steps = len(ontology.relations) + len(ontology.nodes) + 1
    with writing_snapshot(path) as folder:
        events = read_events(connection)
        report("export", 1, steps)
        edges = {}
        for step, relation in enumerate(ontology.relations, start=2):
            edges[relation] = read_relations(connection, ontology, relation)
            report("export", step, steps)
        nodes, features = {}, {}
        for step, label in enumerate(ontology.nodes, start=2 + len(edges)):
            nodes[label] = read_nodes(connection, ontology, label)
            pq.write_table(nodes[label], folder / node_file(label))
            features[label] = _write_features(connection, ontology, label, nodes[label], widths, folder)
            report("export", step, steps)
        counts = {}
        for relation, table in edges.items():
            ends = ontology.relations[relation]
            placed = _place_edges(table, nodes[ends.source], nodes[ends.target])
            pq.write_table(placed, folder / edge_file(ontology, relation))
            counts[relation] = placed.num_rows
        placed_events = _place_events(events, ontology, nodes["User"], nodes["Product"])
        pq.write_table(placed_events, folder / "events.parquet")
        return write_manifest(
            folder,
            SnapshotManifest(
                ontology=ontology,
                ontology_hash=ontology.hash,
                created_at=created,
                as_of=as_of,
                change_number=number,
                nodes={label: table.num_rows for label, table in nodes.items()},
                features=features,
                edges=counts,
                events=placed_events.num_rows,
                files={},
            ),
        )


def read_nodes(connection: Connection, ontology: Ontology, label: str, ids: Iterable[str] | None = None) -> pa.Table:
    """Nodes of a type, ordered by id, in the form of `schema.tables.node_schema`."""
    schema = node_schema(ontology, label)
    values = ", ".join(f"n.{quoted(name)}" for name in schema.names)
    match = f"MATCH (n:{quoted(label)}" + (")" if ids is None else " {id: id})")
    start = "" if ids is None else "UNWIND $ids AS id "
    parameters = {} if ids is None else {"ids": sorted(set(ids))}
    rows = list(connection.stream(Query(f"{start}{match} RETURN {values}", parameters)))
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    table = _table(label, columns, schema)
    return table.take(pc.sort_indices(table, sort_keys=[("id", "ascending")])).combine_chunks()


def read_ids(connection: Connection, ontology: Ontology, label: str) -> list[str]:
    """Ids of the nodes of a type, in order."""
    node_schema(ontology, label)  # refuses what is no type
    return sorted(key for (key,) in connection.stream(Query(f"MATCH (n:{quoted(label)}) RETURN n.id")))


def read_relations(connection: Connection, ontology: Ontology, relation: str) -> pa.Table:
    """Relations of one name in the form of `schema.tables.RELATIONS`, weights filled in."""
    ends = ontology.relations[relation]
    query = Query(
        f"MATCH (a:{quoted(ends.source)})-[r:{quoted(relation)}]->(b:{quoted(ends.target)}) "
        "RETURN a.id, collect([b.id, r.weight, r.time])"
    )
    rows = [(source, *link) for source, links in connection.stream(query) for link in links]
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return _table(relation, columns, RELATIONS)


def read_events(connection: Connection) -> pa.Table:
    """All events with ids at their ends; one row of the result for each user is what makes it fast."""
    nan = {"nan": math.nan}
    performed = Query(f"MATCH (u:User)-[:PERFORMED]->(e)-[:ON]->(p) WHERE {_WHOLE} RETURN u.id, {_COLUMNS}", nan)
    anonymous = Query(
        "MATCH (e:Event) WHERE NOT EXISTS { (e)<-[:PERFORMED]-() } "
        f"MATCH (e)-[:ON]->(p) WHERE {_WHOLE} RETURN null, {_COLUMNS}",
        nan,
    )
    users: list[str | None] = []
    columns: list[list[object]] = [[] for _ in range(7)]
    for query in (performed, anonymous):
        for user, *lists in connection.stream(query):
            users.extend([user] * len(lists[0]))
            for column, values in zip(columns, lists, strict=True):
                column.extend(values)
    event, *rest = columns
    table = _table("Event", [event, users, *rest], EVENTS)
    known = pc.if_else(pc.is_nan(table["value"]), None, table["value"])
    table = table.set_column(5, "value", known)
    for position, name in ((6, "basket"), (7, "session")):
        table = table.set_column(position, name, pc.if_else(pc.equal(table[name], ""), None, table[name]))
    return table


def _table(what: str, columns: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    arrays = []
    for values, field in zip(columns, schema, strict=True):
        try:
            arrays.append(_column(values, field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise StoreError(
                f"{what}.{field.name}: the store holds something that is no {field.type} ({error}); "
                "somebody wrote it with Cypher: correct it there, then export again"
            ) from error
    return pa.table(arrays, schema=schema)


def _column(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if pa.types.is_float32(kind):
        return pa.array(values, pa.float64()).cast(kind)
    return pa.array(values, kind)


def _positions(ids: pa.ChunkedArray, nodes: pa.Table) -> pa.Array:
    return pc.index_in(ids, value_set=nodes.column("id").combine_chunks())


def _place_edges(table: pa.Table, sources: pa.Table, targets: pa.Table) -> pa.Table:
    placed = pa.table(
        [
            _positions(table.column("source"), sources),
            _positions(table.column("target"), targets),
            pc.fill_null(table.column("weight"), pa.scalar(1.0, pa.float32())),
            table.column("time"),
        ],
        names=SNAPSHOT_EDGES.names,
    )
    placed = placed.filter(pc.and_(pc.is_valid(placed["source"]), pc.is_valid(placed["target"])))
    order = pc.sort_indices(placed, sort_keys=[("source", "ascending"), ("target", "ascending")])
    return placed.take(order).cast(SNAPSHOT_EDGES)


def _place_events(events: pa.Table, ontology: Ontology, users: pa.Table, products: pa.Table) -> pa.Table:
    user = _positions(events.column("user"), users)
    product = _positions(events.column("product"), products)
    behaviours = pa.array(list(ontology.behaviours), pa.string())
    codes = pc.index_in(events.column("behaviour"), value_set=behaviours).cast(pa.int8())
    # A user or product that was deleted while this was read takes its events along.
    there = pc.and_(pc.is_valid(product), pc.or_(pc.is_valid(user), pc.is_null(events.column("user"))))
    there = pc.and_(there, pc.is_valid(codes))
    events = events.set_column(1, "user", user).set_column(2, "product", product)
    events = events.set_column(3, "behaviour", codes).filter(there)
    events = events.take(pc.sort_indices(events, sort_keys=[("time", "ascending"), ("id", "ascending")]))
    events = events.combine_chunks()
    codes = events.column("behaviour").combine_chunks()
    events = events.set_column(3, "behaviour", pa.DictionaryArray.from_arrays(codes, behaviours))
    for name in ("basket", "session"):
        events = events.set_column(
            events.column_names.index(name), name, pc.dictionary_encode(events.column(name)).unify_dictionaries()
        )
    return events.cast(SNAPSHOT_EVENTS)


def _write_features(
    connection: Connection, ontology: Ontology, label: str, nodes: pa.Table, widths: dict[str, int], folder: Path
) -> dict[str, int]:
    found: dict[str, int] = {}
    positions = {key: row for row, key in enumerate(nodes.column("id").to_pylist())}
    for modality in ontology.nodes[label].features:
        width = widths.get(shop.width_key(label, modality))
        if width is None:
            continue
        matrix = np.zeros((len(positions), width), np.float32)
        name = quoted(embedding(modality))
        query = Query(f"MATCH (n:{quoted(label)}) WHERE n.{name} IS NOT NULL RETURN n.id, n.{name}")
        for key, vector in connection.stream(query):
            if key in positions and len(vector) == width:
                matrix[positions[key]] = vector
        np.save(folder / feature_file(label, modality), matrix)
        found[modality] = width
    return found

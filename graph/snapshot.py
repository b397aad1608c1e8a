"""The graph at one moment as a folder of Parquet files, from which the model learns.

Events and edges are read before nodes: what is added in between finds its ends there, what is
deleted in between is left out. The order of all rows follows from their content, so both engines
give the same files. Answers become Arrow some thousand rows at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph import changes, shop
from graph.changes import Kind
from graph.columns import Row, as_table, read_pieces
from graph.connection import Connection
from graph.cypher import Query, quoted
from graph.event_table import all_events, existing
from graph.features import embedding
from graph.increment import changed_events, same_vectors
from graph.times import to_ms
from schema.ontology import Ontology
from schema.progress import Report, silent
from schema.snapshot import (
    Snapshot,
    SnapshotManifest,
    edge_file,
    feature_file,
    node_file,
    write_manifest,
    writing_snapshot,
)
from schema.tables import RELATIONS, SNAPSHOT_EDGES, SNAPSHOT_EVENTS, node_schema

# Nodes, sources of relations and vectors in an answer.
_NODES, _SOURCES, _VECTORS = 2_000, 2_000, 500


@dataclass
class Reading:
    """One export: where from, what for, and ids that several steps need."""

    connection: Connection
    ontology: Ontology
    until: datetime | None = None
    since: Snapshot | None = None
    _ids: dict[str, list[str]] = field(default_factory=dict)

    def ids(self, label: str) -> list[str]:
        """Ids of the nodes of a type when they were first asked for."""
        if label not in self._ids:
            self._ids[label] = read_ids(self.connection, self.ontology, label)
        return self._ids[label]


def export(
    connection: Connection,
    ontology: Ontology,
    path: Path,
    report: Report = silent,
    *,
    until: datetime | None = None,
    since: Snapshot | None = None,
) -> SnapshotManifest:
    """Writes the snapshot; the folder appears when it is complete.

    Args:
        connection: where.
        ontology: what is exported.
        path: the folder.
        report: told how far it is.
        until: events and dated relations later than this moment are left out; nodes are as they are now.
        since: an earlier snapshot of the same graph, of which what still holds is not read again.
    """
    number = changes.change_number(connection)
    created = datetime.now(UTC)
    as_of = until or created + shop.clock_offset(connection)
    reading = Reading(connection, ontology, until, since)
    widths = shop.widths(connection)
    steps = len(ontology.relations) + len(ontology.nodes) + 1
    with writing_snapshot(path) as folder:
        events = read_events(reading, number)
        report("export", 1, steps)
        edges = {}
        for step, relation in enumerate(ontology.relations, start=2):
            edges[relation] = read_relations(reading, relation)
            report("export", step, steps)
        nodes, features = {}, {}
        for step, label in enumerate(ontology.nodes, start=2 + len(edges)):
            nodes[label] = read_nodes(connection, ontology, label)
            pq.write_table(nodes[label], folder / node_file(label))
            features[label] = _write_features(reading, label, nodes[label], widths, folder)
            report("export", step, steps)
        counts = {}
        for relation, table in edges.items():
            ends = ontology.relations[relation]
            placed = _place_edges(table, nodes[ends.source], nodes[ends.target])
            pq.write_table(placed, folder / edge_file(ontology, relation))
            counts[relation] = placed.num_rows
        placed_events = _place_events(events, ontology, nodes["User"], nodes["Product"])
        pq.write_table(placed_events, folder / "events.parquet")
        manifest = write_manifest(
            folder,
            SnapshotManifest(
                ontology=ontology,
                ontology_hash=ontology.hash,
                created_at=created,
                as_of=as_of,
                until=until,
                since=since.manifest.created_at if since else None,
                change_number=number,
                nodes={label: table.num_rows for label, table in nodes.items()},
                features=features,
                edges=counts,
                events=placed_events.num_rows,
                files={},
            ),
        )
        if since is not None:
            _share_files(folder, manifest, since)
        return manifest


def read_nodes(connection: Connection, ontology: Ontology, label: str, ids: Iterable[str] | None = None) -> pa.Table:
    """Nodes of a type, ordered by id, in the form of `schema.tables.node_schema`."""
    schema = node_schema(ontology, label)
    values = ", ".join(f"n.{quoted(name)}" for name in schema.names)
    text = f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) RETURN collect([{values}])"

    def table(rows: Iterator[Row]) -> pa.Table:
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        return as_table(label, columns, schema)

    wanted = read_ids(connection, ontology, label) if ids is None else sorted(set(ids))
    found = pa.concat_tables([schema.empty_table(), *read_pieces(connection, text, wanted, _NODES, table)])
    return found.take(pc.sort_indices(found, sort_keys=[("id", "ascending")])).combine_chunks()


def read_ids(connection: Connection, ontology: Ontology, label: str) -> list[str]:
    """Ids of the nodes of a type, in order."""
    node_schema(ontology, label)  # refuses what is no type
    ((ids,),) = connection.rows(Query(f"MATCH (n:{quoted(label)}) RETURN collect(n.id)"))
    return sorted(ids)


def read_relations(reading: Reading, relation: str) -> pa.Table:
    """Relations of one name in the form of `schema.tables.RELATIONS`."""
    ends = reading.ontology.relations[relation]
    text = (
        f"UNWIND $ids AS id MATCH (a:{quoted(ends.source)} {{id: id}})-[r:{quoted(relation)}]->"
        f"(b:{quoted(ends.target)}) WHERE b.id IS NOT NULL RETURN collect([id, b.id, r.weight, r.time])"
    )

    def table(rows: Iterator[Row]) -> pa.Table:
        return as_table(relation, list(zip(*rows, strict=True)) or [()] * 4, RELATIONS)

    pieces = read_pieces(reading.connection, text, reading.ids(ends.source), _SOURCES, table)
    found = pa.concat_tables([RELATIONS.empty_table(), *pieces])
    if reading.until is None:
        return found
    late = pc.fill_null(pc.greater(found["time"].cast(pa.int64()), to_ms(reading.until)), False)
    return found.filter(pc.invert(late))


def read_events(reading: Reading, number: int) -> pa.Table:
    """All events, `graph.event_table.READ_EVENTS`.

    Args:
        reading: what for.
        number: of the last change when it began.
    """
    connection = reading.connection
    ((total,),) = connection.rows(Query("MATCH (e:Event) RETURN count(e)"))
    products = reading.ids("Product")

    def users() -> Sequence[str]:
        return reading.ids("User")

    if reading.since is not None:
        events = changed_events(connection, products, users, reading.since, total)
    else:
        until = None if reading.until is None else to_ms(reading.until)
        events = all_events(connection, products, users, total, until)
    return without_deleted(connection, events, number)


def without_deleted(connection: Connection, events: pa.Table, number: int) -> pa.Table:
    """What somebody did who was deleted while it was read would be left as done by nobody."""
    if not any(change.kind == Kind.USER_DELETED for change in changes.changes(connection, number)):
        return events
    nobodys = events.filter(pc.is_null(events["user"]))["id"]
    there = pa.array(sorted(existing(connection, nobodys.to_pylist())), pa.string())
    return events.filter(pc.or_(pc.is_valid(events["user"]), pc.is_in(events["id"], value_set=there)))


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
    user = _recoded(events.column("user"), users.column("id"))
    product = _recoded(events.column("product"), products.column("id"))
    behaviours = pa.array(list(ontology.behaviours), pa.string())
    codes = _recoded(events.column("behaviour"), behaviours).cast(pa.int8())
    # A user or product that was deleted while this was read takes its events along.
    there = pc.and_(pc.is_valid(product), pc.or_(pc.is_valid(user), pc.is_null(events.column("user"))))
    there = pc.and_(there, pc.is_valid(codes))
    events = events.set_column(1, "user", user).set_column(2, "product", product)
    # Rows that lie together are sorted in half the time.
    events = events.set_column(3, "behaviour", codes).filter(there).combine_chunks()
    order = [("time", "ascending"), ("id", "ascending"), ("product", "ascending")]
    events = events.take(pc.sort_indices(events, sort_keys=order)).combine_chunks()
    codes = events.column("behaviour").combine_chunks()
    events = events.set_column(3, "behaviour", pa.DictionaryArray.from_arrays(codes, behaviours))
    for name in ("basket", "session"):
        events = events.set_column(events.column_names.index(name), name, _by_appearance(events.column(name)))
    return events.cast(SNAPSHOT_EVENTS)


def _recoded(names: pa.ChunkedArray, ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Positions of names, which are codes, among ids; null for those that are not there."""
    coded = names.unify_dictionaries().combine_chunks()
    wanted = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    return pc.index_in(coded.dictionary, value_set=wanted).take(coded.indices)


def _by_appearance(names: pa.ChunkedArray) -> pa.DictionaryArray:
    """Codes in the order in which the names appear, whatever codes they had."""
    coded = names.unify_dictionaries().combine_chunks()
    again = coded.indices.dictionary_encode()
    return pa.DictionaryArray.from_arrays(again.indices, coded.dictionary.take(again.dictionary))


def _write_features(
    reading: Reading, label: str, nodes: pa.Table, widths: dict[str, int], folder: Path
) -> dict[str, int]:
    found: dict[str, int] = {}
    for modality in reading.ontology.nodes[label].features:
        width = widths.get(shop.width_key(label, modality))
        if width is None:
            continue
        ids = nodes.column("id").to_pylist()
        # On disk from the start: of a million nodes they would take more memory than all the rest.
        matrix = _new_matrix(folder / feature_file(label, modality), (len(ids), width))
        wanted = _copy_vectors(reading, label, modality, ids, matrix)
        for rows, vectors in read_vectors(reading.connection, label, modality, wanted, width):
            matrix[rows] = vectors
        found[modality] = width
    return found


def _copy_vectors(
    reading: Reading, label: str, modality: str, ids: Sequence[str], matrix: npt.NDArray[np.float32]
) -> dict[str, int]:
    """Takes the vectors that are what they were from the earlier snapshot.

    Returns:
        Position by id of those that must be read.
    """
    positions = {key: row for row, key in enumerate(ids)}
    before = None if reading.since is None else reading.since.features(label, modality)
    if reading.since is None or before is None or before.shape[1] != matrix.shape[1]:
        return positions
    earlier = reading.since.nodes(label).column("id").combine_chunks()
    place = pc.fill_null(pc.index_in(pa.array(ids, pa.string()), value_set=earlier), -1).to_numpy()
    rows = np.flatnonzero(place >= 0)
    matrix[rows] = before[place[rows]]
    same = same_vectors(reading.connection, label, modality, ids, matrix, _NODES)
    matrix[~same] = 0
    return {key: row for key, row in positions.items() if not same[row]}


def _share_files(folder: Path, manifest: SnapshotManifest, earlier: Snapshot) -> None:
    """Files that are what they were before are the same file on disk, where the disk can do that."""
    for name, digest in manifest.files.items():
        if earlier.manifest.files.get(name) == digest:
            with suppress(OSError):
                aside = folder / f"{name}.same"
                aside.hardlink_to(earlier.path / name)
                aside.replace(folder / name)


def read_vectors(
    connection: Connection, label: str, modality: str, positions: Mapping[str, int], width: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Embeddings of nodes that have one, some at a time: (n,) positions, (n, width)."""
    name = quoted(embedding(modality))
    text = (
        f"UNWIND $ids AS id MATCH (n:{quoted(label)} {{id: id}}) WHERE n.{name} IS NOT NULL "
        f"RETURN collect([n.id, n.{name}])"
    )

    def vectors(rows: Iterator[Row]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        known = [(positions[key], vector) for key, vector in rows if len(vector) == width]
        matrix = np.asarray([vector for _, vector in known], np.float32).reshape(-1, width)
        return np.asarray([row for row, _ in known], np.int64), matrix

    yield from read_pieces(connection, text, list(positions), _VECTORS, vectors)


def _new_matrix(file: Path, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    if 0 in shape:
        np.save(file, np.zeros(shape, np.float32))
        return np.zeros(shape, np.float32)
    return np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)

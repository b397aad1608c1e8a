"""A graph as RDF, written row by row, so that memory does not grow with it.

A node is `<base>Product/p1`, with its type, its `id` and its properties. A link is one plain triple; where it has a
weight or a time, an `rdf:Statement` about it says so besides. That is reification, the one way to speak of a triple
that Turtle, N-Triples, JSON-LD and RDF/XML, rdflib and pySHACL all know: RDF-star is in neither of the last three.
"""

import gzip
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from itertools import chain, count, repeat
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyoxigraph as ox
from rdflib import RDF, XSD

from schema.errors import suggestion
from schema.files import replacing_file
from schema.iris import META, Names, RdfError, encoded
from schema.ontology import EVENT_NODE, Ontology
from schema.progress import Report, silent
from schema.rdf import DATATYPES, EVENT_PROPERTIES, ontology_graph, prefixes
from schema.snapshot import Snapshot, edge_file, node_file

Format = Literal["turtle", "ntriples", "jsonld", "rdfxml"]
Triples = Iterator[ox.Triple]

FORMATS: dict[Format, ox.RdfFormat] = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "jsonld": ox.RdfFormat.STREAMING_JSON_LD,
    "rdfxml": ox.RdfFormat.RDF_XML,
}
SUFFIXES: dict[str, Format] = {
    ".ttl": "turtle",
    ".nt": "ntriples",
    ".jsonld": "jsonld",
    ".json": "jsonld",
    ".rdf": "rdfxml",
    ".owl": "rdfxml",
    ".xml": "rdfxml",
}
"""Suffix of a file, after `.gz` is taken off, and its format."""

BATCH = 16_384
"""Rows in memory at a time."""

CREATED, AS_OF = f"{META}created", f"{META}asOf"
"""Said of the ontology: when a graph was written, by the wall clock and by the shop's."""

_TYPE = ox.NamedNode(str(RDF.type))
_ID = ox.NamedNode(f"{META}id")
_WEIGHT, _TIME = ox.NamedNode(f"{META}weight"), ox.NamedNode(f"{META}time")
_STATEMENT = ox.NamedNode(str(RDF.Statement))
_PARTS = tuple(ox.NamedNode(str(part)) for part in (RDF.subject, RDF.predicate, RDF.object))
_NO_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
_UNSAFE = "[^A-Za-z0-9_~-]"


@dataclass(frozen=True)
class Written:
    """What a file of RDF holds."""

    path: Path
    triples: int


def format_of(path: Path) -> Format:
    """The format that a file's suffix stands for.

    Raises:
        RdfError: none.
    """
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    if plain.suffix.lower() not in SUFFIXES:
        raise RdfError(f"{path}: the suffix tells no RDF format; let it end in {', '.join(SUFFIXES)}, also with .gz")
    return SUFFIXES[plain.suffix.lower()]


def write_rdf(
    snapshot: Snapshot,
    path: Path,
    form: Format | None = None,
    *,
    names: Names | None = None,
    report: Report = silent,
) -> Written:
    """Writes ontology and graph of a snapshot to a file that appears complete or not at all.

    Embeddings are left out: they are made again from texts and pictures, and stay in the snapshot.

    Args:
        snapshot: the graph.
        path: the file; a name that ends in .gz makes it gzip.
        form: its format; by default what the suffix stands for.
        names: IRIs of the shop.
        report: told how many rows are written.

    Raises:
        RdfError: the suffix tells no format, or a text has characters that XML cannot hold.
        WriteError: the file cannot be written.
    """
    form, names = form or format_of(path), names or Names()
    heads = chain(ontology_triples(snapshot.ontology, names), _clock(snapshot, names))
    every, number = chain(heads, snapshot_triples(snapshot, names, report)), count()
    counted = map(itemgetter(0), zip(every, number, strict=False))
    write_triples(_sound_in_xml(counted) if form == "rdfxml" else counted, path, form, names)
    return Written(path, next(number))


def write_triples(triples: Iterable[ox.Triple], path: Path, form: Format, names: Names) -> None:
    """Writes triples in their order to a file that appears complete or not at all."""
    if form not in FORMATS:
        raise RdfError(f"no RDF format {form}; {suggestion(form, FORMATS)}")
    with replacing_file(path) as aside, _opened(aside, path.suffix.lower() == ".gz") as file:
        output = cast(BinaryIO, _Returns(file)) if form == "rdfxml" else file
        ox.serialize(triples, output, FORMATS[form], prefixes=prefixes(names))


def ontology_triples(ontology: Ontology, names: Names) -> Triples:
    """The ontology as OWL, in the same order and with the same blank nodes each time."""
    text = ontology_graph(ontology, names).serialize(format="nt", encoding="utf-8")
    dataset = ox.Dataset(ox.parse(text, ox.RdfFormat.N_TRIPLES))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return iter(sorted((quad.triple for quad in dataset), key=str))


def _clock(snapshot: Snapshot, names: Names) -> Triples:
    """When the graph was exported, by the wall clock and by the shop's."""
    head, manifest = ox.NamedNode(names.ontology), snapshot.manifest
    for name, moment in ((CREATED, manifest.created_at), (AS_OF, manifest.as_of)):
        text = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield ox.Triple(head, ox.NamedNode(name), ox.Literal(text, datatype=ox.NamedNode(str(XSD.dateTime))))


def snapshot_triples(snapshot: Snapshot, names: Names, report: Report = silent) -> Triples:
    """Nodes of each type, then links of each relation, then events."""
    return chain.from_iterable(_pieces(snapshot, names, report))


class SnapshotTables:
    """A snapshot as tables with ids at the ends, some rows at a time."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        files = {label: snapshot.path / node_file(label) for label in snapshot.ontology.nodes}
        self._ids = {
            label: pq.read_table(file, columns=["id"]).column("id").combine_chunks() for label, file in files.items()
        }

    def nodes(self, node_type: str) -> Iterator[pa.RecordBatch]:
        """In the form of `schema.tables.node_schema`."""
        return _batches(self._snapshot.path / node_file(node_type))

    def relations(self, relation: str) -> Iterator[pa.RecordBatch]:
        """In the form of `schema.tables.RELATIONS`."""
        ends = self._snapshot.ontology.relations[relation]
        for rows in _batches(self._snapshot.path / edge_file(self._snapshot.ontology, relation)):
            yield _with_ids(rows, {"source": self._ids[ends.source], "target": self._ids[ends.target]})

    def events(self) -> Iterator[pa.RecordBatch]:
        """In the form of `schema.tables.EVENTS`."""
        for rows in _batches(self._snapshot.path / "events.parquet"):
            yield _with_ids(rows, {"user": self._ids["User"], "product": self._ids["Product"]})


def node_triples(ontology: Ontology, names: Names, node_type: str, rows: pa.RecordBatch) -> Triples:
    """Nodes in the form of `schema.tables.node_schema`: each with all its triples together."""
    kind = ox.NamedNode(names.term(node_type))
    subjects = _nodes(names, node_type, rows.column("id"))
    columns = [_literals(rows.column("id"), XSD.string)]
    predicates = [_ID]
    for name, prop in ontology.nodes[node_type].properties.items():
        predicates.append(ox.NamedNode(names.property(node_type, name)))
        columns.append(_literals(rows.column(name), DATATYPES[prop.type]))
    for subject, *values in zip(subjects, *columns, strict=True):
        yield ox.Triple(subject, _TYPE, kind)
        for predicate, value in zip(predicates, values, strict=True):
            if value is not None:
                yield ox.Triple(subject, predicate, value)


def link_triples(ontology: Ontology, names: Names, relation: str, rows: pa.RecordBatch) -> Triples:
    """Links in the form of `schema.tables.RELATIONS`: the plain triple, and a statement where there is more to say."""
    ends, predicate = ontology.relations[relation], ox.NamedNode(names.term(relation))
    sources = _nodes(names, ends.source, rows.column("source"))
    targets = _nodes(names, ends.target, rows.column("target"))
    weight = rows.column("weight")
    plain = pc.if_else(pc.equal(weight, pa.scalar(1.0, pa.float32())), None, weight)
    said = (_literals(plain, XSD.float), _literals(rows.column("time"), XSD.dateTime))
    keys = (rows.column("source").to_pylist(), rows.column("target").to_pylist())
    for source, target, weighs, when, *ids in zip(sources, targets, *said, *keys, strict=True):
        yield ox.Triple(source, predicate, target)
        if weighs is None and when is None:
            continue
        statement = ox.NamedNode(names.link(relation, *ids))
        yield ox.Triple(statement, _TYPE, _STATEMENT)
        for part, value in zip(_PARTS, (source, predicate, target), strict=True):
            yield ox.Triple(statement, part, value)
        if weighs is not None:
            yield ox.Triple(statement, _WEIGHT, weighs)
        if when is not None:
            yield ox.Triple(statement, _TIME, when)


def event_triples(names: Names, rows: pa.RecordBatch) -> Triples:
    """Events in the form of `schema.tables.EVENTS`."""
    kind = ox.NamedNode(names.term(EVENT_NODE))
    behaviours = {name: ox.NamedNode(names.behaviour(name)) for name in rows.column("behaviour").unique().to_pylist()}
    columns: dict[str, Iterable[ox.NamedNode | ox.Literal | None]] = {
        "behaviour": (behaviours[name] for name in rows.column("behaviour").to_pylist()),
        "product": _nodes(names, "Product", rows.column("product")),
        "user": _nodes(names, "User", rows.column("user")),
    }
    columns |= {name: _literals(rows.column(name), DATATYPES[form]) for name, form in EVENT_PROPERTIES.items()}
    predicates = [_ID, *(ox.NamedNode(names.property(EVENT_NODE, name)) for name in columns)]
    subjects = _nodes(names, EVENT_NODE, rows.column("id"))
    ids = _literals(rows.column("id"), XSD.string)
    for subject, *values in zip(subjects, ids, *columns.values(), strict=True):
        yield ox.Triple(cast(ox.NamedNode, subject), _TYPE, kind)
        for predicate, value in zip(predicates, values, strict=True):
            if value is not None:
                yield ox.Triple(cast(ox.NamedNode, subject), predicate, value)


def _pieces(snapshot: Snapshot, names: Names, report: Report) -> Iterator[Triples]:
    """Triples of some rows at a time."""
    tables, ontology, manifest = SnapshotTables(snapshot), snapshot.ontology, snapshot.manifest
    total, done = sum(manifest.nodes.values()) + sum(manifest.edges.values()) + manifest.events, 0

    def told(rows: pa.RecordBatch, triples: Triples) -> Triples:
        nonlocal done
        done += rows.num_rows
        report("write RDF", done, total)
        return triples

    for label in ontology.nodes:
        for rows in tables.nodes(label):
            yield told(rows, node_triples(ontology, names, label, rows))
    for relation in ontology.relations:
        for rows in tables.relations(relation):
            yield told(rows, link_triples(ontology, names, relation, rows))
    for rows in tables.events():
        yield told(rows, event_triples(names, rows))


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file) as table:
        yield from table.iter_batches(BATCH)


def _with_ids(rows: pa.RecordBatch, ids: dict[str, pa.Array]) -> pa.RecordBatch:
    """The same rows with ids in place of positions, and texts in place of their codes."""
    columns = {}
    for name in rows.schema.names:
        column = rows.column(name)
        coded = pa.types.is_dictionary(column.type)
        columns[name] = ids[name].take(column) if name in ids else column.dictionary_decode() if coded else column
    return pa.RecordBatch.from_pydict(columns)


def _nodes(names: Names, node_type: str, keys: pa.Array) -> Iterator[ox.NamedNode]:
    """The node of each id; None where there is none."""
    start = names.nodes(node_type)
    texts: Sequence[str | None] = keys.to_pylist()
    if pc.any(pc.match_substring_regex(keys, _UNSAFE)).as_py():
        texts = [None if text is None else encoded(text) for text in texts]
    return (cast(ox.NamedNode, None) if text is None else ox.NamedNode(start + text) for text in texts)


def _literals(values: pa.Array, datatype: str) -> Iterator[ox.Literal | None]:
    """Each value as a literal; None where there is none."""
    if datatype == str(XSD.string):
        return (None if text is None else ox.Literal(text) for text in values.to_pylist())
    kind = repeat(ox.NamedNode(datatype), len(values))
    texts = _texts(values).to_pylist()
    return (None if text is None else ox.Literal(text, datatype=of) for text, of in zip(texts, kind, strict=True))


def _texts(values: pa.Array) -> pa.Array:
    """Values as XML Schema writes them; the shortest text of a number that reads back as the same."""
    if pa.types.is_timestamp(values.type):
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    texts = pc.cast(values, pa.string())
    if pa.types.is_floating(values.type):
        return pc.replace_substring(pc.replace_substring(texts, "inf", "INF"), "nan", "NaN")
    return texts


class _Returns:
    """XML on its way to a file, with carriage returns written so that no reader takes them for line ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        self._file.write(data.replace(b"\r", b"&#xD;"))
        return len(data)

    def flush(self) -> None:
        self._file.flush()


def _sound_in_xml(triples: Iterable[ox.Triple]) -> Triples:
    unsound = re.compile(_NO_XML)
    for triple in triples:
        value = triple.object
        if isinstance(value, ox.Literal) and (found := unsound.search(value.value)):
            raise RdfError(
                f"{triple.subject} {triple.predicate}: its text has the character U+{ord(found[0]):04X}, which XML "
                "cannot hold; write Turtle, N-Triples or JSON-LD"
            )
        yield triple


@contextmanager
def _opened(path: Path, compressed: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as plain:
        if not compressed:
            yield plain
            return
        # Without a time in its header the same graph gives the same bytes.
        with gzip.GzipFile(filename="", fileobj=plain, mode="wb", mtime=0, compresslevel=6) as file:
            yield cast(BinaryIO, file)

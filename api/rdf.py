"""RDF in and out of a shop: import by a mapping, export of the graph, shapes, ontologies as OWL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pyarrow as pa
import structlog
import yaml
from rdflib import Graph

from api.pipeline import PipelineError
from api.services import refreshing
from graph import Store
from graph.rdf import SUFFIXES, Format, SnapshotTables, Written, format_of, write_rdf
from ingestion.account import QualityReport, ShapeQuality
from ingestion.quality import write_report
from ingestion.rdf import Staged, load_rdf_mapping, read_rdf
from ingestion.rdf.graphs import read_graph, read_owl
from ingestion.rdf.neighbourhoods import Neighbourhoods, Tables
from ingestion.rdf.validating import validate
from schema.files import replacing_file
from schema.iris import Names
from schema.ontology import Ontology, load_ontology
from schema.progress import Report, silent
from schema.rdf import ontology_graph
from schema.shapes import check_shapes, shapes_graph
from schema.snapshot import open_snapshot

Check = Literal["some", "all", "none"]
YAML = (".yaml", ".yml")
_STILL = timedelta(minutes=1)
"""A shop's clock that is nearer to the wall clock than this is the wall clock."""
_log = structlog.get_logger()


@dataclass(frozen=True)
class Imported:
    """What one import did."""

    triples: int
    rejected: int
    nodes: dict[str, int]  # written, by type
    relations: dict[str, int]
    events: dict[str, int]
    dangling: dict[str, int]
    shapes: ShapeQuality | None
    quality: Path
    knowledge: refreshing.Refreshed  # what the rules of experts made of it
    counts: dict[str, int]  # what the graph holds now


def import_rdf(
    store: Store,
    path: Path,
    *,
    mapping: str,
    home: Path,
    names: Names,
    shapes: Path | None = None,
    check: Check = "some",
    report: Report = silent,
) -> Imported:
    """Reads a file of RDF to its end and loads what is sound into the store.

    Until the file was read, nothing is written to the store. Loading is idempotent: after an interruption
    the same import finishes it.

    Args:
        store: the graph.
        path: the file.
        mapping: path of a mapping, or the name of one that ships with Pathrec.
        home: its `quarantine/` and `reports/` receive what was rejected or is not as shapes ask.
        names: IRIs of the shop.
        shapes: a file with the shop's own shapes.
        check: how much is held against the shapes.
        report: told how far it is.

    Raises:
        MappingError: the mapping has mistakes.
        ShapesError: the shapes contradict the ontology.
        SourceError: the file is missing, broken, or says nothing that the mapping takes.
        StoreError: the store refused or went away; run it again to finish.
    """
    rules = load_rdf_mapping(mapping, ontology=store.ontology, names=names)
    asked = _shapes(store.ontology, names, shapes)
    with read_rdf(path, rules, ontology=store.ontology, names=names, workdir=home, report=report) as staged:
        quality = staged.quality
        if check != "none":
            found = _validated(staged.tables, store.ontology, names, asked, home, every=check == "all", report=report)
            quality = replace(quality, shapes=found)
        _, file = write_report(quality, home / "reports")
        done = _load(store, staged, quality, file, report)
    _log.info("imported", file=path.name, triples=done.triples, rejected=done.rejected)
    return done


def export_rdf(
    store: Store, path: Path, form: Format | None = None, *, names: Names, report: Report = silent
) -> Written:
    """Writes ontology and graph of a store, as they are at one moment, to a file of RDF.

    Raises:
        PipelineError: the store is empty.
        RdfError: as of `graph.rdf.write_rdf`.
    """
    form = form or format_of(path)
    if not store.counts().get("Product"):
        raise PipelineError(
            f"{store.url}: has no products to export; run `pathrec ingest` or `pathrec rdf import` first"
        )
    with _moment(store, path.absolute().parent, report) as snapshot:
        return write_rdf(open_snapshot(snapshot, verify=False), path, form, names=names, report=report)


def check_store(
    store: Store,
    *,
    home: Path,
    names: Names,
    shapes: Path | None = None,
    every: bool = False,
    report: Report = silent,
) -> ShapeQuality:
    """Holds a store, as it is at one moment, against the ontology's shapes and the shop's own.

    Raises:
        ShapesError: the shapes contradict the ontology.
    """
    asked = _shapes(store.ontology, names, shapes)
    home.mkdir(parents=True, exist_ok=True)
    with _moment(store, home, report) as folder:
        tables = SnapshotTables(open_snapshot(folder, verify=False))
        return _validated(tables, store.ontology, names, asked, home, every=every, report=report)


def check_snapshot(
    path: Path,
    *,
    home: Path,
    names: Names,
    shapes: Path | None = None,
    every: bool = False,
    report: Report = silent,
) -> ShapeQuality:
    """The same for a snapshot.

    Raises:
        ShapesError: as of `check_store`.
        SnapshotError: there is no snapshot, or it is damaged.
    """
    snapshot = open_snapshot(path)
    asked = _shapes(snapshot.ontology, names, shapes)
    home.mkdir(parents=True, exist_ok=True)
    return _validated(SnapshotTables(snapshot), snapshot.ontology, names, asked, home, every=every, report=report)


def write_ontology(ontology: Ontology, path: Path, names: Names) -> None:
    """Writes an ontology as YAML or OWL, by the suffix of the file.

    Raises:
        RdfError: the suffix tells neither.
    """
    if path.suffix.lower() in YAML:
        text = yaml.safe_dump(_plain(ontology), sort_keys=False, allow_unicode=True)
        with replacing_file(path) as aside:
            aside.write_text(text, encoding="utf-8")
        return
    write_graph(ontology_graph(ontology, names), path)


def write_graph(graph: Graph, path: Path) -> None:
    """Writes a small graph; Turtle is laid out for people.

    Raises:
        RdfError: the suffix tells no format.
    """
    named = {"turtle": "turtle", "ntriples": "nt", "jsonld": "json-ld", "rdfxml": "xml"}
    with replacing_file(path) as aside:
        graph.serialize(aside, format=named[format_of(path)], encoding="utf-8")


def read_ontology(path: Path, names: Names) -> Ontology:
    """An ontology from YAML or OWL, by the suffix of the file.

    Raises:
        OntologyError: it has mistakes.
        SourceError: the OWL is missing or broken.
    """
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return read_owl(path, names) if plain.suffix.lower() in SUFFIXES else load_ontology(path)


def write_shapes(ontology: Ontology, path: Path, names: Names) -> None:
    """Writes the shapes that follow from an ontology."""
    write_graph(shapes_graph(ontology, names), path)


def _shapes(ontology: Ontology, names: Names, path: Path | None) -> Graph:
    shapes = shapes_graph(ontology, names)
    if path is not None:
        own = read_graph(path, names)
        check_shapes(own, ontology, names, where=str(path))
        shapes += own
    return shapes


def _validated(
    tables: Tables, ontology: Ontology, names: Names, shapes: Graph, room: Path, *, every: bool, report: Report
) -> ShapeQuality:
    with TemporaryDirectory(dir=room, prefix=".shapes.") as folder:
        graph = Neighbourhoods(tables, ontology, names, Path(folder))
        return validate(graph, shapes, every=every, report=report)


def _load(store: Store, staged: Staged, quality: QualityReport, file: Path, report: Report) -> Imported:
    """Nodes first, so that relations and events find their ends; some rows at a time."""
    store.prepare()
    tables = staged.tables
    dangling: dict[str, int] = {}
    nodes = dict.fromkeys(tables.counts("nodes"), 0)
    for name in nodes:
        for rows in tables.nodes(name):
            nodes[name] += store.load_nodes(name, pa.Table.from_batches([rows]), report)
    relations = dict.fromkeys(tables.counts("relations"), 0)
    for name in relations:
        for rows in tables.relations(name):
            loaded = store.load_relations(name, pa.Table.from_batches([rows]), report)
            relations[name] += loaded.written
            dangling[name] = dangling.get(name, 0) + loaded.dangling
    events = {"written": 0, "existing": 0}
    for rows in tables.events():
        loaded = store.load_events(pa.Table.from_batches([rows]), report)
        events = {"written": events["written"] + loaded.written, "existing": events["existing"] + loaded.existing}
        dangling["events"] = dangling.get("events", 0) + loaded.dangling
    if staged.clock is not None and abs(staged.clock) > _STILL:
        store.set_clock(datetime.now(UTC) + staged.clock)
    known = refreshing.refresh(store)
    return Imported(
        triples=quality.rows_in,
        rejected=quality.rows_quarantined,
        nodes=nodes,
        relations=relations,
        events=events,
        dangling={name: count for name, count in dangling.items() if count},
        shapes=quality.shapes,
        quality=file,
        knowledge=known,
        counts=store.counts(),
    )


@contextmanager
def _moment(store: Store, room: Path, report: Report) -> Iterator[Path]:
    """The graph at one moment, as a snapshot that is there while the block runs."""
    with TemporaryDirectory(dir=room, prefix=".rdf.") as folder:
        store.export(Path(folder) / "snapshot", report)
        yield Path(folder) / "snapshot"


def _plain(part: object) -> object:
    """A part of an ontology as YAML writes it."""
    document = part.as_dict() if isinstance(part, Ontology) else part
    if isinstance(document, dict):
        return {key: _plain(value) for key, value in document.items()}
    return [_plain(value) for value in document] if isinstance(document, tuple | list) else document

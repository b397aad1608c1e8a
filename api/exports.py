"""Exports for jobs: the graph, or a snapshot of it, in the form that a job reads, here or in object storage."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api import pipeline
from api.pipeline import PipelineError
from graph import Store
from graph.admin_csv import ARGUMENTS, write_admin_csv
from graph.graph_files import write_graphml, write_node_link
from schema.errors import suggestion
from schema.files import folder_beside
from schema.iris import Names
from schema.progress import Report, silent
from schema.remote import is_remote, local_path, snapshot_folder, upload
from schema.snapshot import MANIFEST, Snapshot, SnapshotManifest, open_snapshot

if TYPE_CHECKING:
    from graph.rdf import Format as RdfFormat

SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Format:
    """A form of export: what it is, how it is written, and of a folder the file that shows it to be whole."""

    says: str
    write: Callable[[Snapshot, Path, Names, Report], None]
    marker: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What shall be exported.

    Attributes:
        form: one of `FORMATS`, or `SNAPSHOT`.
        since: address of an earlier snapshot, of which what still holds is not read again.
        until: later events and dated relations are left out.
        names: IRIs of the shop, for RDF.
    """

    form: str = SNAPSHOT
    since: str | None = None
    until: datetime | None = None
    names: Names = field(default_factory=Names)


def export(store: Store, out: str, wanted: Wanted, *, report: Report = silent) -> SnapshotManifest:
    """Writes the graph to a place of this machine or of an object store, complete or not at all.

    Args:
        store: the graph.
        out: a path, or an address such as `s3://bucket/path`.
        wanted: what.
        report: told how far it is.

    Raises:
        PipelineError: there is no such format, the store is empty, or what is wanted does not go together.
        RemoteError: the object store does not answer or refuses.
    """
    check_format(wanted.form)
    with _earlier(wanted.since) as since, _place(out) as place:
        if wanted.form == SNAPSHOT:
            manifest = pipeline.export(store, place, until=wanted.until, since=since, report=report)
        else:
            with folder_beside(place) as aside:
                manifest = pipeline.export(store, aside / SNAPSHOT, until=wanted.until, since=since, report=report)
                snapshot = open_snapshot(aside / SNAPSHOT, verify=False)
                FORMATS[wanted.form].write(snapshot, place, wanted.names, report)
        _sent(place, out, wanted.form)
    return manifest


def convert(snapshot: str, out: str, wanted: Wanted, *, report: Report = silent) -> SnapshotManifest:
    """Writes a snapshot in another form, or a copy of it to an object store; needs no store.

    Args:
        snapshot: address of it.
        out, report: as of `export`.
        wanted: its form, and names for RDF.
    """
    form = wanted.form
    check_format(form)
    with snapshot_folder(snapshot) as folder, _place(out) as place:
        opened = open_snapshot(folder)
        if form != SNAPSHOT:
            FORMATS[form].write(opened, place, wanted.names, report)
            _sent(place, out, form)
        elif is_remote(out):
            upload(folder, out, marker=MANIFEST)
        else:
            raise PipelineError(f"{out}: {snapshot} is a snapshot; name a format, or an object store to copy it to")
        return opened.manifest


def check_format(form: str) -> None:
    """Refuses a format that there is not."""
    if form not in (SNAPSHOT, *FORMATS):
        raise PipelineError(f"no format {form}; {suggestion(form, [SNAPSHOT, *FORMATS])}")


@contextmanager
def _earlier(address: str | None) -> Iterator[Snapshot | None]:
    if address is None:
        yield None
        return
    with snapshot_folder(address) as folder:
        yield open_snapshot(folder)


@contextmanager
def _place(out: str) -> Iterator[Path]:
    """Where to write: the place itself, or one on this machine for what then goes to an object store."""
    if not is_remote(out):
        yield local_path(out)
        return
    with tempfile.TemporaryDirectory(prefix="pathrec-") as folder:
        yield Path(folder) / (out.rstrip("/").rpartition("/")[2] or SNAPSHOT)


def _sent(place: Path, out: str, form: str) -> None:
    if is_remote(out):
        upload(place, out, marker=MANIFEST if form == SNAPSHOT else FORMATS[form].marker)


def _hetero(snapshot: Snapshot, path: Path, _: Names, __: Report) -> None:
    from gnn.data import read_shop
    from gnn.hetero import write_hetero_data

    write_hetero_data(read_shop(snapshot), path)


def _rdf(form: "RdfFormat") -> Callable[[Snapshot, Path, Names, Report], None]:
    def write(snapshot: Snapshot, path: Path, names: Names, report: Report) -> None:
        from graph.rdf import write_rdf

        write_rdf(snapshot, path, form, names=names, report=report)

    return write


FORMATS: dict[str, Format] = {
    "hetero": Format("tensors, for HeteroData.from_dict(torch.load(…))", _hetero),
    "networkx": Format("node-link JSON, for networkx.node_link_graph", lambda s, path, _, __: write_node_link(s, path)),
    "graphml": Format("GraphML", lambda s, path, _, __: write_graphml(s, path)),
    "neo4j-csv": Format(
        "CSV for neo4j-admin database import", lambda s, path, _, __: write_admin_csv(s, path), ARGUMENTS
    ),
    "turtle": Format("RDF", _rdf("turtle")),
    "ntriples": Format("RDF", _rdf("ntriples")),
    "jsonld": Format("RDF", _rdf("jsonld")),
    "rdfxml": Format("RDF", _rdf("rdfxml")),
}
"""All forms but the snapshot itself, each made from one."""


def moment(text: str) -> datetime:
    """A moment that somebody wrote; without a zone it is in UTC.

    Raises:
        PipelineError: it is none.
    """
    try:
        written = datetime.fromisoformat(text)
    except ValueError as error:
        raise PipelineError(f"{text}: is no moment; write 2026-01-31 or 2026-01-31T12:00:00+01:00") from error
    return written if written.tzinfo else written.replace(tzinfo=UTC)

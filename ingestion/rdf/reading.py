"""The whole way of a file of RDF: triples by subject, nodes, relations and events, quarantine and account.

Nothing is in memory as a whole: what is gathered lies on disk in parts, and each step takes one part at a
time. Nothing goes into a store before the file was read to its end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import structlog

from ingestion.account import QualityReport, SourceQuality
from ingestion.errors import SourceError
from ingestion.rdf.events import HAPPENED, events_of, happened_of
from ingestion.rdf.gathering import PAIRS, TRIPLES, Gathered, follow, gather
from ingestion.rdf.links import ENDS, LINKS, SAID, ends_of, links_of, said_of
from ingestion.rdf.nodes import merged, node_columns, nodes_of
from ingestion.rdf.parsing import opened_rdf
from ingestion.rdf.plan import Plan
from ingestion.rdf.rejected import Rejected, listed, rejecting
from ingestion.rdf.rows import FEW, Rows, together
from ingestion.rdf.rules import RdfMapping
from ingestion.rdf.staging import Staging
from ingestion.rdf.work import IDS, Work, by
from schema.iris import Names
from schema.ontology import Ontology
from schema.progress import Report, silent

_log = structlog.get_logger()


@dataclass(frozen=True)
class Staged:
    """What a file says, ready for a store, and the account of how it was read.

    `clock` is how far the shop's clock is from the wall clock; None: the file does not say.
    """

    tables: Staging
    quality: QualityReport
    clock: timedelta | None


@contextmanager
def read_rdf(
    path: Path,
    mapping: RdfMapping,
    *,
    ontology: Ontology,
    names: Names,
    workdir: Path,
    report: Report = silent,
    now: datetime | None = None,
    few: int = FEW,
) -> Iterator[Staged]:
    """Reads a file to its end; its tables are there while the block runs.

    What is not taken goes to `workdir/quarantine/<file>.jsonl`, which appears when the block ends well.

    Args:
        path: a file of RDF; its suffix tells the format.
        mapping: what becomes of it.
        ontology: what it becomes.
        names: IRIs of the shop, for relative ones.
        workdir: has room for what is gathered, about as much as the file unpacked.
        report: told how far it is.
        now: the wall clock, after which nothing can have happened.
        few: triples that are kept in memory.

    Raises:
        SourceError: the file is missing, broken, or says nothing that the mapping takes.
        WriteError: there is no space for what is gathered.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    source = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    with TemporaryDirectory(dir=workdir, prefix=".rdf.") as folder, rejecting(workdir, source) as rejected:
        staging = Staging(Path(folder), ontology)
        work = Work(Plan(mapping, ontology), rejected, staging, Path(folder), few)
        triples, derived = work.room(TRIPLES, "s"), work.room(TRIPLES, "s")
        with opened_rdf(path, names.base) as file:
            gathered = gather(file, work.plan, triples, report)
            for line in file.broken:
                rejected.add(line.line, line.reason, line.explanation, {})
        follow(work.plan, gathered.present, triples, derived, lambda _: work.room(PAIRS, "node"))
        report("map triples", 1, 4)
        made = _made(work, triples, derived, report, now or datetime.now(UTC))
        staging.finish()
        if not staging.rows:
            raise _nothing(path, mapping, gathered)
        account = _source(source, path, gathered, len(file.broken), rejected)
        _log.info("read", file=path.name, triples=gathered.triples, rejected=rejected.number)
        quality = replace(made, sources=(account,), notes=_notes(work, gathered))
        yield Staged(staging, quality, gathered.clock)


def _made(work: Work, triples: Rows, derived: Rows, report: Report, now: datetime) -> QualityReport:
    """Nodes, relations and events of all triples, written to the staging tables."""
    plan, mapping = work.plan, work.plan.mapping
    ids, ends, said = work.room(IDS, "s"), work.room(ENDS, "o"), work.room(SAID, "o")
    nodes = {rule.type: work.room(node_columns(work, rule.type), "id") for rule in mapping.nodes}
    happened = work.room(HAPPENED, "product")
    for part in together(triples, derived):
        rows = pl.concat(part)
        known = nodes_of(work, rows, nodes)
        ids.add(known)
        for rule in mapping.relations:
            ends.add(ends_of(work, rule, rows, known, nodes))
        if plan.weighs:
            said.add(said_of(plan, rows))
        if mapping.events:
            happened.add(happened_of(work, mapping.events, rows))
    report("map triples", 2, 4)
    links = work.room(LINKS, "source")
    for end, known, told in together(ends, ids, said):
        links.add(links_of(work, end, known, told))
    report("map triples", 3, 4)
    for (of_part,) in together(links):
        for relation, some in by(of_part, "relation"):
            best = some.unique(["source", "target"], keep="last", maintain_order=True)
            work.staging.add_relations(relation, best.drop("relation"))
    for node_type, of_type in nodes.items():
        for (some,) in together(of_type):
            work.staging.add_nodes(node_type, merged(some))
    account = events_of(work, happened, ids, now)
    report("map triples", 4, 4)
    return replace(account, nodes=work.staging.counts("nodes"), relations=work.staging.counts("relations"))


def _source(name: str, path: Path, gathered: Gathered, broken: int, rejected: Rejected) -> SourceQuality:
    read = gathered.triples + broken
    return SourceQuality(
        name=name,
        file=path.name,
        rows_in=read,
        rows_kept=max(read - rejected.number, 0),
        rows_quarantined=rejected.number,
        reasons=rejected.reasons(),
        steps=(),
        columns=(),
    )


def _notes(work: Work, gathered: Gathered) -> tuple[str, ...]:
    notes = []
    for what, counts in (("predicates", gathered.predicates), ("classes", gathered.classes)):
        if counts:
            most = listed(f"{name} ({count:,})" for name, count in counts.most_common())
            notes.append(f"{counts.total():,} triples are of {what} that the mapping does not take: {most}")
    for name, count in work.several.items():
        if count:
            notes.append(f"{count:,} subjects have several values of {name}; the first in the file holds")
    return tuple(notes)


def _nothing(path: Path, mapping: RdfMapping, gathered: Gathered) -> SourceError:
    classes = listed(name for name, _ in gathered.classes.most_common())
    there = f"it has nodes of {classes}" if classes else f"of its {gathered.triples:,} triples none says what a node is"
    return SourceError(
        f"{path}: nothing in it is what the mapping {mapping.name} takes; {there}. Name another mapping, or the base "
        "that the file was written with"
    )

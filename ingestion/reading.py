"""The whole way of a mapping: files, clean rows, records, quarantine and account."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import structlog

from ingestion import records
from ingestion.account import QualityReport, SourceQuality, account_of, source_quality
from ingestion.categories import derive_categories
from ingestion.clean import StepCount, clean
from ingestion.clock import latest_allowed
from ingestion.columns import typed
from ingestion.delimited import Table
from ingestion.fitting import check_columns, misfits
from ingestion.identity import with_identity
from ingestion.mapping import Mapping
from ingestion.quarantine import quarantine_file, write_quarantine
from ingestion.rules import Source
from ingestion.sources import read_source
from ingestion.step import LINE, rejections
from schema.progress import Report, silent
from schema.tables import EVENTS, RELATIONS, conform, node_schema

_log = structlog.get_logger()


@dataclass(frozen=True)
class Records:
    """What a shop's files say, in the tables that a store loads.

    `clock` is the moment at which the shop's clock stands at the end of its data; None: the wall clock.
    """

    nodes: dict[str, pa.Table]
    relations: dict[str, pa.Table]
    events: pa.Table
    clock: datetime | None
    quality: QualityReport


@dataclass(frozen=True)
class _Taken:
    """A source on its way: raw rows, those still good, the rejected ones, its events."""

    source: Source
    table: Table
    rows: pl.DataFrame
    rejected: pl.DataFrame
    steps: tuple[StepCount, ...]
    events: pl.DataFrame

    def quality(self) -> SourceQuality:
        return source_quality(self.source, self.table.rows, self.table.broken, self.rows, self.rejected, self.steps)


def read(mapping: Mapping, *, workdir: Path, report: Report = silent, now: datetime | None = None) -> Records:
    """Reads and cleans all sources of a mapping; the same files give the same records.

    Rejected rows go to `workdir/quarantine/<source>.jsonl`, written when everything else has succeeded.

    Args:
        now: the wall clock, for files whose events cannot be later.

    Raises:
        MappingError: a mapped column is not in its file; all of them are listed.
        SourceError: a file is missing, empty, cut off or not what its name says.
        BalanceError: a row got lost.
        WriteError: the quarantine cannot be written.
    """
    check_columns(mapping)
    now = now or datetime.now(UTC)
    steps = len(mapping.sources) + 2
    taken = []
    for done, source in enumerate(mapping.sources):
        report(f"read {source.name}", done, steps)
        taken.append(_take(mapping, source))
    report("make records", steps - 2, steps)
    taken = _without_late_mistakes(taken, mapping, now)
    made = _records(taken, mapping)
    report("write quarantine", steps - 1, steps)
    for t in taken:
        path = quarantine_file(workdir, t.source.name)
        write_quarantine(path, t.source.name, t.table.rows, t.rejected, t.table.broken)
    report("write quarantine", steps, steps)
    _log.info("ingested", mapping=mapping.name, rows=made.quality.rows_in, quarantined=made.quality.rows_quarantined)
    return made


def _take(mapping: Mapping, source: Source) -> _Taken:
    table = read_source(source)
    if mistakes := misfits(source, mapping.sources.index(source), table.rows):
        raise mapping.error(mistakes)
    needs_ids = any(rule.id is None for rule in source.events)
    cells = typed(with_identity(table.rows, source) if needs_ids else table.rows, source)
    cleaned = clean(cells.rows, source.clean)
    whole = records.complete(cleaned.rows, source, mapping.ontology)
    rejected = pl.concat([cells.rejected, cleaned.rejected, whole.rejected])
    events = records.event_frame(whole.rows, source)
    return _Taken(source, table, whole.rows, rejected, cleaned.counts, events)


def _without_late_mistakes(taken: list[_Taken], mapping: Mapping, now: datetime) -> list[_Taken]:
    """Rejects rows that show as wrong only beside all the others: events of the future, repeated ids."""
    events = pl.concat([t.events.with_columns(pl.lit(k).alias("#source")) for k, t in enumerate(taken)])
    if events.is_empty():
        return taken
    limit = latest_allowed(events["time"], mapping.clock, now)
    future = rejections(
        events.filter(pl.col("time") > limit), "future", pl.format("{} is later than the shop's clock", pl.col("time"))
    ).hstack(events.filter(pl.col("time") > limit).select("#source"))
    repeated = events.filter(pl.col("time") <= limit).filter(~pl.col("id").is_first_distinct())
    explanation = pl.format("the event id {} was there before", pl.col("id"))
    again = rejections(repeated, "repeated_event_id", explanation).hstack(repeated.select("#source"))
    late = pl.concat([future, again]).unique(["#source", LINE], keep="first", maintain_order=True)
    return [_without(t, late.filter(pl.col("#source") == k).drop("#source")) for k, t in enumerate(taken)]


def _without(taken: _Taken, late: pl.DataFrame) -> _Taken:
    if late.is_empty():
        return taken
    return replace(
        taken,
        rows=taken.rows.join(late, on=LINE, how="anti", maintain_order="left"),
        events=taken.events.join(late, on=LINE, how="anti", maintain_order="left"),
        rejected=pl.concat([taken.rejected, late]),
    )


def _records(taken: list[_Taken], mapping: Mapping) -> Records:
    nodes: dict[str, list[pl.DataFrame]] = defaultdict(list)
    relations: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for t in taken:
        for node_type, frame in records.node_frames(t.rows, t.source):
            nodes[node_type].append(frame)
        for name, frame in records.relation_frames(t.rows, t.source):
            relations[name].append(frame)
    _add_categories(nodes, relations, mapping)
    node_tables = {kind: _nodes(mapping, kind, frames) for kind, frames in nodes.items()}
    relation_tables = {name: _relations(name, frames) for name, frames in relations.items()}
    events = pl.concat([t.events for t in taken]).drop(LINE).sort("time", maintain_order=True)
    clock = events["time"].max() if mapping.clock == "data" else None
    clock = clock if isinstance(clock, datetime) else None
    account = account_of(mapping.name, [t.quality() for t in taken], node_tables, relation_tables, events, clock)
    quality = replace(account, notes=_notes(taken, mapping, node_tables, events))
    return Records(node_tables, relation_tables, conform(events.to_arrow(), EVENTS, what="events"), clock, quality)


def _add_categories(
    nodes: dict[str, list[pl.DataFrame]], relations: dict[str, list[pl.DataFrame]], mapping: Mapping
) -> None:
    """Derived categories, beside those that the files bring."""
    if mapping.categories is None or not nodes["Product"]:
        return
    products = records.merged_nodes(nodes["Product"]).select("id", mapping.categories.source)
    derived = derive_categories(dict(products.fill_null("").iter_rows()), mapping.categories)
    names = [(category.id, category.name) for category in derived.categories]
    parents = [(category.id, category.parent) for category in derived.categories if category.parent]
    nodes["Category"].append(pl.DataFrame(names, schema={"id": pl.String, "name": pl.String}, orient="row"))
    relations["CHILD_OF"].append(records.plain_relations(parents))
    relations["IN_CATEGORY"].append(records.plain_relations(list(derived.of.items())))


def _nodes(mapping: Mapping, kind: str, frames: list[pl.DataFrame]) -> pa.Table:
    table = records.merged_nodes(frames).to_arrow()
    return conform(table, node_schema(mapping.ontology, kind), what=f"nodes {kind}")


def _relations(name: str, frames: list[pl.DataFrame]) -> pa.Table:
    return conform(records.merged_relations(frames).to_arrow(), RELATIONS, what=f"relations {name}")


def _notes(taken: list[_Taken], mapping: Mapping, nodes: dict[str, pa.Table], events: pl.DataFrame) -> tuple[str, ...]:
    """What people should know beyond the counts."""
    notes = []
    for t in taken:
        if t.rows.is_empty() and t.rejected.height:
            notes.append(f"{t.source.name}: no row was usable; does the mapping fit the file?")
        for place, count in records.several_values(t.rows, t.source).items():
            if count:
                notes.append(f"{t.source.name}: {count:,} nodes had several values of {place}; the most frequent holds")
    if "Product" in nodes:
        absent = _missing_pictures(nodes["Product"], mapping.images)
        if absent:
            notes.append(f"{absent:,} products name a picture that is not in {mapping.images}")
        known = pl.Series(nodes["Product"]["id"].to_pylist(), dtype=pl.String)
        strange = events["product"].filter(~events["product"].is_in(known.implode()))
        if len(strange):
            notes.append(f"{len(strange):,} events are with {strange.n_unique():,} products that no source describes")
    return tuple(notes)


def _missing_pictures(products: pa.Table, folder: Path | None) -> int:
    if folder is None:
        return 0
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    named = [name for name in products["image"].to_pylist() if name and "://" not in name]
    return sum(name not in there for name in named)

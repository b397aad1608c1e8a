"""Clean rows of sources become tables of nodes, relations and events.

**Shapes.** Rows carry the mapping's columns and `LINE`. All frames of one kind have the same columns:
nodes `id` and properties, relations those of `schema.tables.RELATIONS`, events those of `EVENTS`.
"""

from collections.abc import Iterable

import polars as pl

from ingestion.columns import TIME
from ingestion.identity import IDENTITY, event_ids
from ingestion.rules import EventRule, NodeRule, RelationRule, Source, Value
from ingestion.step import LINE, Outcome, divide
from schema.ontology import Ontology

_TEXTS = ("id", "user", "product", "behaviour", "basket", "session")
_EVENTS = pl.Schema([(LINE, pl.Int64), ("time", TIME), ("value", pl.Float64), *((name, pl.String) for name in _TEXTS)])


def complete(rows: pl.DataFrame, source: Source, ontology: Ontology) -> Outcome:
    """Rejects rows that lack what they are about: of their events, else first node, else first relation."""
    outcome = divide(rows, *_missing(source))
    rejected = [outcome.rejected]
    for rule in source.events:
        behaviour = _behaviour(rule)
        unknown = divide(
            outcome.rows,
            ~behaviour.is_in(list(ontology.behaviours)),
            "unknown_behaviour",
            pl.format("{} is no behaviour; there is {}", behaviour, pl.lit(", ".join(ontology.behaviours))),
        )
        who = [pl.col(c).is_null() for c in (rule.user, rule.session, rule.basket) if c]
        nobody = divide(unknown.rows, pl.all_horizontal(*who), "nobody", "neither user nor session nor basket is known")
        rejected += [unknown.rejected, nobody.rejected]
        outcome = nobody
    return Outcome(outcome.rows, pl.concat(rejected))


def event_frame(rows: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Events of all the source's rules with `LINE`, in the order of lines."""
    frames = [_events(rows, rule, number) for number, rule in enumerate(source.events)]
    return pl.concat([pl.DataFrame(schema=_EVENTS), *frames], how="diagonal").sort(LINE, maintain_order=True)


def node_frames(rows: pl.DataFrame, source: Source) -> Iterable[tuple[str, pl.DataFrame]]:
    """Type and nodes for each rule of the source; ids are unique within a frame."""
    recency = source.events[0].time if source.events else LINE
    for rule in source.nodes:
        yield rule.type, _nodes(rows, rule, recency)


def merged_nodes(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Nodes of one type from several frames; a later value that is not null replaces an earlier one."""
    if len(frames) == 1:
        return frames[0].sort("id")
    together = pl.concat(frames, how="diagonal_relaxed")
    return together.group_by("id").agg(pl.all().drop_nulls().last()).sort("id")


def relation_frames(rows: pl.DataFrame, source: Source) -> Iterable[tuple[str, pl.DataFrame]]:
    """Name and relations for each rule of the source, in the order of lines."""
    for rule in source.relations:
        yield rule.name, _relations(rows, rule)


def merged_relations(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Relations of one name; of several between the same two ends the last one holds."""
    return pl.concat(frames).unique(["source", "target"], keep="last").sort("source", "target")


def plain_relations(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    """Relations that have ends and nothing else."""
    frame = pl.DataFrame(pairs, schema={"source": pl.String, "target": pl.String}, orient="row")
    return frame.with_columns(pl.lit(None, dtype=pl.Float32).alias("weight"), pl.lit(None, dtype=TIME).alias("time"))


def several_values(rows: pl.DataFrame, source: Source) -> dict[str, int]:
    """For each property that is chosen as the most frequent: how many nodes had several values."""
    found = {}
    for rule in source.nodes:
        for name, value in rule.properties.items():
            if value.choose == "most_frequent" and value.column:
                distinct = rows.group_by(rule.id).agg(pl.col(value.column).drop_nulls().n_unique().alias("n"))
                found[f"{rule.type}.{name}"] = distinct.filter(pl.col("n") > 1, pl.col(rule.id).is_not_null()).height
    return found


def _missing(source: Source) -> tuple[pl.Expr, str, pl.Expr]:
    if source.events:
        needed = [c for rule in source.events for c in (rule.product, rule.time, rule.id, rule.behaviour.column) if c]
    elif source.nodes:
        needed = [source.nodes[0].id]
    else:
        needed = [source.relations[0].source, source.relations[0].target]
    empty = [_empty(source, column) for column in needed]
    first = pl.coalesce(*(pl.when(e).then(pl.lit(c)) for c, e in zip(needed, empty, strict=True)))
    return pl.any_horizontal(*empty), "missing_value", pl.format("{} is empty", first)


def _empty(source: Source, column: str) -> pl.Expr:
    cell = pl.col(column)
    return cell.is_null() | (cell.list.len() == 0) if source.columns[column].split else cell.is_null()


def _behaviour(rule: EventRule) -> pl.Expr:
    value = rule.behaviour
    if value.column is None:
        return pl.lit(str(value.constant))
    return pl.col(value.column).replace(value.values) if value.values else pl.col(value.column)


def _events(rows: pl.DataFrame, rule: EventRule, number: int) -> pl.DataFrame:
    def taken(column: str | None, kind: type[pl.DataType] = pl.String) -> pl.Expr:
        return pl.col(column).cast(kind) if column else pl.lit(None, dtype=kind)

    frame = rows.select(
        pl.col(LINE),
        (taken(rule.id) if rule.id else pl.lit("")).alias("id"),
        taken(rule.user).alias("user"),
        taken(rule.product).alias("product"),
        _behaviour(rule).alias("behaviour"),
        pl.col(rule.time).alias("time"),
        taken(rule.value, pl.Float64).alias("value"),
        taken(rule.basket).alias("basket"),
        taken(rule.session).alias("session"),
    )
    return frame if rule.id else frame.with_columns(event_ids(rows[IDENTITY], number))


def _nodes(rows: pl.DataFrame, rule: NodeRule, recency: str) -> pl.DataFrame:
    used = {rule.id, recency, LINE, *(v.column for v in rule.properties.values() if v.column)}
    named = _exploded(rows.select(sorted(used)), rule.id).filter(pl.col(rule.id).is_not_null())
    named = named.with_columns(pl.col(rule.id).cast(pl.String).alias("#id"))
    plain = [_aggregate(name, value) for name, value in rule.properties.items() if value.choose != "most_frequent"]
    nodes = named.group_by("#id", maintain_order=True).agg(pl.len().alias("#rows"), *plain)
    for name, value in rule.properties.items():
        if value.choose == "most_frequent" and value.column:
            nodes = nodes.join(
                _most_frequent(named, value.column, recency).rename({value.column: name}), on="#id", how="left"
            )
    return nodes.select(pl.col("#id").alias("id"), *rule.properties)


def _aggregate(name: str, value: Value) -> pl.Expr:
    if value.column is None:
        return pl.lit(value.constant).first().alias(name)
    column = pl.col(value.column)
    return (column.median() if value.choose == "median" else column.drop_nulls().last()).alias(name)


def _most_frequent(rows: pl.DataFrame, column: str, recency: str) -> pl.DataFrame:
    """For each `#id` the value that most rows have; of equals the most recent, then the first in the alphabet."""
    said = rows.filter(pl.col(column).is_not_null()).group_by("#id", column)
    counted = said.agg(pl.len().alias("#n"), pl.col(recency).max().alias("#latest"))
    ordered = counted.sort("#id", "#n", "#latest", column, descending=[False, True, True, False])
    return ordered.unique("#id", keep="first").select("#id", column)


def _relations(rows: pl.DataFrame, rule: RelationRule) -> pl.DataFrame:
    used = {rule.source, rule.target, *(c for c in (rule.weight, rule.time) if c)}
    pairs = _exploded(_exploded(rows.select(sorted(used)), rule.source), rule.target)
    weight = pl.col(rule.weight).cast(pl.Float32) if rule.weight else pl.lit(None, dtype=pl.Float32)
    return pairs.select(
        pl.col(rule.source).cast(pl.String).alias("source"),
        pl.col(rule.target).cast(pl.String).alias("target"),
        weight.alias("weight"),
        (pl.col(rule.time) if rule.time else pl.lit(None, dtype=TIME)).alias("time"),
    ).drop_nulls(["source", "target"])


def _exploded(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.explode(column) if isinstance(rows.schema[column], pl.List) else rows

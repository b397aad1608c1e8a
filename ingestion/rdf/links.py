"""Relations: where paths lead from their sources, the ids at both ends, and what statements say of them."""

from collections.abc import Mapping

import polars as pl

from ingestion.columns import TIME
from ingestion.rdf.gathering import LITERAL
from ingestion.rdf.nodes import filled
from ingestion.rdf.plan import OBJECT, PREDICATE, STATEMENT, SUBJECT, TYPE, Plan
from ingestion.rdf.rows import Rows
from ingestion.rdf.rules import RelationRule
from ingestion.rdf.subjects import parsed
from ingestion.rdf.work import Work, by, with_id

ENDS = pl.Schema(
    [
        ("relation", pl.String),
        ("source", pl.String),
        ("s", pl.String),
        ("p", pl.Int32),
        ("o", pl.String),
        ("n", pl.Int64),
    ]
)
SAID = pl.Schema([("s", pl.String), ("predicate", pl.String), ("o", pl.String), ("weight", pl.Float32), ("time", TIME)])
LINKS = pl.Schema(
    [("relation", pl.String), ("source", pl.String), ("target", pl.String), ("weight", pl.Float32), ("time", TIME)]
)


def ends_of(
    work: Work, rule: RelationRule, rows: pl.DataFrame, known: pl.DataFrame, nodes: Mapping[str, Rows]
) -> pl.DataFrame:
    """Where the paths of a relation lead from its sources; literals become nodes where the mapping says so."""
    plan, ends = work.plan, work.plan.ontology.relations[rule.name]
    found = rows.filter(pl.col("p").is_in(plan.ways(rule.path)))
    found = with_id(found, known, plan.mapping.rules_of(ends.source), ends.source, "s", "source")
    found = found.filter(pl.col("source").is_not_null()).with_columns(relation=pl.lit(rule.name))
    found = found.filter((pl.col("k") != LITERAL) | (pl.col("o").str.strip_chars() != ""))
    texts = found.filter(pl.col("k") == LITERAL)
    if not texts.is_empty():
        named = next((target for target in plan.mapping.rules_of(ends.target) if target.text), None)
        if named is None:
            said = texts.with_columns(said=pl.lit(rule.path[0]))
            work.rejected.add_rows(said, "not_a_node", f'"{{o}}" is a text, not a {ends.target}')
            return found.filter(pl.col("k") != LITERAL)
        target = texts.select(pl.col("o").alias("id"), pl.col("o").alias(str(named.text))).unique(maintain_order=True)
        nodes[ends.target].add(filled(target, nodes[ends.target].schema))
        found = pl.concat([found.filter(pl.col("k") != LITERAL), texts.with_columns(p=pl.lit(None, dtype=pl.Int32))])
    return found


def said_of(plan: Plan, rows: pl.DataFrame) -> pl.DataFrame:
    """Weights and times that statements give to triples."""
    is_a = (pl.col("p") == plan.forwards[TYPE]) & (pl.col("o") == STATEMENT)
    table = rows.filter(is_a).select("s").unique()
    weights = [rule.weight for rule in plan.mapping.relations if rule.weight]
    times = [rule.time for rule in plan.mapping.relations if rule.time]
    columns: dict[str, tuple[str, ...]] = {
        "subject": (f"<{SUBJECT}>",),
        "predicate": (f"<{PREDICATE}>",),
        "o": (f"<{OBJECT}>",),
    }
    columns |= {"weight": tuple(dict.fromkeys(weights)), "time": tuple(dict.fromkeys(times))}
    for name, paths in columns.items():
        found = rows.filter(pl.col("p").is_in(plan.ways(paths))).unique("s", keep="first", maintain_order=True)
        table = table.join(found.select("s", pl.col("o").alias(name)), on="s", how="left")
    weight = pl.col("weight").cast(pl.Float32, strict=False)
    return table.select(
        pl.col("subject").alias("s"), "predicate", "o", weight, parsed(pl.col("time"), "datetime").alias("time")
    ).drop_nulls(["s", "predicate", "o"])


def links_of(work: Work, ends: pl.DataFrame, known: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Relations between ids; those whose target is no node are rejected."""
    plan = work.plan
    found = [pl.DataFrame(schema=LINKS)]
    names = {number: name for name, number in plan.forwards.items()}
    said = said.unique(["s", "predicate", "o"], keep="last", maintain_order=True)
    for relation, some in by(ends, "relation"):
        target = plan.ontology.relations[relation].target
        named = with_id(some, known, plan.mapping.rules_of(target), target, "o", "target")
        texts = pl.when(pl.col("p").is_null()).then(pl.col("o"))
        named = named.with_columns(pl.coalesce("target", texts).alias("target"))
        lost = named.filter(pl.col("target").is_null())
        shown = lost.with_columns(said=pl.lit(relation))
        work.rejected.add_rows(shown, "no_such_node", f"{{o}} is no {target} in this file, so its id is not known")
        predicate = pl.col("p").replace_strict(names, default=None, return_dtype=pl.String).alias("predicate")
        told = named.filter(pl.col("target").is_not_null()).with_columns(predicate)
        told = told.join(said, on=["s", "predicate", "o"], how="left", maintain_order="left")
        found.append(told.select(LINKS.names()))
    return pl.concat(found)

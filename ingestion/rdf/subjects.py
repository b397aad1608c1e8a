"""What subjects are and have, for the triples of some subjects at a time.

**Shapes.** Triples as in `ingestion.rdf.gathering`, all of each subject together. Members are `s` and `n`,
the line on which they are first said to be one; ids `s`, `type` and `id`; values `s`, `v` and `n`.
"""

from collections.abc import Sequence
from urllib.parse import unquote

import polars as pl

from ingestion.columns import TIME, iso_time
from ingestion.rdf.gathering import BLANK, BLANK_START
from ingestion.rdf.plan import TYPE, Plan
from ingestion.rdf.rejected import Rejected
from ingestion.rdf.rules import EventRule, NodeRule, Value
from schema.ontology import PropertyType

JOINED = ": "
"""Between the parts of an id that is made of several."""

_NOUN = {"integer": "whole number", "float": "number", "boolean": "yes or no", "datetime": "time", "string": "text"}
_POLARS: dict[PropertyType, pl.DataType | type[pl.DataType]] = {
    "string": pl.String,
    "integer": pl.Int64,
    "float": pl.Float64,
    "boolean": pl.Boolean,
    "datetime": TIME,
}


def polars_type(kind: PropertyType) -> pl.DataType | type[pl.DataType]:
    """The column type of a property."""
    return _POLARS[kind]


def members(triples: pl.DataFrame, plan: Plan, rule: NodeRule | EventRule) -> pl.DataFrame:
    """Subjects that a rule means."""
    is_one = (pl.col("p") == plan.forwards[TYPE]) & pl.col("o").is_in(plan.class_names(rule))
    if isinstance(rule, NodeRule):
        is_one |= pl.col("p").is_in(plan.ends(rule))
    return triples.filter(is_one).group_by("s").agg(pl.col("n").min()).sort("n", "s")


def with_ids(triples: pl.DataFrame, plan: Plan, rule: NodeRule | EventRule, among: pl.DataFrame) -> pl.DataFrame:
    """Members with their `id`, null where they have none."""
    texts = []
    for number, alternative in enumerate(rule.id):
        for place, path in enumerate(alternative):
            name = f"#{number}.{place}"
            found = _best(candidates(triples, plan, (path,), among)).select("s", pl.col("o").alias(name))
            among = among.join(found, on="s", how="left", maintain_order="left")
        parts = [f"#{number}.{place}" for place in range(len(alternative))]
        texts.append(pl.concat_str(parts, separator=JOINED))
    named = iri_id(rule.iri) if rule.iri else pl.when(~pl.col("s").str.starts_with(BLANK_START)).then(pl.col("s"))
    return among.select("s", "n", pl.coalesce(*texts, named).alias("id"))


def iri_id(start: str, column: str = "s") -> pl.Expr:
    """The id in an IRI that begins in some way; null for others."""
    cell = pl.col(column)
    rest = cell.str.strip_prefix(start).map_batches(_decoded, return_dtype=pl.String)
    return pl.when(cell.str.starts_with(start)).then(rest)


def values(
    triples: pl.DataFrame, plan: Plan, value: Value, kind: PropertyType, among: pl.DataFrame, rejected: Rejected
) -> tuple[pl.DataFrame, int]:
    """The value of a property for each member that has one, and how many members have several.

    The first path that leads to something counts, then the preferred language, then what the file says first.
    What is not of its kind is rejected.
    """
    found = candidates(triples, plan, value.path, among)
    table = plan.values(value)
    text = pl.col("o").replace_strict(table, default=None, return_dtype=pl.String) if table else pl.col("o")
    read = found.with_columns(parsed(text, kind).alias("v"))
    bad = read.filter(pl.col("v").is_null())
    if not bad.is_empty():
        said = pl.col("p").replace_strict({number: plan.said(number) for number in plan.ways(value.path)})
        reason, noun = ("unknown_value", "value that the mapping knows") if table else (f"bad_{kind}", _NOUN[kind])
        rejected.add_rows(bad.with_columns(said.alias("said")), reason, f'"{{o}}" is no {noun}')
        read = read.filter(pl.col("v").is_not_null())
    best = _best(read)
    return best.select("s", "v", "n"), _several(read, best)


def candidates(triples: pl.DataFrame, plan: Plan, paths: Sequence[str], among: pl.DataFrame) -> pl.DataFrame:
    """What alternatives lead to from each member, with the `rank` of path and language; no blank nodes."""
    ways = plan.ways(paths)
    found = triples.filter(pl.col("p").is_in(ways), pl.col("k") != BLANK).join(among, on="s", how="semi")
    preferred = {language: rank for rank, language in enumerate(plan.mapping.language)}
    language = pl.col("l").replace_strict(preferred, default=len(preferred) + 1, return_dtype=pl.Int32)
    return found.with_columns(
        pl.col("p").replace_strict({way: rank for rank, way in enumerate(ways)}, return_dtype=pl.Int32).alias("rank"),
        pl.when(pl.col("l").is_null()).then(len(preferred)).otherwise(language).alias("tongue"),
    )


def parsed(text: pl.Expr, kind: PropertyType) -> pl.Expr:
    """A text as what it is in XML Schema; null where it is not."""
    if kind == "string":
        return text
    trimmed = text.str.strip_chars()
    if kind == "float":
        number = trimmed.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    if kind == "boolean":
        return trimmed.replace_strict({"true": True, "1": True, "false": False, "0": False}, default=None)
    return trimmed.cast(pl.Int64, strict=False) if kind == "integer" else iso_time(trimmed, "UTC")


def _best(found: pl.DataFrame) -> pl.DataFrame:
    return found.sort("s", "rank", "tongue", "n", maintain_order=True).unique("s", keep="first", maintain_order=True)


def _several(found: pl.DataFrame, best: pl.DataFrame) -> int:
    if found.height == best.height:
        return 0
    rivals = found.join(best, on=["s", "rank", "tongue"], how="semi")
    counts = rivals.group_by("s").agg(pl.col("o").n_unique().alias("n"))
    return counts.filter(pl.col("n") > 1).height


def _decoded(parts: pl.Series) -> pl.Series:
    if not parts.str.contains("%", literal=True).any():
        return parts
    return pl.Series(parts.name, [None if part is None else unquote(part) for part in parts], dtype=pl.String)

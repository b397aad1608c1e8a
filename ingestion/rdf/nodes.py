"""Nodes of some subjects, with their properties."""

from collections.abc import Mapping

import polars as pl

from ingestion.rdf.rejected import listed
from ingestion.rdf.rows import Rows
from ingestion.rdf.subjects import members, polars_type, values, with_ids
from ingestion.rdf.work import IDS, Work


def node_columns(work: Work, node_type: str) -> pl.Schema:
    """Columns of nodes of a type: `id` and the properties."""
    properties = work.plan.ontology.nodes[node_type].properties
    return pl.Schema([("id", pl.String), *((name, polars_type(prop.type)) for name, prop in properties.items())])


def nodes_of(work: Work, rows: pl.DataFrame, nodes: Mapping[str, Rows]) -> pl.DataFrame:
    """Nodes of all rules with their properties, into the rows of their types; returns who is what."""
    found = [pl.DataFrame(schema=IDS)]
    for rule in work.plan.mapping.nodes:
        all_of_rule = with_ids(rows, work.plan, rule, members(rows, work.plan, rule))
        nameless = all_of_rule.filter(pl.col("id").is_null())
        explain = f"a {rule.type} that has no id: nothing of {listed(path for way in rule.id for path in way)}"
        work.rejected.add_rows(nameless.with_columns(o=pl.lit(rule.type)), "no_id", explain)
        named = all_of_rule.filter(pl.col("id").is_not_null())
        # A property may have any name that our own columns have; none begins with #.
        table = named.select(pl.col("s").alias("#s"), "id")
        for name, value in rule.properties.items():
            kind = work.plan.kind(rule.type, name)
            column, several = values(rows, work.plan, value, kind, named, work.rejected)
            work.several[f"{rule.type}.{name}"] += several
            column = column.select(pl.col("s").alias("#s"), pl.col("v").alias(name))
            table = table.join(column, on="#s", how="left", maintain_order="left")
        nodes[rule.type].add(filled(table, nodes[rule.type].schema))
        found.append(named.select("s", pl.lit(rule.type).alias("type"), "id"))
    return pl.concat(found).unique(["s", "type"], keep="first", maintain_order=True)


def filled(table: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """The table with all columns of a schema, empty ones where it has none."""
    absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in table.columns]
    return table.with_columns(absent)


def merged(nodes: pl.DataFrame) -> pl.DataFrame:
    """One row for each id; of several values the first holds."""
    if nodes["id"].is_duplicated().any():
        nodes = nodes.group_by("id", maintain_order=True).agg(pl.all().drop_nulls().first())
    return nodes.sort("id")

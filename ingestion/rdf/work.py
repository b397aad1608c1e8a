"""What one reading of a file has at hand, and what all its steps share."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingestion.rdf.plan import Plan
from ingestion.rdf.rejected import Rejected
from ingestion.rdf.rows import Rows
from ingestion.rdf.rules import NodeRule
from ingestion.rdf.staging import Staging
from ingestion.rdf.subjects import iri_id

IDS = pl.Schema([("s", pl.String), ("type", pl.String), ("id", pl.String)])
"""Who is what: a subject, a node type and the id of the node."""


@dataclass
class Work:
    """What one reading has at hand."""

    plan: Plan
    rejected: Rejected
    staging: Staging
    folder: Path
    few: int
    several: Counter[str] = field(default_factory=Counter)
    rooms: int = 0

    def room(self, schema: pl.Schema, key: str) -> Rows:
        """Room for rows that are gathered by a key."""
        self.rooms += 1
        return Rows(self.folder / str(self.rooms), schema, key, self.few)


def with_id(
    rows: pl.DataFrame, known: pl.DataFrame, rules: list[NodeRule], node_type: str, column: str, name: str
) -> pl.DataFrame:
    """Rows with the id of the node that a column names; null where it is not known."""
    of_type = known.filter(pl.col("type") == node_type).select(pl.col("s").alias(column), pl.col("id").alias(name))
    found = rows.join(of_type, on=column, how="left", maintain_order="left")
    # Only where the IRI itself makes the id, one can be known of which the file says nothing else.
    by_iri = [iri_id(rule.iri, column) for rule in rules if rule.iri]
    return found.with_columns(pl.coalesce(name, *by_iri).alias(name))


def by(rows: pl.DataFrame, column: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """Rows by what a column says."""
    for (name,), part in rows.partition_by(column, as_dict=True, maintain_order=True).items():
        yield str(name), part

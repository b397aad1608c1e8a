"""What was read, on disk, in the tables that a store loads; taken from there some rows at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schema.ontology import Ontology
from schema.tables import EVENTS, RELATIONS, conform, node_schema

PIECE = 100_000
"""Rows of a table that are in memory at a time."""


@dataclass
class Staging:
    """A folder of tables: `nodes.<Type>`, `relations.<NAME>` and `events`."""

    folder: Path
    ontology: Ontology
    rows: dict[str, int] = field(default_factory=dict)
    _writers: dict[str, pq.ParquetWriter] = field(default_factory=dict, repr=False)

    def add_nodes(self, node_type: str, nodes: pl.DataFrame) -> None:
        self._write(f"nodes.{node_type}", nodes, node_schema(self.ontology, node_type))

    def add_relations(self, relation: str, relations: pl.DataFrame) -> None:
        self._write(f"relations.{relation}", relations, RELATIONS)

    def add_events(self, events: pl.DataFrame) -> None:
        self._write("events", events, EVENTS)

    def finish(self) -> None:
        """Closes the tables; from now on they can be read."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def nodes(self, node_type: str) -> Iterator[pa.RecordBatch]:
        """Nodes of a type, some at a time."""
        return self._pieces(f"nodes.{node_type}", node_schema(self.ontology, node_type))

    def relations(self, relation: str) -> Iterator[pa.RecordBatch]:
        """Relations of a name, some at a time."""
        return self._pieces(f"relations.{relation}", RELATIONS)

    def events(self) -> Iterator[pa.RecordBatch]:
        """Events, some at a time."""
        return self._pieces("events", EVENTS)

    def counts(self, section: str) -> dict[str, int]:
        """Rows of each table of a section: `nodes` or `relations`."""
        return {name.partition(".")[2]: n for name, n in self.rows.items() if name.startswith(f"{section}.")}

    def _write(self, name: str, rows: pl.DataFrame, schema: pa.Schema) -> None:
        if rows.is_empty():
            return
        if name not in self._writers:
            self._writers[name] = pq.ParquetWriter(self.folder / f"{name}.parquet", schema)
        self._writers[name].write_table(conform(rows.to_arrow(), schema, what=name))
        self.rows[name] = self.rows.get(name, 0) + rows.height

    def _pieces(self, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        if name not in self.rows:
            return
        with pq.ParquetFile(self.folder / f"{name}.parquet") as file:
            for batch in file.iter_batches(PIECE):
                yield batch.cast(schema)

"""A graph in pieces that can be held against shapes: some nodes, all that is said of them, and what their ends are.

A piece has the triples of some subjects and the types of the nodes that they lead to, and nothing more of those.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow as pa
import pyoxigraph as ox
from rdflib import RDF

from graph.rdf import event_triples, link_triples, node_triples
from ingestion.columns import TIME
from ingestion.rdf.rows import FEW, Rows, together
from ingestion.rdf.subjects import polars_type
from schema.iris import Names
from schema.ontology import Ontology
from schema.tables import EVENTS, RELATIONS, conform, node_schema

MOST = 2000
"""Subjects of a piece."""

_TYPE = ox.NamedNode(str(RDF.type))
_WHO = pl.Schema([("type", pl.String), ("id", pl.String)])
_LINKS = pl.Schema(
    [
        ("relation", pl.String),
        ("source", pl.String),
        ("target", pl.String),
        ("weight", pl.Float32),
        ("time", TIME),
        ("there", pl.Boolean),
    ]
)
_EVENTS = pl.Schema(
    [
        *((name, pl.String) for name in ("id", "user", "product", "behaviour")),
        ("time", TIME),
        ("value", pl.Float64),
        ("basket", pl.String),
        ("session", pl.String),
        ("has_user", pl.Boolean),
        ("has_product", pl.Boolean),
    ]
)


class Tables(Protocol):
    """A graph as tables with ids at their ends, some rows at a time."""

    def nodes(self, node_type: str) -> Iterator[pa.RecordBatch]: ...
    def relations(self, relation: str) -> Iterator[pa.RecordBatch]: ...
    def events(self) -> Iterator[pa.RecordBatch]: ...


@dataclass(frozen=True)
class Piece:
    """Some subjects: how many, all that is said of them, and the types of the nodes that they lead to."""

    subjects: int
    said: list[ox.Triple]
    ends: list[ox.Triple]


class Neighbourhoods:
    """The pieces of a graph, gathered on disk where there are many."""

    def __init__(self, tables: Tables, ontology: Ontology, names: Names, folder: Path, few: int = FEW) -> None:
        """Args:
        tables: the graph.
        ontology: its ontology.
        names: its IRIs.
        folder: where rows go; nothing else is there.
        few: rows of a kind that are kept in memory.
        """
        self._ontology, self._names = ontology, names
        self._folder, self._few = folder, few
        self._nodes = {label: self._room(f"n.{label}", _columns(ontology, label), "id") for label in ontology.nodes}
        self.subjects = 0
        who = self._room("who", _WHO, "id")
        for label, rows in self._nodes.items():
            for frame in _frames(tables.nodes(label)):
                rows.add(frame)
                who.add(frame.select(pl.lit(label).alias("type"), "id"))
                self.subjects += frame.height
        self._links = self._gathered_links(tables, who)
        self._events = self._gathered_events(tables, who)

    def pieces(self) -> Iterator[Piece]:
        """All pieces; each subject is in one of them."""
        for links, *nodes in together(self._links, *self._nodes.values()):
            for label, of_type in zip(self._nodes, nodes, strict=True):
                own = [name for name, relation in self._ontology.relations.items() if relation.source == label]
                theirs = links.filter(pl.col("relation").is_in(own))
                for some in of_type.sort("id").iter_slices(MOST):
                    near = theirs.join(some, left_on="source", right_on="id", how="semi")
                    said = [*self._node_triples(label, some), *self._link_triples(near)]
                    yield Piece(some.height, said, list(self._link_ends(near)))
        for (events,) in together(self._events):
            for some in events.sort("id").iter_slices(MOST):
                yield Piece(some.height, list(self._event_triples(some)), list(self._event_ends(some)))

    def _room(self, name: str, schema: pl.Schema, key: str) -> Rows:
        return Rows(self._folder / name, schema, key, self._few)

    def _gathered_links(self, tables: Tables, who: Rows) -> Rows:
        by_target, by_source = (self._room(f"l.{key}", _LINKS, key) for key in ("target", "source"))
        for relation in self._ontology.relations:
            for frame in _frames(tables.relations(relation)):
                by_target.add(frame.with_columns(relation=pl.lit(relation), there=pl.lit(value=False)))
        ends = {name: relation.target for name, relation in self._ontology.relations.items()}
        for links, known in together(by_target, who):
            marked = links.with_columns(pl.col("relation").replace_strict(ends, return_dtype=pl.String).alias("type"))
            marked = marked.join(
                _marked(known, "there"), left_on=["type", "target"], right_on=["type", "id"], how="left"
            )
            by_source.add(marked.with_columns(pl.col("there_right").fill_null(value=False).alias("there")))
        return by_source

    def _gathered_events(self, tables: Tables, who: Rows) -> Rows:
        rooms = {key: self._room(f"e.{key}", _EVENTS, key) for key in ("product", "user", "id")}
        absent = [pl.lit(value=False).alias(name) for name in ("has_user", "has_product")]
        for frame in _frames(tables.events()):
            rooms["product"].add(frame.with_columns(absent))
            self.subjects += frame.height
        for end, label, after in (("product", "Product", "user"), ("user", "User", "id")):
            for events, known in together(rooms[end], who):
                of_type = _marked(known.filter(pl.col("type") == label), "there").drop("type")
                marked = events.join(of_type, left_on=end, right_on="id", how="left")
                rooms[after].add(marked.with_columns(pl.col("there").fill_null(value=False).alias(f"has_{end}")))
        return rooms["id"]

    def _node_triples(self, label: str, nodes: pl.DataFrame) -> Iterator[ox.Triple]:
        for batch in _batches(nodes, node_schema(self._ontology, label)):
            yield from node_triples(self._ontology, self._names, label, batch)

    def _link_triples(self, links: pl.DataFrame) -> Iterator[ox.Triple]:
        for (relation,), some in links.partition_by("relation", as_dict=True).items():
            for batch in _batches(some, RELATIONS):
                yield from link_triples(self._ontology, self._names, str(relation), batch)

    def _link_ends(self, links: pl.DataFrame) -> Iterator[ox.Triple]:
        for (relation,), some in links.filter("there").partition_by("relation", as_dict=True).items():
            yield from self._types(self._ontology.relations[str(relation)].target, some["target"])

    def _event_triples(self, events: pl.DataFrame) -> Iterator[ox.Triple]:
        for batch in _batches(events, EVENTS):
            yield from event_triples(self._names, batch)

    def _event_ends(self, events: pl.DataFrame) -> Iterator[ox.Triple]:
        yield from self._types("Product", events.filter("has_product")["product"])
        yield from self._types("User", events.filter("has_user")["user"])

    def _types(self, label: str, ids: pl.Series) -> Iterator[ox.Triple]:
        kind = ox.NamedNode(self._names.term(label))
        for key in ids.unique():
            yield ox.Triple(ox.NamedNode(self._names.node(label, key)), _TYPE, kind)


def _columns(ontology: Ontology, node_type: str) -> pl.Schema:
    properties = ontology.nodes[node_type].properties
    return pl.Schema([("id", pl.String), *((name, polars_type(prop.type)) for name, prop in properties.items())])


def _frames(batches: Iterator[pa.RecordBatch]) -> Iterator[pl.DataFrame]:
    for batch in batches:
        yield pl.DataFrame(batch)


def _marked(known: pl.DataFrame, name: str) -> pl.DataFrame:
    return known.unique().with_columns(pl.lit(value=True).alias(name))


def _batches(rows: pl.DataFrame, schema: pa.Schema) -> list[pa.RecordBatch]:
    table = conform(rows.select(schema.names).to_arrow(), schema, what="rows")
    return list(table.combine_chunks().to_batches())

"""All that differs between Neo4j and the embedded engine: how indexes for texts and vectors are made."""

import json
from collections.abc import Sequence
from typing import Literal, Protocol

from graph.connection import Connection
from graph.cypher import Query, quoted
from graph.engine_api import run_sql

Engine = Literal["neo4j", "embedded"]

ANALYSERS = {
    "english": "org.apache.lucene.analysis.en.EnglishAnalyzer",
    "cjk": "org.apache.lucene.analysis.cjk.CJKAnalyzer",
    "arabic": "org.apache.lucene.analysis.ar.ArabicAnalyzer",
}
"""How texts are read, each way with an index of its own: what Neo4j calls it, and its class in Lucene.

`english` joins the forms of a word and takes other languages word by word, Chinese letter by letter; `cjk` takes
Chinese, Japanese and Korean by pairs of letters, so that a word is found inside another; `arabic` joins forms with and
without article and vowels.
"""


def index(label: str, name: str) -> str:
    """What makes an index over a property, in Cypher."""
    return f"CREATE INDEX {quoted(f'{label}_{name}')} IF NOT EXISTS FOR (n:{quoted(label)}) ON (n.{quoted(name)})"


class Dialect(Protocol):
    """What an engine does in its own way."""

    engine: Engine

    def make_range_index(self, connection: Connection, label: str, name: str) -> None:
        """An index over a property that is compared with bounds, where the engine would use it."""

    def make_text_index(self, connection: Connection, label: str, properties: Sequence[str]) -> None:
        """A full-text index over some properties for each analyser; those of other properties are replaced."""

    def make_vector_index(self, connection: Connection, label: str, name: str, width: int) -> None:
        """A cosine index over a property with vectors, in place of the one there was."""

    def text_index(self, label: str, properties: Sequence[str], analyser: str) -> str:
        """What `db.index.fulltext.queryNodes` calls the index of an analyser."""

    def vector_index(self, label: str, name: str) -> str:
        """What `db.index.vector.queryNodes` calls the index."""

    def settle(self, connection: Connection) -> None:
        """Returns when the indexes are usable."""


class Neo4j:
    """Neo4j 5 and later: index DDL in Cypher."""

    engine: Engine = "neo4j"

    def make_range_index(self, connection: Connection, label: str, name: str) -> None:
        """See `Dialect`."""
        connection.rows(Query(index(label, name)), write=True)

    def make_text_index(self, connection: Connection, label: str, properties: Sequence[str]) -> None:
        """See `Dialect`."""
        wanted = {analyser: _indexed(properties, analyser) for analyser in ANALYSERS}
        for row in connection.rows(Query("SHOW FULLTEXT INDEXES YIELD name, labelsOrTypes, properties")):
            if row[1] == [label] and row[2] not in wanted.values():
                connection.rows(Query(f"DROP INDEX {quoted(row[0])} IF EXISTS"), write=True)
        for analyser, names in wanted.items():
            each = ", ".join(f"n.{quoted(name)}" for name in names)
            connection.rows(
                Query(
                    f"CREATE FULLTEXT INDEX {quoted(self.text_index(label, properties, analyser))} IF NOT EXISTS "
                    f"FOR (n:{quoted(label)}) ON EACH [{each}] "
                    f"OPTIONS {{indexConfig: {{`fulltext.analyzer`: '{analyser}'}}}}"
                ),
                write=True,
            )

    def make_vector_index(self, connection: Connection, label: str, name: str, width: int) -> None:
        """See `Dialect`."""
        index = self.vector_index(label, name)
        connection.rows(Query(f"DROP INDEX {quoted(index)} IF EXISTS"), write=True)
        options = f"{{indexConfig: {{`vector.dimensions`: {width}, `vector.similarity_function`: 'cosine'}}}}"
        connection.rows(
            Query(
                f"CREATE VECTOR INDEX {quoted(index)} IF NOT EXISTS "
                f"FOR (n:{quoted(label)}) ON (n.{quoted(name)}) OPTIONS {options}"
            ),
            write=True,
        )

    def text_index(self, label: str, properties: Sequence[str], analyser: str) -> str:
        """See `Dialect`."""
        return "_".join((label, *properties, analyser))

    def vector_index(self, label: str, name: str) -> str:
        """See `Dialect`."""
        return f"{label}_{name}"

    def settle(self, connection: Connection) -> None:
        """See `Dialect`."""
        connection.rows(Query("CALL db.awaitIndexes(300)"))


class Embedded:
    """ArcadeDB: index DDL in SQL over its HTTP API."""

    engine: Engine = "embedded"

    def make_range_index(self, connection: Connection, label: str, name: str) -> None:
        """See `Dialect`. None: this engine looks at everything for a bound.

        One that is there from before is dropped. Where thousands of nodes have the same value it takes the engine ever
        longer to compact it, and meanwhile no index of ids is compacted: loading nearly stopped at some million events.
        """
        connection.rows(Query(f"DROP INDEX {quoted(f'{label}_{name}')} IF EXISTS"), write=True)

    def make_text_index(self, connection: Connection, label: str, properties: Sequence[str]) -> None:
        """See `Dialect`. The index of other properties stays: each has a name of its own and costs little."""
        for analyser, kind in ANALYSERS.items():
            names = _indexed(properties, analyser)
            for name in names:
                _sql(connection, f"CREATE PROPERTY {quoted(label)}.{quoted(name)} IF NOT EXISTS STRING")
            listed, metadata = ", ".join(map(quoted, names)), json.dumps({"analyzer": kind})
            command = f"CREATE INDEX IF NOT EXISTS ON {quoted(label)} ({listed}) FULL_TEXT METADATA {metadata}"
            _sql(connection, command)

    def make_vector_index(self, connection: Connection, label: str, name: str, width: int) -> None:
        """See `Dialect`."""
        index = self.vector_index(label, name)
        _sql(connection, f"DROP INDEX {quoted(index)} IF EXISTS")
        _sql(connection, f"CREATE PROPERTY {quoted(label)}.{quoted(name)} IF NOT EXISTS ARRAY_OF_FLOATS")
        metadata = json.dumps({"dimensions": width, "similarity": "COSINE"})
        _sql(
            connection,
            f"CREATE INDEX IF NOT EXISTS ON {quoted(label)} ({quoted(name)}) LSM_VECTOR METADATA {metadata}",
        )

    def text_index(self, label: str, properties: Sequence[str], analyser: str) -> str:
        """See `Dialect`."""
        return f"{label}[{','.join(_indexed(properties, analyser))}]"

    def vector_index(self, label: str, name: str) -> str:
        """See `Dialect`."""
        return f"{label}[{name}]"

    def settle(self, connection: Connection) -> None:
        """See `Dialect`. Indexes are ready when they are made."""


def _indexed(properties: Sequence[str], analyser: str) -> list[str]:
    """What an index is made of: the properties, and one that no node has.

    Both engines take a second index of the same properties for the same index.
    """
    return [*properties, f"_{analyser}"]


def _sql(connection: Connection, command: str) -> None:
    run_sql(connection.name, connection.endpoint, command)

"""Reading the graph in Cypher, for people who ask questions of their own: nothing is ever changed."""

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from graph.connection import Connection
from graph.cypher import Query

MOST_ROWS = 1_000


@dataclass(frozen=True)
class Table:
    """What a query found; not `complete` where it has more rows than were asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    complete: bool


def explore(connection: Connection, query: Query, most_rows: int = MOST_ROWS) -> Table:
    """The first rows of a query that only reads."""
    with closing(connection.records(query)) as found:
        rows = list(islice(found, most_rows + 1))
    columns = tuple(rows[0]) if rows else ()
    return Table(columns, tuple(tuple(row.values()) for row in rows[:most_rows]), len(rows) <= most_rows)

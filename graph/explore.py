"""Reading the graph in Cypher, for people who ask questions of their own: nothing is ever changed.

The engines see to that, not a search for words. Neo4j is asked in READ mode, which refuses writes, and first for the
plan of the same text in the same session, whose every operator and procedure must be on a list. The embedded engine is
asked as a login that may only read, at the endpoint that its own parser keeps for reading, after a look at the plan;
procedures that write, `LOAD CSV` and other languages are not there at all (see `graph.engine`).

Time, rows and size of an answer are limited. What is over a limit is ended in the engine, too.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import neo4j

from graph.connection import DATABASE, Connection
from graph.cypher import Query
from graph.engine_api import LINES, asked
from graph.errors import ExplorationError, StoreError, StoreUnavailable
from graph.reading import check_engine_plan, check_neo4j_plan
from graph.values import Reader, TooLargeError, is_element

T = TypeVar("T")

MOST_ROWS = 1_000
SECONDS = 30.0
MOST_BYTES = 16 << 20
FOUND_SECONDS = 10.0
_PAUSE = 0.1
LINE_BYTES = 64 << 20
"""What is read of one row, before it is known how large it is."""

_QUERY = f"/api/v1/query/{DATABASE}"
_FINAL = "+ FINAL PROJECTION ["
_NOT_READING = ("QueryNotIdempotentException", "RequestRefusedBeforeExecutionException", "SecurityException")
_TOO_LARGE = ("QueryHeapBudgetExceededException", "QueryAdmissionException")


@dataclass(frozen=True)
class Limits:
    """What a query may take: rows, seconds, and bytes of its answer as JSON."""

    rows: int = MOST_ROWS
    seconds: float = SECONDS
    bytes: int = MOST_BYTES


@dataclass(frozen=True)
class Table:
    """What a query found; not `complete` where it has more rows than were asked for or than fit.

    Values are as `graph.values` says.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    complete: bool


@dataclass(frozen=True)
class Plan:
    """What an engine would do for a query, as a text for people."""

    text: str
    columns: tuple[str, ...] = ()


class _Rows:
    """Rows as they come, until there are enough."""

    def __init__(self, limits: Limits, vectors: bool) -> None:
        self._limits = limits
        self._reader = Reader(vectors=vectors, most=limits.bytes)
        self._columns: tuple[str, ...] = ()
        self._rows: list[tuple[Any, ...]] = []
        self._bytes = 0
        self._complete = True

    def add(self, columns: Iterable[str], values: Iterable[object]) -> bool:
        """Keeps a row; False if there is no room for it, nor for any other."""
        self._columns = tuple(columns)
        try:
            row = self._reader.row(values)
        except TooLargeError:
            raise ExplorationError.too_large(self._limits.bytes) from None
        self._bytes += self._reader.bytes
        if len(self._rows) == self._limits.rows or self._bytes > self._limits.bytes:
            self._complete = False
            return False
        self._rows.append(row)
        return True

    def table(self, columns: Iterable[str] = ()) -> Table:
        """What was kept; `columns` are those of no rows."""
        return Table(self._columns or tuple(columns), tuple(self._rows), self._complete)


def explore(connection: Connection, query: Query, limits: Limits, *, vectors: bool = False) -> Table:
    """The first rows of a query that only reads.

    Args:
        connection: where to.
        query: what somebody wrote, with parameters that JSON can hold.
        limits: what it may take.
        vectors: whether nodes come with their embeddings.

    Raises:
        ExplorationError: it is wrong, does more than read, or takes too much.
        StoreUnavailable: the store cannot be reached.
    """
    if connection.endpoint.http is None:
        return _explore_neo4j(connection, query, limits, vectors)
    return _found_again(connection, lambda: _explore_engine(connection, query, limits, vectors))


def explain(connection: Connection, query: Query, limits: Limits) -> Plan:
    """The plan of a query that only reads, without running it; see `explore`."""
    if connection.endpoint.http is None:
        with connection.reading(limits.seconds, most=LINE_BYTES) as session:
            return _neo4j_plan(session, query, limits)
    return _found_again(connection, lambda: _explained(connection, query, limits))


def _explore_neo4j(connection: Connection, query: Query, limits: Limits, vectors: bool) -> Table:
    found = _Rows(limits, vectors)
    with connection.reading(limits.seconds, most=LINE_BYTES) as session:
        _neo4j_plan(session, query, limits)
        result = session.run(neo4j.Query(query.text, timeout=limits.seconds), dict(query.parameters))
        columns = result.keys()
        for record in result:
            if not found.add(columns, record.values()):
                break
    return found.table(columns)


def _neo4j_plan(session: neo4j.Session, query: Query, limits: Limits) -> Plan:
    asked_for = neo4j.Query(f"EXPLAIN {query.text}", timeout=limits.seconds)
    summary = session.run(asked_for, dict(query.parameters)).consume()
    check_neo4j_plan(summary.query_type, summary.plan)
    return Plan("\n".join(_outline(summary.plan or {})))


def _outline(operator: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """A plan as lines, each operator above those that it takes rows from."""
    details = str((operator.get("args") or {}).get("Details") or "")
    yield f"{'  ' * depth}+ {str(operator['operatorType']).partition('@')[0]}{f' ({details})' if details else ''}"
    for child in operator.get("children") or ():
        yield from _outline(child, depth + 1)


def _explore_engine(connection: Connection, query: Query, limits: Limits, vectors: bool) -> Table:
    plan = _explained(connection, query, limits)
    found = _Rows(limits, vectors)
    with _answer(connection, query, limits, accept=LINES, limit=limits.rows + 1) as response:
        if response.status != http.client.OK:
            raise _engine_error(_document(response), limits)
        for line in _lines(response, limits):
            if "error" in line:
                raise _engine_error(line["error"], limits)
            if "record" in line and not found.add(*_row(line["record"], plan)):
                break
    return found.table(plan.columns)


def _explained(connection: Connection, query: Query, limits: Limits) -> Plan:
    with _answer(connection, query, limits, "EXPLAIN ") as response:
        return _engine_plan(response, limits)


class _EngineLostError(StoreUnavailable):
    """The engine is not there, or went away in the middle: somebody else's query may have ended it."""


def _found_again(connection: Connection, ask: Callable[[], T]) -> T:
    """Asks again when the engine was lost; a dead one holds its place for a moment."""
    deadline = time.monotonic() + FOUND_SECONDS
    while True:
        try:
            return ask()
        except _EngineLostError:
            if time.monotonic() > deadline:
                raise
            connection.moved()
            time.sleep(_PAUSE)


@contextmanager
def _answer(
    connection: Connection,
    query: Query,
    limits: Limits,
    before: str = "",
    accept: str = "application/json",
    **more: Any,
) -> Iterator[http.client.HTTPResponse]:
    endpoint = connection.endpoint
    if endpoint.reader is None:
        raise StoreError(
            f"{connection.name}: the engine that runs was started by an older Pathrec and has no login for reading; "
            "end the processes that use it, then ask again"
        )
    body = {"language": "opencypher", "command": before + query.text, "params": dict(query.parameters), **more}
    try:
        with asked(endpoint, endpoint.reader, _QUERY, body, accept=accept, seconds=limits.seconds) as response:
            yield response
    except TimeoutError as error:
        raise ExplorationError.too_long(limits.seconds) from error
    except (OSError, http.client.HTTPException) as error:
        raise _EngineLostError(
            f"{connection.name}: the embedded engine does not answer ({error}); try again"
        ) from error
    except (TypeError, ValueError) as error:
        raise ExplorationError(
            f"the engine cannot be asked that: {error}; parameters are values of JSON", "WRONG"
        ) from error


def _engine_plan(response: http.client.HTTPResponse, limits: Limits) -> Plan:
    document = _document(response)
    if response.status != http.client.OK:
        raise _engine_error(document, limits)
    steps = document.get("explainPlan", {}).get("steps")
    check_engine_plan(steps)
    last = str(steps[-1].get("description", ""))
    named = last.startswith(_FINAL)
    return Plan(str(document["explain"]).strip(), _listed(last[len(_FINAL) : -1]) if named else ())


def _listed(text: str) -> tuple[str, ...]:
    """Names between commas; a comma in brackets belongs to a name."""
    names, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            names.append("")
        else:
            names[-1] += letter
    return tuple(name.strip() for name in names)


def _document(response: http.client.HTTPResponse) -> dict[str, Any]:
    found = json.loads(response.read(LINE_BYTES))
    if not isinstance(found, dict):
        raise ValueError(f"an answer that is no object: {str(found)[:80]}")
    return found


def _lines(response: http.client.HTTPResponse, limits: Limits) -> Iterator[dict[str, Any]]:
    """The lines of an answer as they come, of which the last is about the answer."""
    while True:
        line = response.readline(LINE_BYTES)
        if len(line) == LINE_BYTES:
            raise ExplorationError.too_large(limits.bytes)
        if not line:
            raise http.client.IncompleteRead(line)
        if line.strip():
            yield (found := json.loads(line))
            if "record" not in found:
                return


def _row(record: dict[str, Any], plan: Plan) -> tuple[Iterable[str], Iterable[object]]:
    # Of an answer of one column with a node in it the engine leaves the column out.
    if is_element(record):
        return plan.columns, (record,)
    return record.keys(), record.values()


def _engine_error(answer: dict[str, Any], limits: Limits) -> StoreError:
    kind = str(answer.get("exception", "")).rpartition(".")[2]
    said = str(answer.get("detail") or answer.get("error") or kind).strip()
    if kind in _NOT_READING:
        return ExplorationError.not_reading("the engine does not let this one through")
    if kind == "QueryTerminatedException":
        return ExplorationError.too_long(limits.seconds)
    if kind in _TOO_LARGE:
        return ExplorationError(f"the query takes too much memory: {said}", "TOO_LARGE")
    return ExplorationError(f"the query is wrong: {said}", "WRONG")

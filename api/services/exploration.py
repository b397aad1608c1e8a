"""What experts ask the graph in Cypher, a few at a time: the shop's own questions come first."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from api.services.errors import (
    BadInputError,
    ForbiddenError,
    OverloadedError,
    ServiceError,
    TimedOutError,
    TooLargeError,
)
from graph import ExplorationError, Query, Store, Table
from graph.library import SavedQueryError, saved_query

AT_A_TIME = 2
MOST_ROWS = 1_000
MOST_SECONDS = 60.0
LONGEST = 20_000
_ANSWER_SECONDS = 0.5  # what is left of a request's time to write its answer

_ERRORS: Mapping[str, type[ServiceError]] = {
    "WRONG": BadInputError,
    "NOT_READING": ForbiddenError,
    "TOO_LONG": TimedOutError,
    "TOO_LARGE": TooLargeError,
}


@dataclass(frozen=True)
class Found:
    """What a query found, and how many seconds it took."""

    table: Table
    seconds: float


class Explorer:
    """Answers queries of experts.

    Args:
        store: where to.
        at_a_time: how many queries this process runs at once.
    """

    def __init__(self, store: Store, at_a_time: int = AT_A_TIME) -> None:
        self._store = store
        self._places = threading.BoundedSemaphore(at_a_time)

    def ask(self, text: str, parameters: object, first: int, seconds: float, deadline: float) -> Found:
        """The first rows of a query that only reads.

        Args:
            text: the query.
            parameters: values by name; None for none.
            first: how many rows.
            seconds: how long it may take.
            deadline: of `time.monotonic()`, when the request is over.

        Raises:
            BadInputError: an argument cannot be used, or the query is wrong.
            ForbiddenError: the query does more than read.
            TimedOutError, TooLargeError: it takes too much.
            OverloadedError: others are at it.
        """
        return self._run(Query(_checked_text(text), _checked_parameters(parameters)), first, seconds, deadline)

    def ask_saved(self, name: str, parameters: object, first: int, seconds: float, deadline: float) -> Found:
        """The first rows of a saved query.

        Args:
            name: of the query.
            parameters: values by name; what is left out has its default.
            first, seconds, deadline: as of `ask`.

        Raises:
            BadInputError: there is no such query, or an argument cannot be used.
            TimedOutError, TooLargeError: it takes too much.
            OverloadedError: others are at it.
        """
        given = _checked_parameters(parameters)
        try:
            saved = saved_query(name)
        except SavedQueryError as error:
            raise BadInputError(str(error), field="name", remedy="`savedQueries` lists them") from error
        try:
            query = saved.query(given)
        except SavedQueryError as error:
            raise BadInputError(str(error), field="parameters") from error
        return self._run(query, first, seconds, deadline)

    def _run(self, query: Query, first: int, seconds: float, deadline: float) -> Found:
        _check_limits(first, seconds)
        began = time.monotonic()
        with self._place():
            left = min(seconds, deadline - began - _ANSWER_SECONDS)
            if left <= 0:
                raise TimedOutError("no time is left for the query", remedy="ask for it in a request of its own")
            try:
                table = self._store.explore(query, first, seconds=left)
            except ExplorationError as error:
                raise _ERRORS[error.reason](str(error), field="query") from error
        return Found(table, time.monotonic() - began)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise OverloadedError("other experts' queries are running", remedy="try again in a moment")
        try:
            yield
        finally:
            self._places.release()


def _checked_text(text: str) -> str:
    if not text.strip() or len(text) > LONGEST:
        raise BadInputError(f"query must have 1 to {LONGEST:,} characters", field="query")
    return text


def _checked_parameters(parameters: object) -> Mapping[str, Any]:
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise BadInputError(
            f"parameters is {json.dumps(parameters, default=str)[:40]}; it must be an object",
            field="parameters",
            remedy='give values by name, as in {"id": "tea"}',
        )
    return parameters


def _check_limits(first: int, seconds: float) -> None:
    if not 1 <= first <= MOST_ROWS:
        raise BadInputError(f"first is {first}; it must be from 1 to {MOST_ROWS:,}", field="first")
    if not 0 < seconds <= MOST_SECONDS:
        raise BadInputError(f"seconds is {seconds:g}; it must be above 0 and at most {MOST_SECONDS:g}", field="seconds")

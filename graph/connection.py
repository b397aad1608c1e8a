"""Talking Bolt: sessions, repeated attempts, and errors in the house's words."""

import logging
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

import neo4j
import structlog
from neo4j import exceptions as bolt

from graph.cypher import Query
from graph.errors import ExplorationError, QueryRefused, StoreError, StoreReadOnly, StoreUnavailable
from graph.watchdog import Watchdog

T = TypeVar("T")
Row = list[Any]
Rows = Callable[[Query], list[Row]]
"""Asks a question: within a transaction or outside of any."""
Observe = Callable[[float, bool], None]

DATABASE = "neo4j"
PING_SECONDS = 5.0
CONFLICT_SECONDS = 30.0  # for how long a transaction is tried again when others write the same nodes
LOST_PAUSE = 0.1
# A commit that failed, as the embedded engine and as Neo4j name it.
_NOT_KEPT = ("Transaction.TransactionNotFound", "Transaction.TransactionCommitFailed")
FETCH_SIZE = 1000
_TCP_INFO = struct.Struct("=128xQ")  # what Linux tells of a connection: how many bytes were received

_log = structlog.get_logger()
# The driver's own log stays silent unless somebody listens: what matters is raised.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Endpoint:
    """Where a store is and how to log in; `http` and `reader` are the embedded engine's second port and login."""

    url: str
    auth: tuple[str, str] | None
    http: int | None = None
    reader: tuple[str, str] | None = None


class Transaction:
    """What a unit of work may do; committed when the work returns, unless it asked to be undone."""

    def __init__(self, inner: neo4j.Transaction) -> None:
        self._inner = inner
        self.undone = False

    def rows(self, query: Query) -> list[Row]:
        """All rows of a query's result."""
        return [record.values() for record in self._inner.run(query.text, dict(query.parameters))]

    def run(self, query: Query) -> None:
        """A query whose result does not matter."""
        self._inner.run(query.text, dict(query.parameters)).consume()

    def undo(self) -> None:
        """Nothing of this transaction is kept."""
        self.undone = True


class _Traffic:
    """How much comes to a session. Only Linux tells; elsewhere nothing seems to come."""

    def __init__(self, session: neo4j.Session) -> None:
        self._session = session
        self._connection: object = None
        self._before = 0

    def exceeds(self, most: int) -> bool:
        """Whether more bytes came than this since it was first asked."""
        connection = getattr(self._session, "_connection", None)
        received = _received(connection)
        if connection is not self._connection:
            self._connection, self._before = connection, received
        return received - self._before > most


class Connection:
    """A driver that finds its store again when that has moved, shared by all threads of a process.

    Args:
        name: the url as the user gave it, for messages.
        locate: tells where the store is now; the embedded engine may have to be started for it.
        patience: for how many seconds a lost store is looked for before that is an error.
        timeout: for how many seconds one call may wait for its answer; for ever if None. Streams are not held to it.
        observe: told how many seconds each call took, and whether it failed.
    """

    def __init__(
        self,
        name: str,
        locate: Callable[[], Endpoint],
        *,
        patience: float = 0.0,
        timeout: float | None = None,
        observe: Observe | None = None,
    ) -> None:
        self.name = name
        self._locate = locate
        self._patience = patience
        self._timeout = timeout
        self._watchdog = Watchdog(timeout) if timeout is not None else None
        self._observe = observe
        self._lock = Lock()
        self._endpoint: Endpoint | None = None
        self._driver: neo4j.Driver | None = None
        self._lost = False
        self._closed = False

    def close(self) -> None:
        """Closes the connections for good."""
        with self._lock:
            self._closed = True
            if self._driver is not None:
                self._driver.close()
            self._driver = self._endpoint = None

    @property
    def endpoint(self) -> Endpoint:
        """Where the store is."""
        self._connected()
        if self._endpoint is None:
            raise StoreUnavailable(f"{self.name}: the connection was closed; connect again")
        return self._endpoint

    def moved(self) -> None:
        """Says that nobody answers where the store was: it is looked for before it is asked again."""
        self._lost = True

    def rows(self, query: Query, *, write: bool = False) -> list[Row]:
        """All rows of one query, in one round trip."""
        return self._attempt(lambda session: [r.values() for r in self._run(session, query)], write)

    def dicts(self, query: Query) -> list[dict[str, Any]]:
        """All rows of one query by column name."""
        return self._attempt(lambda session: [r.data() for r in self._run(session, query)], False)

    def stream(self, query: Query) -> Iterator[Row]:
        """Rows of one query as they come, without keeping them; not tried again."""
        try:
            with self._session(write=False) as session:
                for record in session.run(query.text, dict(query.parameters)):
                    yield record.values()
        except (bolt.Neo4jError, bolt.DriverError) as error:
            raise self._translated(error) from error

    @contextmanager
    def reading(self, seconds: float, *, most: int) -> Iterator[neo4j.Session]:
        """A session that may only read, which is hung up on when the block ends or time runs out.

        Args:
            seconds: for how long.
            most: how many bytes may come before it is hung up on, about.

        Raises:
            ExplorationError: what was asked in it is wrong, or took too much.
            StoreUnavailable: the store went away.
        """
        with self._session(write=False) as session:
            traffic, watchdog = _Traffic(session), Watchdog(seconds)
            with watchdog.over(lambda: _hang_up(session), lambda: traffic.exceeds(most)) as watched:
                try:
                    yield session
                except (bolt.Neo4jError, bolt.DriverError, OSError) as error:
                    if watched.bitten and time.monotonic() < watched.deadline:
                        raise ExplorationError.too_large(most) from error
                    raise self._explored(error, watched.bitten, seconds) from error
                finally:
                    _hang_up(session)

    def _explored(self, error: Exception, bitten: bool, seconds: float) -> StoreError:
        code = getattr(error, "code", None) or ""
        if bitten or "TransactionTimedOut" in code:
            return ExplorationError.too_long(seconds)
        if "MemoryPoolOutOfMemoryError" in code or "OutOfMemoryError" in code:
            return ExplorationError(f"the query takes too much memory: {_reason(error)}", "TOO_LARGE")
        if code.endswith("Statement.AccessMode"):
            return ExplorationError.not_reading("the server does not let this one through")
        if isinstance(error, bolt.ClientError):
            return ExplorationError(f"the query is wrong: {getattr(error, 'message', error)}", "WRONG")
        return self._translated(error)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """One unit of work in one transaction. It may be called several times, so it must not keep state."""

        def attempt(session: neo4j.Session) -> T:
            with session.begin_transaction(timeout=self._timeout) as inner:
                transaction = Transaction(inner)
                result = work(transaction)
                if transaction.undone:
                    inner.rollback()
                else:
                    inner.commit()
                return result

        return self._attempt(attempt, True)

    def ping(self) -> None:
        """Returns when the store answers.

        Raises:
            StoreUnavailable: it does not within five seconds.
        """
        outcome: SimpleQueue[StoreError | None] = SimpleQueue()

        def ask() -> None:
            try:
                self.rows(Query("RETURN 1"))
                outcome.put(None)
            except StoreError as error:
                outcome.put(error)

        # A store that accepts connections and says nothing would hold a plain call for ever.
        Thread(target=ask, name="ping", daemon=True).start()
        try:
            error = outcome.get(timeout=PING_SECONDS)
        except Empty:
            raise StoreUnavailable(
                f"{self.name}: no answer within {PING_SECONDS:.0f} seconds; is it overloaded?"
            ) from None
        if error is not None:
            raise error

    def _run(self, session: neo4j.Session, query: Query) -> neo4j.Result:
        return session.run(neo4j.Query(query.text, timeout=self._timeout), dict(query.parameters))

    def _attempt(self, work: Callable[[neo4j.Session], T], write: bool) -> T:
        if self._observe is None:
            return self._repeated(work, write)
        began, failed = time.perf_counter(), False
        try:
            return self._repeated(work, write)
        except (StoreUnavailable, QueryRefused):
            failed = True
            raise
        finally:
            self._observe(time.perf_counter() - began, failed)

    def _watched(self, session: neo4j.Session, work: Callable[[neo4j.Session], T]) -> T:
        if self._watchdog is None:
            return work(session)
        with self._watchdog.over(lambda: _hang_up(session)) as watched:
            try:
                return work(session)
            except (bolt.Neo4jError, bolt.DriverError, OSError) as error:
                if not watched.bitten:
                    raise
                raise self._no_answer() from error

    def _no_answer(self) -> StoreUnavailable:
        return StoreUnavailable(f"{self.name}: no answer within {self._timeout:g} seconds; is it overloaded?")

    def _repeated(self, work: Callable[[neo4j.Session], T], write: bool) -> T:
        deadline = time.monotonic() + CONFLICT_SECONDS
        lost_at: float | None = None
        pause = 0.002
        while True:
            try:
                with self._session(write=write) as session:
                    return self._watched(session, work)
            except (bolt.ServiceUnavailable, bolt.SessionExpired) as error:
                # Once more at once, since pooled connections outlive a restart of the server.
                self._lost = True
                if lost_at is None:
                    lost_at = time.monotonic()
                elif time.monotonic() > lost_at + self._patience:
                    raise self._translated(error) from error
                else:
                    time.sleep(LOST_PAUSE)
            except (bolt.Neo4jError, bolt.DriverError) as error:
                if not _conflict(error) or time.monotonic() > deadline:
                    raise self._translated(error) from error
                time.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, 0.25)

    def _session(self, *, write: bool) -> neo4j.Session:
        driver = self._connected()
        return driver.session(
            database=DATABASE,
            default_access_mode=neo4j.WRITE_ACCESS if write else neo4j.READ_ACCESS,
            bookmark_manager=driver.execute_query_bookmark_manager,
            fetch_size=FETCH_SIZE,
        )

    def _connected(self) -> neo4j.Driver:
        if self._driver is not None and not self._lost:
            return self._driver
        with self._lock:
            if self._closed:
                raise StoreUnavailable(f"{self.name}: the connection was closed; connect again")
            if self._driver is None or self._lost:
                self._driver = self._reconnected()
            self._lost = False
            return self._driver

    def _reconnected(self) -> neo4j.Driver:
        endpoint = self._locate()
        if self._driver is not None and endpoint == self._endpoint:
            return self._driver
        if self._driver is not None:
            with suppress(bolt.DriverError):
                self._driver.close()
            _log.info("store_moved", store=self.name)
        self._endpoint = endpoint
        return _open(self.name, endpoint, self._timeout)

    def _translated(self, error: Exception) -> StoreError:
        if isinstance(error, bolt.ServiceUnavailable | bolt.SessionExpired | bolt.TransientError):
            return StoreUnavailable(
                f"{self.name}: the store cannot be reached ({_reason(error)}); start it and run this again"
            )
        if isinstance(error, bolt.AuthError):
            return StoreUnavailable(
                f"{self.name}: the store refused the login; set PATHREC_STORE_USER and PATHREC_STORE_PASSWORD"
            )
        if isinstance(error, bolt.Neo4jError) and "TransactionTimedOut" in (error.code or ""):
            return self._no_answer()
        if isinstance(error, bolt.Neo4jError) and (error.code or "").endswith(_NOT_KEPT):
            return StoreReadOnly(
                f"{self.name}: the store keeps nothing new ({_reason(error)}); "
                "see in its log why, free some space if its disk is full, and run this again"
            )
        if isinstance(error, bolt.DatabaseError):  # not the query's fault: an engine without room may say no more
            return StoreUnavailable(f"{self.name}: the store failed ({_reason(error)}); look into its log")
        return QueryRefused(f"{self.name}: the store refused a query: {_reason(error)}")


def _open(name: str, endpoint: Endpoint, timeout: float | None) -> neo4j.Driver:
    try:
        return neo4j.GraphDatabase.driver(
            endpoint.url,
            auth=endpoint.auth,
            connection_timeout=PING_SECONDS,
            connection_acquisition_timeout=60.0 if timeout is None else timeout,
            keep_alive=True,
            warn_notification_severity="OFF",
            # Hints about names that no node has yet; the embedded engine knows no such option.
            notifications_min_severity="OFF" if endpoint.http is None else None,
            user_agent="pathrec",
        )
    except (ValueError, bolt.ConfigurationError) as error:
        raise StoreError(
            f"{name}: not a store's address ({error}); give embedded:PATH, bolt://… or neo4j://…"
        ) from error


def _hang_up(session: neo4j.Session) -> None:
    # The driver has no public way to end a call from another thread.
    connection = getattr(session, "_connection", None)
    if connection is not None:
        connection.kill()


def _received(connection: Any) -> int:
    # Neither the driver nor Python has a public way to know.
    option = getattr(socket, "TCP_INFO", None)
    if connection is None or option is None:
        return 0
    try:
        told = connection.socket._socket.getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO.size)
        return int(_TCP_INFO.unpack(told)[0])
    except (OSError, AttributeError, struct.error):
        return 0


def _conflict(error: Exception) -> bool:
    # Two writers of one new id: the second finds the first's node when it tries again.
    return isinstance(error, bolt.TransientError | bolt.ConstraintError)


def _reason(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error)
    return str(message).splitlines()[0][:300] if message else type(error).__name__

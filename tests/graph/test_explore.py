import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import neo4j
import pytest
import websockets.sync.client

from graph import ExplorationError, Query, Store, StoreError, connect
from graph.embedded import RUNNING
from graph.engine_guard import Guard
from tests.conftest import empty
from tests.graph.attempts import ATTEMPTS, PARAMETERS, READING, Attempt
from tests.graph.shop_tables import fill

SECONDS = 0.7


@pytest.fixture(scope="module")
def shop(store_url: str) -> Iterator[Store]:
    """A filled shop that nobody changes, on each engine in turn."""
    with connect(store_url) as store:
        empty(store)
        store.prepare()
        fill(store)
        yield store
        empty(store)


@pytest.fixture(scope="module")
def embedded_shop(_embedded_url: str) -> Iterator[Store]:
    """The same on the embedded engine alone."""
    with connect(_embedded_url) as store:
        empty(store)
        store.prepare()
        fill(store)
        yield store
        empty(store)


class Listener:
    """Somebody who counts the visits to an address."""

    def __init__(self, socket_: socket.socket) -> None:
        self._socket = socket_
        self.visits = 0
        self.url = f"http://127.0.0.1:{socket_.getsockname()[1]}/data.csv"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                visit, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visit.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Listener(listening)


def state(store: Store) -> Any:
    """All that there is: nodes, relations, schema, users and databases."""
    rows = store._connection.rows
    nodes = rows(Query("MATCH (n) RETURN labels(n), properties(n)"))
    relations = rows(Query("MATCH (a)-[r]->(b) RETURN a.id, type(r), properties(r), b.id"))
    schema = [row[1] for text in ("SHOW INDEXES", "SHOW CONSTRAINTS") for row in rows(Query(text))]
    if store.engine == "embedded":
        folder = Path(store.url.removeprefix("embedded:"))
        users: Any = (folder / "config" / "server-users.jsonl").read_text()
        databases = [path.name for path in (folder / "databases").iterdir()]
    else:
        users, databases = rows(Query("SHOW USERS")), [row[0] for row in rows(Query("SHOW DATABASES"))]
    return sorted(map(repr, nodes)), sorted(map(repr, relations)), sorted(schema), users, sorted(databases)


def test_there_are_at_least_forty_attempts() -> None:
    assert len({attempt.text for attempt in ATTEMPTS}) == len(ATTEMPTS) >= 40


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name.replace(" ", "-"))
def test_an_attempt_fails_and_changes_nothing(shop: Store, listener: Listener, attempt: Attempt) -> None:
    before = state(shop)
    with pytest.raises(ExplorationError) as caught:
        shop.explore(Query(attempt.text, {"url": listener.url}), seconds=SECONDS if attempt.exhausts else 60.0)
    assert attempt.exhausts or caught.value.reason in {"NOT_READING", "WRONG"}
    assert listener.visits == 0
    assert state(shop) == before


@pytest.mark.parametrize(("text", "rows"), READING.values(), ids=[name.replace(" ", "-") for name in READING])
def test_what_only_reads_is_answered(shop: Store, text: str, rows: list[list[Any]] | None) -> None:
    found = shop.explore(Query(text, PARAMETERS))
    assert found.complete
    assert found.rows if rows is None else [list(row) for row in found.rows] == rows


def failure(shop: Store, text: str, **limits: Any) -> ExplorationError:
    with pytest.raises(ExplorationError) as caught:
        shop.explore(Query(text), **limits)
    return caught.value


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("MATCH (n RETURN n", "WRONG", "the query is wrong: .*RETURN"),
        ("RETURN unheard(1)", "WRONG", "unheard"),
        ("MERGE (p:Product {id: 'tea'}) RETURN p", "NOT_READING", "only queries that read are run"),
        ("UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN max(a * b)", "TOO_LONG", "0.7 seconds"),
        ("RETURN [n IN range(1, 1000) | 'a text of some length']", "TOO_LARGE", "larger than 10,000 bytes"),
    ],
)
def test_an_error_says_what_is_wrong(shop: Store, text: str, reason: str, said: str) -> None:
    error = failure(shop, text, seconds=SECONDS, most_bytes=10_000)
    assert error.reason == reason
    with pytest.raises(ExplorationError, match=said):
        raise error


def test_more_rows_than_asked_for_come_back_at_once_and_are_not_complete(shop: Store) -> None:
    began = time.monotonic()
    found = shop.explore(Query("UNWIND range(1, 10000000) AS n RETURN n"), 1_000)
    assert [row[0] for row in found.rows] == list(range(1, 1_001))
    assert not found.complete
    assert time.monotonic() - began < 5.0
    assert shop.explore(Query("UNWIND range(1, 1000) AS n RETURN n"), 1_000).complete


def test_an_answer_ends_before_it_is_too_large(shop: Store) -> None:
    found = shop.explore(
        Query("UNWIND range(1, 100000) AS n RETURN 'a text of some length'"), 100_000, most_bytes=10_000
    )
    assert 100 < len(found.rows) < 500
    assert not found.complete


def test_nodes_relationships_and_paths_are_told_apart(shop: Store) -> None:
    text = "MATCH path = (a:Product {id: 'tea'})-[r:COMPLEMENTS]->(b) RETURN path, a, r, [b] AS list, {of: r} AS map"
    found = shop.explore(Query(text))
    assert found.columns == ("path", "a", "r", "list", "map")
    path, tea, relationship, (pot,), mapped = found.rows[0]
    assert tea["kind"] == "node"
    assert tea["labels"] == ["Product"]
    assert tea["properties"]["title"] == "title of tea"
    assert (relationship["kind"], relationship["type"]) == ("relationship", "COMPLEMENTS")
    assert (relationship["source"], relationship["target"]) == (tea["element"], pot["element"])
    assert relationship["properties"]["weight"] == 0.5
    assert mapped == {"of": relationship}
    assert path == {"kind": "path", "nodes": [tea, pot], "relationships": [relationship]}


def test_a_node_alone_has_the_name_of_its_column(shop: Store) -> None:
    found = shop.explore(Query("MATCH (p:Product {id: 'tea'}) RETURN p AS `the product`"))
    assert found.columns == ("the product",)
    assert found.rows[0][0]["properties"]["id"] == "tea"


def test_an_empty_answer_has_its_columns(shop: Store) -> None:
    found = shop.explore(Query("MATCH (n:Nothing) RETURN n.id AS id, coalesce(n.a, n.b), [n.a, n.b] AS both"))
    assert (found.columns, found.rows) == (("id", "coalesce(n.a, n.b)", "both"), ())


def test_times_are_texts(shop: Store) -> None:
    text = (
        "RETURN date('2026-01-02') AS a, datetime('2026-01-02T03:04:05Z') AS b, duration('P1DT2H') AS c, 0.0 / 0.0 AS d"
    )
    a, b, c, d = shop.explore(Query(text)).rows[0]
    assert a == "2026-01-02"
    assert str(b).startswith("2026-01-02T03:04:05")
    assert c == "P1DT2H"
    assert d == "NaN"


def test_embeddings_come_only_if_asked_for(shop: Store) -> None:
    query = Query("MATCH (p:Product {id: 'tea'}) RETURN p {.id, v: [n IN range(1, 64) | 1.0 * n]} AS map, p")
    assert len(shop.explore(query).rows[0][0]["v"]) == 64  # a list that the query itself makes is no property
    shop._connection.rows(Query("MATCH (p:Product {id: 'tea'}) SET p.v = [n IN range(1, 64) | 1.0 * n]"), write=True)
    try:
        node = Query("MATCH (p:Product {id: 'tea'}) RETURN p")
        assert "v" not in shop.explore(node).rows[0][0]["properties"]
        assert len(shop.explore(node, vectors=True).rows[0][0]["properties"]["v"]) == 64
    finally:
        shop._connection.rows(Query("MATCH (p:Product {id: 'tea'}) REMOVE p.v"), write=True)


def test_a_plan_is_told_without_running_the_query(shop: Store) -> None:
    assert "Product" in shop.explain(Query("MATCH (p:Product {id: 'tea'}) RETURN p"))
    with pytest.raises(ExplorationError):
        shop.explain(Query("CREATE (:Product {id: 'new'})"))


def test_parameters_that_json_cannot_hold_are_named(embedded_shop: Store) -> None:
    with pytest.raises(ExplorationError, match="parameters are values of JSON"):
        embedded_shop.explore(Query("RETURN $x", {"x": object()}))


def test_an_engine_of_an_older_pathrec_is_named(embedded_shop: Store) -> None:
    connection = embedded_shop._connection
    present = connection.endpoint
    connection._endpoint = replace(present, reader=None)
    try:
        with pytest.raises(StoreError, match=r"started by an older Pathrec .* end the processes that use it"):
            embedded_shop.explore(Query("RETURN 1"))
    finally:
        connection._endpoint = present


def test_whoever_only_reads_cannot_write_over_bolt_either(embedded_shop: Store) -> None:
    endpoint = embedded_shop._connection.endpoint
    with (
        neo4j.GraphDatabase.driver(endpoint.url, auth=endpoint.reader) as driver,
        driver.session(database="neo4j", default_access_mode=neo4j.WRITE_ACCESS) as session,
    ):
        assert session.run("MATCH (p:Product) RETURN count(p) AS n").single(strict=True)["n"] == 4
        with pytest.raises(neo4j.exceptions.Forbidden):
            session.run("CREATE (:Product {id: 'new'})").consume()


@dataclass
class Running:
    """A query that runs, as the embedded engine lists it."""

    user: str
    seconds: float = 0.0
    told: bool = False

    def getId(self) -> str:  # noqa: N802 - Java's name
        return f"q{id(self)}"

    def getUser(self) -> str:  # noqa: N802 - Java's name
        return self.user

    def isTerminated(self) -> bool:  # noqa: N802 - Java's name
        return self.told

    def getElapsedMillis(self) -> float:  # noqa: N802 - Java's name
        return self.seconds * 1000

    def terminate(self, by: str) -> None:
        self.told = True


def test_a_reader_who_takes_too_long_is_told_to_end() -> None:
    short, long, of_another = Running("reader", 1.0), Running("reader", 700.0), Running("root", 700.0)
    Guard("reader", lambda: [short, long, of_another], lambda: None).look()
    assert [each.told for each in (short, long, of_another)] == [False, True, False]


def test_a_reader_who_does_not_end_ends_the_engine() -> None:
    ended = threading.Event()
    deaf = Running("reader", told=True)
    guard = Guard("reader", lambda: [deaf], ended.set, grace=0.05)
    guard.look()
    assert not ended.is_set()
    time.sleep(0.06)
    guard.look()
    assert ended.is_set()


def test_the_embedded_engine_speaks_bolt_over_websocket(embedded_shop: Store) -> None:
    address = embedded_shop._connection.endpoint.url.replace("bolt://", "ws://")
    hello = bytes.fromhex("6060b017") + bytes.fromhex("00000405") + bytes(12)
    with websockets.sync.client.connect(address, open_timeout=10) as browser:
        browser.send(hello)
        assert browser.recv(timeout=10) == bytes.fromhex("00000405")


def test_one_expression_that_never_ends_costs_the_shop_a_moment(embedded_shop: Store) -> None:
    def engine() -> Any:
        return json.loads((folder / RUNNING).read_text())

    folder = Path(embedded_shop.url.removeprefix("embedded:"))
    before = engine()
    deaf = "RETURN size([a IN range(1, 900) | [b IN range(1, 900) | [c IN range(1, 900) | c]]])"
    assert failure(embedded_shop, deaf, seconds=0.5).reason == "TOO_LONG"
    deadline = time.monotonic() + 30.0
    count = Query("MATCH (p:Product) RETURN count(p) AS n")
    while embedded_shop.explore(count).rows == ((4,),) and engine() == before and time.monotonic() < deadline:
        time.sleep(0.2)
    after = engine()
    assert (before["pid"], before["reader_password"]) != (after["pid"], after["reader_password"])
    assert embedded_shop.explore(count).rows == ((4,),)
    assert embedded_shop.counts()["Product"] == 4

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from graph import Loaded, StoreError, StoreUnavailable, connect
from tests.graph.shop_tables import events, products, purchase
from tools.neo4j_server import running_server
from tools.neo4j_server.releases import Installed
from tools.neo4j_server.server import Server


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("url", ["", "embedded:", "bolt", "postgres://x", "http://localhost:7474", "/some/path"])
def test_what_is_not_an_address_is_refused_with_examples(url: str) -> None:
    with pytest.raises(StoreError, match="give embedded:PATH, bolt://HOST:PORT or neo4j://HOST:PORT"):
        connect(url)


def test_a_store_that_is_down_is_named(unused_port: int) -> None:
    with connect(f"bolt://127.0.0.1:{unused_port}") as store:
        with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{unused_port}: the store cannot be reached"):
            store.ping()
        with pytest.raises(StoreUnavailable, match="start it"):
            store.prepare()


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_store_that_accepts_and_says_nothing_does_not_hold_a_ping(silent_port: int) -> None:
    start = time.monotonic()
    with connect(f"bolt://127.0.0.1:{silent_port}") as store, pytest.raises(StoreUnavailable):
        store.ping()
    assert time.monotonic() - start < 8.0


@dataclass(frozen=True)
class Survived:
    """A load whose server was killed and then started anew, and that server."""

    failure: StoreUnavailable
    again: Loaded
    events: int
    server: Server


@pytest.fixture(scope="module")
def survived(neo4j_installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survived]:
    rows = events(*(purchase(f"e{n}", f"u{n % 50}", "tea") for n in range(12_000)))
    data = tmp_path_factory.mktemp("killed") / "data"
    with running_server(neo4j_installed, data) as server:
        port = int(server.url.rpartition(":")[2])
        with connect(server.url) as store:
            store.prepare()
            store.load_nodes("Product", products("tea"))
            with pytest.raises(StoreUnavailable) as failure:
                store.load_events(rows, lambda *_: _kill(server))
            # The same store finds the server again when that is back.
            with running_server(neo4j_installed, data, port=port) as back:
                yield Survived(failure.value, store.load_events(rows), store.counts()["Event"], back)


def test_a_load_that_lost_its_server_completes_when_repeated(survived: Survived) -> None:
    assert "run this again" in str(survived.failure)
    assert survived.again.written > 0
    assert survived.again.existing >= 5_000
    assert survived.events == 12_000


def test_the_server_ends_with_the_process_that_started_it(survived: Survived) -> None:
    process = survived.server.process
    ended = threading.Thread(target=process.wait, daemon=True)
    ended.start()
    assert process.stdin is not None
    process.stdin.close()  # what the kernel does for a process that is killed
    ended.join(20)
    assert not ended.is_alive()


def _kill(server: Server) -> None:
    server.process.kill()
    server.process.wait()

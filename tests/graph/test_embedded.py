import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graph import Query, Store, StoreError, StoreUnavailable, connect, engine
from graph.embedded import LOG, RUNNING, SERVER, Running, lock_file, read_running, try_lock
from tests.graph.shop_tables import events, products, purchase

CONNECT = "import sys; from graph import connect\nwith connect('embedded:' + sys.argv[1]) as store:\n    "
COUNT = CONNECT + "print(store.counts()['Event'])"
# Tells an event's id only when it is committed.
RECORD_FOR_EVER = (
    "import itertools, sys\n"
    "from graph import connect\n"
    "from tests.graph.shop_tables import events, products, purchase\n"
    "store = connect('embedded:' + sys.argv[1])\n"
    "store.prepare()\n"
    "store.load_nodes('Product', products('tea'))\n"
    "for turn in itertools.count():\n"
    "    print(*store.record_events(events(purchase(f'k{turn}', 'ann', 'tea'))).accepted, flush=True)\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a store; its engine is gone after the test."""
    yield tmp_path / "graph"
    if (running := read_running(tmp_path / "graph")) is not None:
        os.kill(running.pid, signal.SIGKILL)


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def engine_of(folder: Path) -> Running:
    running = read_running(folder)
    assert running is not None
    return running


def engine_runs(folder: Path) -> bool:
    with lock_file(folder / SERVER) as file:
        return not try_lock(file, 1)


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def shop(folder: Path) -> Store:
    store = connect(f"embedded:{folder}")
    store.prepare()
    store.load_nodes("Product", products("tea"))
    return store


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose engine runs, with one event."""
    folder = tmp_path_factory.mktemp("running") / "graph"
    with shop(folder) as store:
        store.record_events(events(purchase("e1", "ann", "tea")))
        yield folder


def test_a_second_process_finds_the_running_engine(running: Path) -> None:
    engine = engine_of(running)
    assert run(COUNT, running) == "1\n"
    assert engine_of(running) == engine
    assert stat.S_IMODE((running / RUNNING).stat().st_mode) == 0o600
    assert stat.S_IMODE(running.stat().st_mode) == 0o700


def test_clients_that_start_at_the_same_time_share_one_engine(folder: Path) -> None:
    script = CONNECT + "store.ping(); print(open(sys.argv[1] + '/server.json').read()); sys.stdin.read()"
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    told = [client.stdout.readline() for client in clients if client.stdout is not None]
    assert len(set(told)) == 1
    for client in clients:
        client.communicate()


def test_the_engine_ends_with_its_last_client_and_keeps_the_graph(folder: Path) -> None:
    first = shop(folder)
    second = connect(f"embedded:{folder}")
    first.close()
    time.sleep(1.0)
    assert second.record_events(events(purchase("e1", "ann", "tea"))).accepted == ["e1"]
    second.close()
    assert eventually(lambda: not engine_runs(folder))
    assert not (folder / RUNNING).exists()
    assert run(COUNT, folder) == "1\n"


def test_the_engine_ends_when_its_last_client_is_killed_and_no_committed_event_is_lost(folder: Path) -> None:
    client = subprocess.Popen(
        [sys.executable, "-c", RECORD_FOR_EVER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    )
    assert client.stdout is not None
    told = [client.stdout.readline() for _ in range(20)]
    client.kill()
    told += client.stdout.readlines()
    client.communicate()
    assert eventually(lambda: not engine_runs(folder))
    with connect(f"embedded:{folder}") as store:
        kept = {row["id"] for row in store.read(Query("MATCH (e:Event) RETURN e.id AS id"))}
    assert {line.strip() for line in told if line.endswith("\n")} <= kept


def test_a_killed_engine_is_started_again_and_has_every_committed_event(folder: Path) -> None:
    with shop(folder) as store:
        for turn in range(20):
            store.record_events(events(purchase(f"e{turn}", "ann", "tea")))
        killed = engine_of(folder)
        os.kill(killed.pid, signal.SIGKILL)
        assert store.history(user="ann", as_of=datetime.now(UTC)).rows[0].events == 20
        assert engine_of(folder) != killed
        assert run(COUNT, folder) == "20\n"


def test_a_stale_lock_file_does_not_stand_in_the_way(folder: Path) -> None:
    store = shop(folder)
    os.kill(engine_of(folder).pid, signal.SIGKILL)
    store.close()
    assert (folder / RUNNING).exists()
    assert run(COUNT, folder) == "0\n"


def test_a_load_goes_on_when_the_engine_is_killed_in_the_middle(folder: Path) -> None:
    rows = events(*(purchase(f"e{n}", f"u{n % 50}", "tea") for n in range(12_000)))
    with shop(folder) as store:
        killed = threading.Event()

        def kill_once(stage: str, done: int, total: int) -> None:
            if not killed.is_set():
                killed.set()
                os.kill(engine_of(folder).pid, signal.SIGKILL)

        store.load_events(rows, kill_once)
        assert store.counts()["Event"] == 12_000
        assert store.load_events(rows).existing == 12_000


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="name a folder you may write to"):
        connect(f"embedded:{tmp_path / 'file'}")


def test_an_engine_that_cannot_start_shows_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "databases").write_text("in the way")
    with pytest.raises(StoreUnavailable, match=r"did not start; the end of .*engine\.log"):
        connect(f"embedded:{tmp_path}")


def test_a_damaged_lock_file_is_named(running: Path) -> None:
    whole = (running / RUNNING).read_text()
    (running / RUNNING).write_text("{")
    with pytest.raises(StoreError, match=r"server\.json: is damaged"):
        connect(f"embedded:{running}")
    (running / RUNNING).write_text(whole)
    with connect(f"embedded:{running}") as store:
        store.ping()


def test_the_engine_writes_to_its_log_alone(folder: Path) -> None:
    script = CONNECT + "store.prepare()"
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert (folder / LOG).stat().st_size > 0


@pytest.mark.parametrize(
    ("records_gib", "free_gib", "heap"),
    [(0.9, 64, "2048m"), (1.5, 64, "4096m"), (3.4, 64, "8192m"), (3.4, 12, "4096m"), (3.4, 1, "2048m")],
)
def test_java_may_take_more_for_a_larger_graph_as_far_as_there_is_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records_gib: float, free_gib: int, heap: str
) -> None:
    monkeypatch.delenv("PATHREC_ENGINE_HEAP", raising=False)
    monkeypatch.setattr(engine, "free_memory", lambda: free_gib * 2**30)
    database = tmp_path / "databases" / "neo4j"
    database.mkdir(parents=True)
    for name in ("Event_0.bucket", "Product_0.bucket"):
        with (database / name).open("wb") as file:
            file.truncate(int(records_gib / 2 * 2**30))  # a hole, that takes no place
    assert engine.heap_for(tmp_path) == heap


def test_what_the_environment_says_of_javas_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHREC_ENGINE_HEAP", "512m")
    assert engine.heap_for(tmp_path) == "512m"

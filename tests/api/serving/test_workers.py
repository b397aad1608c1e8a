"""Several worker processes: what was acknowledged stays, whatever ends them; numbers are those of all."""

import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from served_shop import Client, event

from api.child_server import ChildServer, child_server
from api.keys import create_key
from api.services.callers import Role
from api.settings import Settings
from graph import Query, connect
from tests.support.commands import pathrec

RECORD = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted duplicates } }"


@dataclass
class Workers:
    """A server of two workers that asks for keys."""

    home: Path
    server: ChildServer
    key: str

    @property
    def client(self) -> Client:
        return Client(self.server.url, httpx.Client(timeout=60, trust_env=False, headers={"x-api-key": self.key}))


@pytest.fixture(scope="module")
def workers(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    home = Path(shutil.copytree(untouched, tmp_path_factory.mktemp("copies") / "workers"))
    _, key = create_key(home, [Role.SERVER])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHREC_TEXT_MODEL", str(home / "none"))  # nothing here needs an encoder
        # The engine is started before, so that the server does not have to.
        with connect(f"embedded:{home / 'graph'}"), child_server(Settings(home=home, workers=2)) as server:
            yield Workers(home, server, key)


@dataclass
class Shopper:
    """Somebody who sends one event after another until told to stop, and remembers what was acknowledged."""

    workers: Workers
    acknowledged: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    pause: float = 0.02  # seconds; what the machine has left is for the worker that starts

    def run(self) -> None:
        client = self.workers.client
        with client.http:
            while not self.over.is_set():
                sent = event("p1", "view", userId="u1")
                try:
                    answer = client.post(RECORD, e=[sent])
                except httpx.HTTPError:  # the worker is gone, or going
                    self.over.wait(0.05)
                    continue
                self.acknowledged += (answer.get("data") or {}).get("recordEvents", {}).get("accepted", [])
                self.over.wait(self.pause)


@contextmanager
def shopping(workers: Workers, number: int = 4) -> Iterator[list[Shopper]]:
    """Several of them at once until the block ends, each of whom has got an answer."""
    shoppers = [Shopper(workers) for _ in range(number)]
    threads = [threading.Thread(target=shopper.run) for shopper in shoppers]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + 60
        while not all(shopper.acknowledged for shopper in shoppers) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield shoppers
    finally:
        for shopper in shoppers:
            shopper.over.set()
        for thread in threads:
            thread.join()


def acknowledged(shoppers: list[Shopper]) -> list[str]:
    return [identity for shopper in shoppers for identity in shopper.acknowledged]


def of_store(workers: Workers, identities: list[str]) -> int:
    with connect(f"embedded:{workers.home / 'graph'}") as store:
        rows = store.read(Query("MATCH (e:Event) WHERE e.id IN $ids RETURN count(e) AS n", {"ids": identities}))
    return int(rows[0]["n"])


def processes(workers: Workers) -> list[psutil.Process]:
    """The workers that live."""
    found = []
    for child in psutil.Process(workers.server.process.pid).children():
        with suppress(psutil.Error):  # it ended meanwhile
            if any("spawn_main" in part for part in child.cmdline()):
                found.append(child)
    return found


def starts(workers: Workers) -> int:
    """How many workers have begun to answer since the server was started."""
    return workers.server.log.read_text().count('"event": "started"')


def test_numbers_are_those_of_all_workers(workers: Workers) -> None:
    client = workers.client
    with client.http:
        for _ in range(12):  # a connection of its own for each, so that both workers get some
            with httpx.Client(timeout=60, trust_env=False, headers={"x-api-key": workers.key}) as http:
                Client(client.url, http).ask("{ model { version } }")
        found = {client.http.get(f"{client.url}/metrics").text for _ in range(3)}
    counts = {
        re.search(r'^pathrec_request_seconds_count\{field="model",status="ok"\} (\S+)$', t, re.MULTILINE)[1]
        for t in found
    }  # type: ignore[index]
    assert counts == {"12.0"}
    assert all(re.search(r'^pathrec_model_info\{version="\S+"\} 1\.0$', text, re.MULTILINE) for text in found)


def test_no_key_is_ever_logged(workers: Workers) -> None:
    wrong = "a-key-that-nobody-has-given"
    with httpx.Client(timeout=60, trust_env=False) as http:
        body = {"query": "{ model { version } }", "variables": {"password": workers.key}}
        for shown in (workers.key, wrong):
            for headers in ({"authorization": f"Bearer {shown}"}, {"x-api-key": shown}):
                http.post(f"{workers.server.url}/graphql?key={shown}", json=body, headers=headers)
        http.post(f"{workers.server.url}/graphql", json={"query": "{ nothing }"}, headers={"x-api-key": workers.key})
    log = workers.server.log.read_text()
    assert '"path": "/graphql"' in log
    assert workers.key not in log
    assert workers.key.split("_", 2)[2] not in log
    assert wrong not in log


def test_a_new_key_works_and_a_revoked_one_does_not_in_every_worker(workers: Workers) -> None:
    def command(*arguments: str) -> str:
        done = pathrec("key", *arguments, "--home", workers.home)
        assert done.returncode == 0, done.stderr
        return done.stdout

    secret = command("create", "--role", "server", "--note", "for a moment").splitlines()[0]
    identity = secret.split("_")[1]
    assert "for a moment" in command("list")
    assert {status(workers, secret) for _ in range(8)} == {200}
    command("revoke", identity)
    assert {status(workers, secret) for _ in range(8)} == {401}
    audit = (workers.home / "audit.log").read_text()
    assert "key created" in audit
    assert "key revoked" in audit
    assert secret not in audit


def status(workers: Workers, key: str) -> int:
    url, query = f"{workers.server.url}/graphql", {"query": "{ __typename }"}
    return httpx.post(url, json=query, headers={"x-api-key": key}, timeout=60, trust_env=False).status_code


def test_idle_connections_keep_nobody_from_asking(workers: Workers) -> None:
    url = httpx.URL(workers.server.url)
    idle = [socket.create_connection((url.host, url.port), timeout=60) for _ in range(500)]
    try:
        assert status(workers, workers.key) == 200
    finally:
        for each in idle:
            each.close()


def test_a_worker_killed_under_load_takes_no_acknowledged_event_with_it(workers: Workers) -> None:
    with shopping(workers) as shoppers:
        victim, other = processes(workers)
        os.kill(victim.pid, signal.SIGKILL)
        for shopper in shoppers:
            shopper.pause = 0.2  # who was interrupted has been by now; a full load would only hold the new worker up
        deadline = time.monotonic() + 150
        while starts(workers) < 3:
            assert time.monotonic() < deadline, "no worker took the place of the killed one"
            time.sleep(0.1)
    assert other in processes(workers)
    told = acknowledged(shoppers)
    assert of_store(workers, told) == len(told)


def test_a_request_to_end_under_load_loses_no_acknowledged_event(workers: Workers) -> None:
    with shopping(workers) as shoppers:
        workers.server.process.send_signal(signal.SIGTERM)
        assert workers.server.process.wait(150) == 0
    told = acknowledged(shoppers)
    assert told
    assert of_store(workers, told) == len(told)

"""How fast a server answers: latency by clients and query, event to changed answer, start-up, memory.

    python -m benchmarks.serving --home .pathrec --json serving.json

starts `pathrec serve` for a home folder with a loaded graph and a published model, and asks it over
HTTP from this process, whose own share of the CPU is part of the report. Every request is for
another user; there is no response cache.
"""

import argparse
import http.client
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
import psutil

from api.settings import load_settings
from benchmarks import load
from graph import Query, connect

CLIENTS = (1, 8, 32)
_PATIENCE = 200
LIST = (
    "query($u: String) { recommendations(audience: {userId: $u}, first: 20) { edges { rank score node { %s } %s } } }"
)
QUERIES = {
    "bare ids": LIST % ("productId", ""),
    "with products": LIST % ("productId title price { amount } image { url } brand { name } categories { name }", ""),
    "with explanations": LIST
    % ("productId title", "explanation { prior remainder { value } contributions(first: 3) { kind value text } }"),
    "with explanations and paths": LIST
    % (
        "productId title",
        """explanation { prior readableShare remainder { count value } contributions(first: 5) {
        kind relation value share text because { behaviour events product { productId title } }
        path { nodes { type keys names count } } } }""",
    ),
}
_RECORD = "mutation($events: [EventInput!]!) { recordEvents(events: $events) { accepted } }"
FORGET = "mutation($ids: [String!]!) { deleteEvents(eventIds: $ids) { deletedEventIds } }"
_SESSION = """query($s: String) {
    recommendations(audience: {sessionId: $s}, first: 20) { edges { node { productId } } } }"""


class Client:
    """One connection that is kept open."""

    def __init__(self, url: str, path: str = "/graphql") -> None:
        place = urlsplit(url)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        self._path = path

    def send(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a body of JSON; after a failure the next one opens a new connection."""
        try:
            self._connection.request("POST", self._path, body, {"content-type": "application/json"})
            response = self._connection.getresponse()
            return response.status, response.read()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer; raises where there is an error in it."""
        answer = json.loads(self.send(body_of(query, **variables))[1])
        if "errors" in answer:
            raise RuntimeError(answer["errors"][0]["message"])
        return answer["data"]

    def ready(self) -> bool:
        """Whether the server says that it is."""
        try:
            self._connection.request("GET", "/readyz")
            response = self._connection.getresponse()
            response.read()
        except OSError:
            self._connection.close()
            return False
        return response.status == 200


def body_of(query: str, **variables: Any) -> bytes:
    """A question as it is sent."""
    return json.dumps({"query": query, "variables": variables}).encode()


def latencies(url: str, query: str, users: list[str], clients: int, requests: int) -> dict[str, float]:
    """Milliseconds and rate of some requests by some clients at the same time."""
    bodies = [body_of(query, u=users[number % len(users)]) for number in range(requests)]
    return load.measured(lambda: Client(url), bodies, clients=clients)


def event_to_answer(url: str, products: list[str], times: int) -> dict[str, float]:
    """Milliseconds from sending a purchase to having an answer in which it counts."""
    client, milliseconds, recorded = Client(url), [], []
    for number in range(times):
        session, event = f"benchmark-{uuid4().hex}", uuid4().hex
        before = client.ask(_SESSION, s=session)
        began = time.perf_counter()
        bought = {"eventId": event, "sessionId": session, "productId": products[number % len(products)]}
        client.ask(_RECORD, events=[bought | {"behaviour": "purchase"}])
        asked = 1
        while client.ask(_SESSION, s=session) == before:
            asked += 1
            if asked > _PATIENCE:
                raise SystemExit(f"a purchase of {bought['productId']} changes no list; is another model served?")
        milliseconds.append(1000 * (time.perf_counter() - began))
        recorded.append(event)
    client.ask(FORGET, ids=recorded)
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}


def memory(home: Path, process: psutil.Process) -> dict[str, int]:
    """Resident megabytes: the servers, their encoders, and the embedded engine if that is the store."""
    found = {"server": process.memory_info().rss, "encoder": 0}
    for child in process.children(recursive=True):
        name = "encoder" if "spawn_main" in " ".join(child.cmdline()) else "server"
        found[name] += child.memory_info().rss
    running = home / "graph" / "server.json"
    if running.exists():
        found["engine"] = psutil.Process(json.loads(running.read_text())["pid"]).memory_info().rss
    return {name: size // 2**20 for name, size in found.items()}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path, workers: int) -> Iterator[tuple[str, psutil.Process, float]]:
    """A server of a home folder: its address, its process, and the seconds until it was ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "api.cli", "serve", "--home", str(home), "--port", str(port)]
    with running(url, [*command, "--workers", str(workers)]) as (server, seconds):
        yield url, server, seconds


@contextmanager
def running(url: str, command: list[str]) -> Iterator[tuple[psutil.Process, float]]:
    """A server by its command, which ends with the block: its process, and the seconds until it was ready."""
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        probe = Client(url)
        while not probe.ready():
            if server.poll() is not None:
                raise SystemExit(f"the server ended with code {server.returncode}; run it by hand: {' '.join(command)}")
            time.sleep(0.05)
        yield psutil.Process(server.pid), time.perf_counter() - began
    finally:
        server.terminate()
        server.wait(30)


def shop_of(home: Path) -> tuple[list[str], list[str]]:
    """Users in a random order, and some products."""
    with connect(load_settings(home=home).store_url) as store:
        users = [row["id"] for row in store.read(Query("MATCH (u:User) RETURN u.id AS id"))]
        products = [row["id"] for row in store.read(Query("MATCH (p:Product) RETURN p.id AS id LIMIT 200"))]
    random.Random(1).shuffle(users)
    return users, products


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".pathrec"))
    parser.add_argument("--requests", type=int, default=400, help="for each number of clients and query")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    users, products = shop_of(options.home)
    with serving(options.home, options.workers) as (url, process, seconds):
        report: dict[str, Any] = {"users": len(users), "workers": options.workers, "start_seconds": round(seconds, 2)}
        latencies(url, QUERIES["with explanations and paths"], users, 2, 300)  # the engine compiles its queries
        report["latency"] = {
            name: {clients: latencies(url, query, users, clients, options.requests) for clients in CLIENTS}
            for name, query in QUERIES.items()
        }
        report["event_to_answer"] = event_to_answer(url, products, 50)
        report["memory_mb"] = memory(options.home, process)
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def show(report: dict[str, Any]) -> None:
    """The report as tables."""
    print(f"start-up {report['start_seconds']} s; resident MB {report['memory_mb']}")
    print(f"event to changed answer: {report['event_to_answer']}")
    print(
        f"{'recommendations(first: 20)':30} {'clients':>7} {'p50 ms':>8} {'p99 ms':>8} {'req/s':>7} {'client CPU':>10}"
    )
    for name, by_clients in report["latency"].items():
        for clients, row in by_clients.items():
            figures = f"{row['p50_ms']:8} {row['p99_ms']:8} {row['per_second']:7} {row['client_cpu_share']:10}"
            print(f"{name:30} {clients:7} {figures}")


if __name__ == "__main__":
    main()

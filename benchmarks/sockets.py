"""Many idle subscriptions: what they hold, and how soon a list comes when an event arrives.

    python -m benchmarks.sockets --home DIR --sockets 10000 --json sockets.json

serves the shop of a home, opens that many sockets from this process, each with a subscription of a session of its own,
and lets them be. Then it records events one by one over HTTP, of sessions in turn, and waits for the list that comes.
The memory is that of the server's process. The events are deleted at the end. A process may open as many files as
`ulimit -n` says.
"""

import argparse
import asyncio
import json
import resource
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
from rich.console import Console
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.machine import machine, write_json
from benchmarks.serving import FORGET, Client, serving, shop_of

QUERY = """subscription($session: String!) { recommendations(audience: {sessionId: $session}, first: 20) {
    edges { node { productId } } } }"""
_RECORD = "mutation($events: [EventInput!]!) { recordEvents(events: $events) { accepted } }"
_AT_A_TIME = 50
_SETTLE = 10.0


async def opened(url: str, session: str) -> ClientConnection:
    """A socket with a subscription whose first list has come."""
    socket = await connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None, compression=None)
    await socket.send(json.dumps({"type": "connection_init"}))
    await socket.recv()
    payload = {"query": QUERY, "variables": {"session": session}}
    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
    await socket.recv()
    return socket


async def measured(url: str, process: psutil.Process, products: list[str], sockets: int, events: int) -> dict[str, Any]:
    """Figures with so many sockets open."""
    client, address = Client(url), url.replace("http", "ws") + "/graphql"
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def one(number: int) -> ClientConnection:
        async with gate:
            return await opened(address, f"benchmark {number}")

    before, began = process.memory_info().rss, time.perf_counter()
    connected = await asyncio.gather(*(one(number) for number in range(sockets)))
    opening = time.perf_counter() - began
    idle = await share(process, _SETTLE)
    held = (process.memory_info().rss - before) / sockets
    waits, asked, recorded = [], [], []
    for number in range(events):
        place = number * sockets // events
        recorded.append(f"benchmark-{uuid4().hex}")
        event = {"eventId": recorded[-1], "sessionId": f"benchmark {place}", "behaviour": "view"}
        began = time.perf_counter()
        await asyncio.to_thread(client.ask, _RECORD, events=[event | {"productId": products[number % len(products)]}])
        sent = time.perf_counter()
        await connected[place].recv()
        asked.append(1000 * (sent - began))
        waits.append(1000 * (time.perf_counter() - sent))
    await asyncio.to_thread(client.ask, FORGET, ids=recorded)
    began = time.perf_counter()
    await asyncio.gather(*(socket.close() for socket in connected))
    return {
        "sockets": sockets,
        "opening_seconds": round(opening, 1),
        "bytes_each": round(held),
        "idle_cpu_percent": round(idle, 1),
        "record_ms": percentiles(asked),
        "list_after_record_ms": percentiles(waits),
        "closing_seconds": round(time.perf_counter() - began, 1),
    }


async def share(process: psutil.Process, seconds: float) -> float:
    """Percent of a core that a process takes."""
    process.cpu_percent()
    await asyncio.sleep(seconds)
    return float(process.cpu_percent())


def percentiles(values: list[float]) -> dict[str, float]:
    """The usual three."""
    return {f"p{at}": round(float(np.percentile(values, at)), 1) for at in (50, 90, 99)}


def main() -> None:
    """Measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".pathrec"))
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=50, help="%(default)s by default")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _, products = shop_of(options.home)
    with serving(options.home, 1) as (url, process, _):
        figures = asyncio.run(measured(url, process, products, options.sockets, options.events))
    report = {"machine": machine(), **figures}
    Console().print_json(data=report)
    if options.json:
        write_json(report, options.json)


if __name__ == "__main__":
    main()

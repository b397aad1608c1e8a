"""A store that stops answering is told to clients without a word about it, and soon; afterwards all goes on."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from graphql import GraphQLError
from keyed_shop import KEYS, Keyed
from served_shop import event

from api.graphql.errors import formatted
from api.graphql.mutations import attempt
from graph import Query, QueryRefused, Store
from graph.embedded import read_running

RECOMMEND = '{ recommendations(audience: {userId: "u1"}, first: 1) { asOf } }'


@contextmanager
def frozen(keyed: Keyed) -> Iterator[None]:
    """The engine's process takes a break; its sockets stay open."""
    engine = read_running(keyed.home / "graph")
    assert engine is not None
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(engine.pid, signal.SIGCONT)


def test_a_store_that_says_nothing_is_given_up_and_found_again(spare: Keyed) -> None:
    server = spare.by(KEYS["server"])
    server.ask(RECOMMEND)
    with frozen(spare):
        began = time.monotonic()
        answer = server.post(RECOMMEND)
        record = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted } }"
        refused = server.post(record, e=[event("p1", userId="u1")])
        seconds = time.monotonic() - began
        assert 'pathrec_ready{part="store"} 0.0' in server.http.get(f"{server.url}/metrics").text
    for found in (answer, refused):
        assert [error["extensions"]["code"] for error in found["errors"]] == ["UNAVAILABLE"]
        told = str(found)
        assert not any(
            word in told for word in ("bolt", "127.0.0.1", "embedded", "MATCH", "Traceback", str(spare.home))
        )
    assert 6 <= seconds < 30  # two of three seconds each
    deadline = time.monotonic() + 30
    while "errors" in server.post(RECOMMEND):
        assert time.monotonic() < deadline
    assert 'pathrec_ready{part="store"} 1.0' in server.http.get(f"{server.url}/metrics").text


def test_what_the_store_refuses_is_a_fault_of_ours_and_says_nothing_of_it(embedded_store: Store) -> None:
    def nonsense() -> object:
        return embedded_store.read(Query("MATCH (secret:Label RETURN nonsense"))

    with pytest.raises(QueryRefused) as caught:
        attempt(nonsense, None)
    told = formatted(GraphQLError("anything", original_error=caught.value), "the-request")
    assert told["extensions"] == {"code": "INTERNAL", "remedy": "report it with the request id the-request"}
    assert not any(word in str(told) for word in ("secret", "MATCH", "embedded", "nonsense"))

"""Messages of graphql-transport-ws, without a socket."""

import json

import pytest

from api.graphql.transport import CloseError, Incoming, message, parse, request


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type": "connection_init"}', Incoming("connection_init", "", {})),
        ('{"type": "ping", "payload": {"a": 1}}', Incoming("ping", "", {"a": 1})),
        ('{"type": "complete", "id": "1"}', Incoming("complete", "1", {})),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "q"}}', Incoming("subscribe", "1", {"query": "q"})),
    ],
)
def test_a_message_is_read(text: str, expected: Incoming) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "[]",
        "{}",
        '{"type": 1}',
        '{"type": "next", "id": "1", "payload": {}}',
        '{"type": "start", "id": "1", "payload": {"query": "q"}}',
        '{"type": "subscribe", "payload": {"query": "q"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "q"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "q"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "complete"}',
        '{"type": "ping", "payload": []}',
        "[" * 100_000,
    ],
)
def test_what_is_no_message_ends_the_socket(text: str) -> None:
    with pytest.raises(CloseError) as caught:
        parse(text)
    assert caught.value.code == 4400


@pytest.mark.parametrize(
    "payload", [{}, {"query": 1}, {"query": "q", "variables": []}, {"query": "q", "operationName": 1}]
)
def test_what_asks_for_nothing_ends_the_socket(payload: dict[str, object]) -> None:
    with pytest.raises(CloseError) as caught:
        request(Incoming("subscribe", "1", payload))
    assert caught.value.code == 4400


def test_a_reason_fits_into_a_closing_frame() -> None:
    assert len(CloseError(4400, "é" * 500).reason.encode()) <= 123


def test_a_message_of_the_server_has_only_what_it_needs() -> None:
    assert json.loads(message("connection_ack")) == {"type": "connection_ack"}
    assert json.loads(message("error", "1", [{"message": "é"}])) == {
        "type": "error",
        "id": "1",
        "payload": [{"message": "é"}],
    }

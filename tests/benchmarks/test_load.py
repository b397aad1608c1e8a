import time

import pytest

from benchmarks import load


class Sender:
    """A connection to nowhere."""

    def close(self) -> None:
        pass


class Slow(Sender):
    """Takes a while for each answer."""

    def __init__(self, milliseconds: float, status: int = 200, answer: bytes = b'{"data":{}}') -> None:
        self._seconds, self._status, self._answer = milliseconds / 1000, status, answer

    def send(self, body: bytes) -> tuple[int, bytes]:
        time.sleep(self._seconds)
        return self._status, self._answer


class Lost(Sender):
    """Never answers."""

    def send(self, body: bytes) -> tuple[int, bytes]:
        raise ConnectionRefusedError


def test_each_body_is_sent_once_however_many_clients_there_are():
    sent: list[bytes] = []

    class Noted(Slow):
        def send(self, body: bytes) -> tuple[int, bytes]:
            sent.append(body)
            return super().send(body)

    bodies = [b"%d" % number for number in range(30)]
    load.measured(lambda: Noted(1), bodies, clients=4)
    assert sorted(sent) == sorted(bodies)


def test_a_closed_loop_is_as_fast_as_the_answers():
    found = load.measured(lambda: Slow(20), [b""] * 20, clients=2)
    assert found["p50_ms"] >= 20
    assert found["per_second"] <= 100


def test_an_open_loop_keeps_its_pace():
    found = load.measured(lambda: Slow(1), [b""] * 40, per_second=100)
    assert found["per_second"] <= 105
    assert found["p50_ms"] >= 1


def test_what_waits_for_its_turn_in_an_open_loop_counts_from_when_it_was_due(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(load, "CONNECTIONS", 1)
    found = load.measured(lambda: Slow(20), [b""] * 20, per_second=200)
    # The last of twenty was due after 95 ms and is answered after 400.
    assert found["p99_ms"] > 280


@pytest.mark.parametrize(
    "sender",
    [Slow(0, 503), Slow(0, 200, b'{"data":null,"errors":[{"message":"no"}]}'), Lost()],
    ids=["status", "in the body", "no connection"],
)
def test_whatever_is_no_answer_is_an_error(sender: load.Sender):
    assert load.measured(lambda: sender, [b""] * 3)["errors"] == 3


def test_a_text_about_errors_is_none():
    assert load.measured(lambda: Slow(0, answer=rb'{"data":{"title":"\"errors\":"}}'), [b""])["errors"] == 0

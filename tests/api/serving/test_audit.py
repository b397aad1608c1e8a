"""What cannot be undone is written down before it is done."""

import json
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from keyed_shop import KEYS, Keyed, token
from served_shop import event

from api.audit import AuditLog, described
from api.graphql.access import _audited
from api.graphql.context import Context
from api.services.callers import Caller, Role
from schema.files import WriteError
from schema.pseudonym import pseudonym

DELETE_EVENTS = "mutation($ids: [String!]!) { deleteEvents(eventIds: $ids) { deletedEventIds userErrors { code } } }"
DELETE_USER = "mutation($id: String!) { deleteUser(userId: $id) { deletedUserId userErrors { code } } }"


def lines(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "audit.log").read_text().splitlines()]


def test_a_deletion_leaves_two_lines_that_say_who_and_what(spare: Keyed) -> None:
    server = spare.by(KEYS["server"])
    sent = event("p1", "view", userId="u3")
    server.record(sent)
    server.ask(DELETE_EVENTS, {"x-request-id": "the-request"}, ids=[sent["eventId"]])
    begun, done = [line for line in lines(spare.home) if line["request"] == "the-request"]
    assert (begun["event"], done["event"]) == ("begun", "done")
    assert begun["field"] == done["field"] == "Mutation.deleteEvents"
    assert begun["arguments"] == {"eventIds": [sent["eventId"]]}
    assert begun["key"].startswith("given-")
    assert begun["roles"] == ["server"]
    assert begun["timestamp"]
    assert stat.S_IMODE((spare.home / "audit.log").stat().st_mode) == 0o600


def test_whoever_is_forgotten_is_not_in_the_log_by_name(spare: Keyed) -> None:
    admin = spare.by(token("boss", role="admin"))
    spare.by(KEYS["server"]).record(event("p1", userId="a-very-own-name"))
    assert admin.ask(DELETE_USER, id="a-very-own-name")["deleteUser"]["deletedUserId"]
    assert "a-very-own-name" not in (spare.home / "audit.log").read_text()
    begun = [line for line in lines(spare.home) if line["event"] == "begun"][-1]
    assert begun["arguments"] == {"userId": pseudonym("user", "a-very-own-name")}
    assert begun["key"] == "token:boss"


def test_what_failed_and_what_was_forbidden(spare: Keyed) -> None:
    before = len(lines(spare.home))
    spare.by(token("u1")).post(DELETE_USER, id="u1")
    assert len(lines(spare.home)) == before
    spare.by(KEYS["server"]).ask(DELETE_USER, id="nobody of this name")
    assert [(line["event"], line.get("errors")) for line in lines(spare.home)[before:]] == [
        ("begun", None),
        ("failed", ["NOT_FOUND"]),
    ]


def test_what_changes_nothing_for_good_is_not_in_the_log(spare: Keyed) -> None:
    server = spare.by(KEYS["server"])
    server.record(event("p1", "view", userId="u3"))
    assert {line["field"] for line in lines(spare.home)} <= {"Mutation.deleteEvents", "Mutation.deleteUser"}


def test_nothing_is_done_that_cannot_be_written_down(tmp_path: Path) -> None:
    (tmp_path / "audit.log").mkdir()
    with pytest.raises(WriteError, match="cannot be written"):
        AuditLog(tmp_path).write("begun", Caller(frozenset({Role.ADMIN})))


def test_what_was_done_is_told_though_its_end_cannot_be_written_down(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"

    def act() -> str:
        assert "begun" in log.read_text()
        log.unlink()
        log.mkdir()
        return "what came of it"

    shop: Any = SimpleNamespace(store=None, audit=AuditLog(tmp_path))
    context = Context(shop, "the-request", Caller(frozenset({Role.ADMIN})))
    assert _audited(act, context, "Mutation.deleteUser", {}) == "what came of it"


def test_long_arguments_are_shortened() -> None:
    found = described({"ids": [str(n) for n in range(100)], "input": {"note": "x" * 1000, "userId": "u"}})
    assert found["ids"] == [*map(str, range(20)), "and 80 more"]
    assert found["input"] == {"note": "x" * 200, "userId": pseudonym("user", "u")}

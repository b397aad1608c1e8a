"""The disk is full: answers come, what needs a write is refused as a whole, and all goes on when there is room."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families
from served_shop import Client, event, renamed, within
from small_disk import PAGE, full, small_disk

from api import registry
from api.child_server import child_server
from api.services.cursors import load_key
from api.settings import Settings
from gnn.artifact import load_artifact
from graph import Query, connect
from ingestion.delimited import Broken
from ingestion.encoders import EmbeddingCache
from ingestion.encoders.cache import CacheError
from ingestion.quarantine import write_quarantine
from ingestion.step import LINE
from schema.files import WriteError
from schema.pseudonym import pseudonym

RECORD = "mutation($e: [EventInput!]!) { recordEvents(events: $e) { accepted duplicates } }"
DELETE_EVENTS = "mutation($ids: [String!]!) { deleteEvents(eventIds: $ids) { deletedEventIds } }"
DELETE_USER = "mutation($id: String!) { deleteUser(userId: $id) { deletedUserId } }"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with small_disk(tmp_path_factory.mktemp("disk") / "disk", 300) as place:
        yield place


@pytest.fixture(scope="module")
def models(disk: Path) -> Iterator[Path]:
    """A disk for the published models alone."""
    with small_disk(disk / "home" / "models", 100) as place:
        yield place


@pytest.fixture(scope="module")
def crowded(disk: Path, models: Path, untouched: Path) -> Iterator[Client]:
    """A server whose home is on the disk, with all that it writes, its own log among it."""
    shutil.copytree(untouched, disk / "home", dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHREC_TEXT_MODEL", str(disk / "none"))  # nothing here needs an encoder
        with child_server(Settings(home=disk / "home")) as server, httpx.Client(timeout=60, trust_env=False) as http:
            yield Client(server.url, http)


def number(shop: Client, name: str) -> float:
    """One of the server's numbers."""
    families = text_string_to_metric_families(shop.http.get(f"{shop.url}/metrics").text)
    return next(sample.value for family in families for sample in family.samples if sample.name == name)


def unavailable(answer: dict[str, Any]) -> bool:
    """Whether an answer says that it cannot be done now, and no word of the disk, the store or a folder."""
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    return codes == ["UNAVAILABLE"] and not any(word in str(answer) for word in ("embedded", "/disk", "Traceback"))


def test_answers_come_and_lost_lines_of_the_log_are_counted(crowded: Client, disk: Path) -> None:
    with full(disk):
        for _ in range(60):
            assert crowded.recommend({"userId": "u1"}, 5)["edges"]
        assert number(crowded, "pathrec_lost_log_lines_total") > 0


def test_events_are_refused_as_a_whole_and_taken_when_there_is_room(crowded: Client, disk: Path) -> None:
    sent = [event("p1", "view", userId="u1") for _ in range(200)]
    with full(disk):
        assert unavailable(crowded.post(RECORD, e=sent))
    answer = crowded.ask(RECORD, e=sent)["recordEvents"]
    assert len(answer["accepted"]) == 200
    assert answer["duplicates"] == []


def test_what_was_shown_waits_until_it_can_be_kept(crowded: Client, disk: Path) -> None:
    answers = []

    def waits() -> bool:
        answers.append(crowded.recommend({"userId": "u2"}, 20))
        time.sleep(2.0)  # several times as long as it waits where there is room
        return number(crowded, "pathrec_impressions_waiting") > 0

    with full(disk):  # the first ones may still fit into pages that the store has already
        assert within(30.0, waits)
    assert within(20.0, lambda: number(crowded, "pathrec_impressions_waiting") == 0)
    ids = {"ids": [answer["recommendationId"] for answer in answers]}
    with connect(f"embedded:{disk / 'home' / 'graph'}") as store:
        rows = store.read(Query("MATCH (i:Impression) WHERE i.id IN $ids RETURN count(i) AS n", ids))
    assert rows == [{"n": len(answers)}]


def test_what_cannot_be_written_down_is_not_done_and_no_half_line_is_left(crowded: Client, disk: Path) -> None:
    sent, log = event("p1", "view", userId="u3"), disk / "home" / "audit.log"
    crowded.record(sent)
    padding = json.dumps({"event": "padding" + " " * (PAGE - 40)})
    log.write_text(padding + "\n")
    assert 0 < PAGE - log.stat().st_size < 40  # a part of a line still fits
    before = log.read_bytes()
    with full(disk):
        assert unavailable(crowded.post(DELETE_EVENTS, ids=[sent["eventId"]]))
    assert log.read_bytes() == before
    assert crowded.record(sent)["duplicates"] == [sent["eventId"]]
    assert crowded.ask(DELETE_EVENTS, ids=[sent["eventId"]])["deleteEvents"]["deletedEventIds"] == [sent["eventId"]]
    assert [json.loads(line)["event"] for line in log.read_text().splitlines()[1:]] == ["begun", "done"]


def test_somebody_who_is_forgotten_leaves_the_models_as_soon_as_there_is_room(crowded: Client, models: Path) -> None:
    def known() -> bool:
        with registry.locked(models.parent):  # not while the server puts another in its place
            served = registry.served(models.parent)
            return served is not None and pseudonym("user", "u5") in load_artifact(served).scorer.people

    assert known()
    with full(models):
        assert crowded.ask(DELETE_USER, id="u5")["deleteUser"]["deletedUserId"] == "u5"
        assert known()
    assert within(30.0, lambda: not known())


def test_a_model_that_does_not_fit_is_not_published_and_the_old_one_goes_on(
    crowded: Client, models: Path, tmp_path: Path
) -> None:
    new = renamed(models.parent / "trained", tmp_path / "new")
    served, there = crowded.recommend({})["modelVersion"], sorted(place.name for place in models.iterdir())
    with full(models):
        with pytest.raises(WriteError, match="No space left"):
            registry.publish(models.parent, new)
        assert sorted(place.name for place in models.iterdir() if place.name != "filler") == there
    assert crowded.recommend({})["modelVersion"] == served
    version = registry.publish(models.parent, new)
    assert within(20.0, lambda: crowded.recommend({})["modelVersion"] == version)


def test_a_quarantine_stays_as_it_was(disk: Path) -> None:
    file, rows = disk / "quarantine.jsonl", pl.DataFrame({LINE: [1], "a": ["x"]})
    rejected = pl.DataFrame({LINE: [1], "reason": ["price"], "explanation": ["no price"]})
    write_quarantine(file, "source", rows, rejected, [])
    before = file.read_bytes()
    with full(disk), pytest.raises(WriteError, match="No space left"):
        write_quarantine(file, "source", rows, rejected, [Broken(2, "columns", "too many", "x" * PAGE)])
    assert file.read_bytes() == before
    assert [place.name for place in disk.glob(".quarantine*")] == []


def test_what_the_cache_of_vectors_has_can_be_read(disk: Path) -> None:
    cache, vector = EmbeddingCache(disk / "cache"), np.ones(4, np.float32)
    cache.put("model", {"known": vector})
    with full(disk):
        with pytest.raises(CacheError, match="free some space"):
            cache.put("model", {str(n): np.ones(1000, np.float32) for n in range(50)})
        assert np.array_equal(cache.get("model", ["known", "0"])["known"], vector)
    assert list(cache.get("model", ["known", "0"])) == ["known"]


def test_a_secret_is_made_as_a_whole_or_not_at_all(disk: Path) -> None:
    (folder := disk / "secrets").mkdir()
    with full(disk), pytest.raises(OSError, match="No space left"):
        load_key(folder / "secret")
    assert list(folder.iterdir()) == []
    assert load_key(folder / "secret") == load_key(folder / "secret")

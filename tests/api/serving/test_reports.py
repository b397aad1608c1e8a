"""What the shop knows of itself: its users, its data, its model."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from served_shop import Client, event

from api import pipeline
from schema.snapshot import open_snapshot

USERS = "query($start: String!, $first: Int) { users(startsWith: $start, first: $first) { userId events lastAt } }"


def test_users_are_found_by_how_their_id_begins(shop: Client) -> None:
    found = shop.ask(USERS, start="u1", first=5)["users"]
    names = [user["userId"] for user in found]  # other tests delete some
    assert len(names) == 5 and names == sorted(names) and all(name.startswith("u1") for name in names)
    assert all(user["events"] >= 8 and user["lastAt"] for user in found)
    assert shop.ask(USERS, start="'; MATCH (n) DETACH DELETE n //")["users"] == []


def test_a_user_has_as_many_events_as_were_recorded(shop: Client) -> None:
    shop.record(event("p1", "view", userId="counted"), event("p1", "view", userId="counted"))
    (user,) = shop.ask(USERS, start="counted")["users"]
    assert user["events"] == 2


@pytest.mark.parametrize("first", [0, 101])
def test_a_page_of_users_has_the_usual_size(shop: Client, first: int) -> None:
    assert shop.post(USERS, start="", first=first)["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.fixture
def reports(home: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder of reports, empty; those of other tests come back."""
    folder, aside = home / "reports", tmp_path / "aside"
    folder.mkdir(exist_ok=True)
    folder.rename(aside)
    yield folder
    shutil.rmtree(folder)
    aside.rename(folder)


def test_the_reports_of_the_home_are_served_as_they_are(shop: Client, reports: Path) -> None:
    assert shop.ask("{ qualityReport evaluation }") == {"qualityReport": None, "evaluation": None}
    reports.mkdir()
    report = {"mapping": "kitchen", "rows_in": 3, "notes": ["ümlaut"]}
    (reports / "quality.json").write_text(json.dumps(report), encoding="utf-8")
    (reports / "evaluation.json").write_text("{ not json", encoding="utf-8")
    assert shop.ask("{ qualityReport evaluation }") == {"qualityReport": report, "evaluation": None}


@pytest.mark.parametrize(("changed", "expected"), [({}, {"ndcg@20": 0.25}), ({"change_number": -1}, {}), (None, {})])
def test_the_model_has_the_figures_of_an_evaluation_of_its_own_data(
    shop: Client, home: Path, reports: Path, changed: dict[str, int] | None, expected: dict[str, float]
) -> None:
    manifest = open_snapshot(home / "snapshot").manifest
    data = {"ontology_hash": manifest.ontology_hash, "as_of": manifest.as_of.isoformat()}
    reports.mkdir()
    report: dict[str, Any] = {"metrics": {"ndcg@20": 0.25}}
    if changed is not None:
        report["snapshot"] = {**data, "change_number": manifest.change_number, **changed}
    (reports / "evaluation.json").write_text(json.dumps(report), encoding="utf-8")
    assert shop.ask("{ model { metrics } }")["model"]["metrics"] == expected


NAMED = {
    "en-GB": ("All figures of this model", "Normalised discounted cumulative gain", "k is how many products"),
    "zh-CN": ("此模型的全部指标", "归一化折损累计增益", "k 是所看列表的长度"),
}


@pytest.mark.parametrize("language", NAMED)
def test_the_page_of_the_model_names_its_figures_in_full_where_there_are_any(
    shop: Client, home: Path, reports: Path, browser: Browser, language: str
) -> None:
    title, name, words = NAMED[language]
    figures = {"ndcg@20": 0.25, "ndcg@10": 0.125, "popularity@20": 50.916}
    manifest = open_snapshot(home / "snapshot").manifest
    data = {"ontology_hash": manifest.ontology_hash, "as_of": manifest.as_of.isoformat()}
    report = {"metrics": figures, "models": {"pathrec": figures}, "intervals": {}, "questions": 5, "notes": []}
    report |= {"readable_share": None, "snapshot": {**data, "change_number": manifest.change_number}}
    reports.mkdir()
    page = browser.new_page(locale=language)
    table = page.get_by_role("region", name=title)

    def show() -> None:
        (reports / "evaluation.json").write_text(json.dumps(report), encoding="utf-8")
        page.goto(f"{shop.url}/#/model")
        page.reload()
        expect(page.get_by_role("heading", level=2).nth(1)).to_be_visible()

    show()
    expect(table.get_by_role("columnheader")).to_contain_text(["", "k = 10", "k = 20"])
    expect(table.get_by_role("row").filter(has_text=name).get_by_role("cell")).to_have_text(["0.1250", "0.2500"])
    expect(table.get_by_role("row").filter(has_text="popularity@k").get_by_role("cell")).to_have_text(["–", "50.92"])
    expect(page.get_by_text(words)).to_be_visible()
    assert Axe().run(page).violations_count == 0
    report["snapshot"] = None
    show()
    expect(table).to_have_count(0)
    page.close()


def test_an_evaluation_of_a_snapshot_says_which(home: Path) -> None:
    found = pipeline.evaluate(pipeline.Question(home / "snapshot"), device="cpu", minutes=0.2)
    manifest = open_snapshot(home / "snapshot").manifest
    assert found["snapshot"]["ontology_hash"] == manifest.ontology_hash
    assert found["snapshot"]["change_number"] == manifest.change_number
    assert datetime.fromisoformat(found["snapshot"]["as_of"]) == manifest.as_of


def test_the_model_says_what_its_fitting_found(shop: Client) -> None:
    fit = shop.ask("{ model { fit } }")["model"]["fit"]
    assert set(fit["weights"]["CO_BUYER"]) == {"view", "cart", "purchase", "rating"}
    assert "CO_BUYER" in fit["adds"]

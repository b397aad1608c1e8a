"""The demo at full size, as a new user runs it, and on somebody's own file."""

import json
import random
from pathlib import Path

import httpx
import pytest

from api.child_server import ChildServer
from tests.support.commands import pathrec
from tests.support.demo_run import Demo
from tests.support.quick_training import short_training

# The first test to ask for the demo waits for all of it.
pytestmark = pytest.mark.timeout(900)

STAGES = [
    "generate",
    "start_store",
    "ingest",
    "embed",
    "export",
    "train",
    "evaluate",
    "publish",
    "serve",
    "first_answer",
]


def test_every_stage_is_measured(demo: Demo) -> None:
    assert list(demo.document["stages"]) == STAGES
    for stage in demo.document["stages"].values():
        assert stage["seconds"] >= 0
        assert stage["peak_memory_bytes"] > 10 * 2**20


def test_the_model_beats_both_baselines(demo: Demo) -> None:
    models = demo.document["metrics"]["models"]
    for baseline in ("popularity", "item-knn"):
        assert models["pathrec"]["recall@20"] > models[baseline]["recall@20"]


def test_the_first_answer_is_personal_and_explained(demo: Demo) -> None:
    first = demo.document["first_answer"]
    connection = first["answer"]["data"]["recommendations"]
    assert connection["strategy"] == "PERSONAL"
    assert len(connection["edges"]) == 3
    assert all(edge["explanation"]["contributions"] for edge in connection["edges"])
    assert first["query"] in demo.printed


def test_nothing_is_left_running(demo: Demo) -> None:
    assert demo.left_running == []


def test_versions_are_written_down(demo: Demo) -> None:
    assert demo.document["versions"]["pathrec"]
    assert None not in demo.document["versions"].values()


def test_pictures_of_recommended_products_are_served(demo_server: ChildServer) -> None:
    query = "{ recommendations(audience: {}, first: 5) { edges { node { image { url } } } } }"
    with httpx.Client(base_url=demo_server.url, trust_env=False) as client:
        edges = client.post("/graphql", json={"query": query}).json()["data"]["recommendations"]["edges"]
        for edge in edges:
            picture = client.get(edge["node"]["image"]["url"])
            assert picture.status_code == 200
            assert picture.headers["content-type"].startswith("image/")


def test_the_demo_takes_a_named_source(tmp_path: Path) -> None:
    source = ("--source", "online-retail", "--path", write_invoices(tmp_path / "sales.csv"))
    with short_training():
        done = pathrec("demo", "--once", *source, "--home", tmp_path / "home", "--json", tmp_path / "demo.json")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    assert document["first_answer"]["answer"]["data"]["recommendations"]["edges"]
    assert not (tmp_path / "home" / "demo-shop").exists()


def write_invoices(path: Path) -> Path:
    """Sixty customers who each buy mugs or lamps on four days of a hundred."""
    chance, lines = (
        random.Random(0),
        ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"],
    )
    for customer in range(60):
        kind = ("MUG", "LAMP")[customer % 2]
        for number, day in enumerate(sorted(chance.sample(range(100), 4))):
            date = f"2011-{6 + day // 30:02}-{1 + day % 30:02} 10:00:00"
            for product in chance.sample(range(10), 3):
                sold = f"{20_000 + 10 * (customer % 2) + product},{kind} {product},1,{date},2.5"
                lines.append(f"{500_000 + 10 * customer + number},{sold},{12_000 + customer}.0,France")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path

"""The demo at full size, as a new user runs it."""

import httpx
import pytest

from api.child_server import child_server
from api.settings import Settings
from tests.support.demo_run import Demo

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


def test_pictures_of_recommended_products_are_served(demo: Demo) -> None:
    query = "{ recommendations(audience: {}, first: 5) { edges { node { image { url } } } } }"
    with child_server(Settings(home=demo.home)) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        edges = client.post("/graphql", json={"query": query}).json()["data"]["recommendations"]["edges"]
        for edge in edges:
            picture = client.get(edge["node"]["image"]["url"])
            assert picture.status_code == 200
            assert picture.headers["content-type"].startswith("image/")

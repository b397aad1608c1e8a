"""The README's query and its answer, asked of the demo shop over HTTP."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.child_server import ChildServer
from tests.support.commands import pathrec
from tests.support.demo_run import Demo

pytestmark = pytest.mark.timeout(900)

README = Path(__file__).parents[1] / "README.md"
_EXAMPLE = re.compile(r"^```graphql\n(?P<query>.*?)^```\n.*?^```json\n(?P<answer>.*?)^```$", re.MULTILINE | re.DOTALL)
# Another processor rounds differently, and several hundred steps of fitting make a good part of a weight of that:
# words and their order are the same, numbers are only near (seeds differ by a third).
_NEAR = 0.5


def examples() -> list[tuple[str, Any]]:
    """Each query of the README with the answer that follows it."""
    text = README.read_text(encoding="utf-8")
    return [(match["query"], json.loads(match["answer"])) for match in _EXAMPLE.finditer(text)]


def test_the_readme_shows_a_query_and_its_answer() -> None:
    assert examples()


def test_the_readmes_queries_get_the_answers_that_it_shows(demo_server: ChildServer) -> None:
    for query, expected in examples():
        answer = httpx.post(f"{demo_server.url}/graphql", json={"query": query}, trust_env=False).json()
        assert_alike(answer, expected, "answer")
        assert_adds_up(answer)


def test_what_the_readme_shows_experts_and_jobs_runs_on_the_demo_shop(
    demo: Demo, demo_server: ChildServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(README.parent / "examples")
    monkeypatch.chdir(tmp_path)
    lines = commands("Experts and jobs")
    said = [pathrec(*shlex.split(line)[1:], PATHREC_HOME=str(demo.home)) for line in lines]
    assert [done.stderr for done in said if done.returncode] == []
    brands, why, preview, *_ = (done.stdout for done in said)
    assert "brand" in brands
    assert "reason" in why
    assert "lists would change" in preview
    assert {"examples", "shop.ttl", "job"} == {path.name for path in tmp_path.iterdir()}


def commands(heading: str) -> list[str]:
    """The commands of the README's block below a heading."""
    text = README.read_text(encoding="utf-8").partition(f"## {heading}\n```\n")[2].partition("```")[0]
    return text.splitlines()


def test_the_numbers_that_the_readme_shows_add_up() -> None:
    for _, answer in examples():
        assert_adds_up(answer)


def assert_adds_up(answer: Any) -> None:
    for edge in answer["data"]["recommendations"]["edges"]:
        why = edge["explanation"]
        parts = why["prior"], *(part["value"] for part in why["contributions"]), why["remainder"]["value"]
        assert sum(parts) == pytest.approx(edge["score"], rel=1e-6)


def assert_alike(found: Any, expected: Any, place: str) -> None:
    """Equal but for numbers with a point, which are near, and for how many small contributions are not listed."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), place
        assert found.keys() == expected.keys(), place
        for name, value in expected.items():
            assert_alike(found[name], value, f"{place}.{name}")
    elif isinstance(expected, list):
        assert isinstance(found, list), place
        assert len(found) == len(expected), place
        for number, value in enumerate(expected):
            assert_alike(found[number], value, f"{place}[{number}]")
    elif isinstance(expected, float) or place.endswith(".count"):
        assert found == pytest.approx(expected, rel=_NEAR, abs=0.3), place
    else:
        assert found == expected, place

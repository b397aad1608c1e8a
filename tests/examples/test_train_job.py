"""The training job of a stranger: it gets a snapshot and torch, torch-geometric and pyarrow, and nothing of ours."""

import json
import os
import random
import runpy
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from schema.remote import upload
from schema.snapshot import MANIFEST
from tests.support.small_shop import Event, SmallShop

JOB = Path(__file__).parents[2] / "examples" / "train_job"

WITHOUT_PATHREC = """
import runpy, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"api", "gnn", "graph", "ingestion", "schema"}:
            raise ImportError(f"{name}: there is no Pathrec on this machine")

sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four groups of products; each person buys from one of them, and more often what everybody buys of it."""
    chance = random.Random(0)
    events: list[Event] = []
    for user in range(80):
        group = range(user % 4 * 25, user % 4 * 25 + 25)
        bought = chance.sample(group, 12)
        events += [(user, product, "purchase", chance.random() * 100, f"b{user}") for product in bought]
        events += [(user, chance.choice(group), "view", chance.random() * 100, None)]
    edges = {"IN_CATEGORY": [(product, product // 25, 1.0) for product in range(100)]}
    shop = SmallShop(products=100, users=80, events=sorted(events, key=lambda event: event[3]), edges=edges)
    shop.nodes = {"Category": ["a", "b", "c", "d"]}
    path = tmp_path_factory.mktemp("job") / "snapshot"
    shop.write(path)
    return path


def test_it_learns_from_a_snapshot_without_pathrec(snapshot: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_PATHREC, JOB / "train.py", snapshot, "--steps", "60"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["last loss"] < figures["first loss"] / 2
    assert figures["recall@20"]["graph sage"] > figures["recall@20"]["popularity"] + 0.2


def test_it_reads_a_snapshot_from_object_storage(snapshot: Path, s3_bucket: str) -> None:
    read = runpy.run_path(str(JOB / "train.py"))["read"]
    upload(snapshot, f"{s3_bucket}/job", marker=MANIFEST)
    _, bought, held_out = read(f"{s3_bucket}/job")
    for here, there in zip((bought, held_out), read(str(snapshot))[1:], strict=True):
        assert here.tolist() == there.tolist()


def test_the_notebook_runs_to_its_end(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSHOT", str(snapshot))
    monkeypatch.setenv("STEPS", "20")
    notebook = nbformat.read(JOB / "train_job.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(JOB)}}).execute()
    last = "".join(output.get("text", "") for output in notebook.cells[-1]["outputs"])
    assert "graph sage" in last

"""`pathrec export` as a person or a job calls it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import networkx as nx
import pytest
import torch
from torch_geometric.data import HeteroData

from graph import Store
from schema.remote import snapshot_folder
from schema.snapshot import open_snapshot
from tests.graph.shop_tables import SHOP_EVENTS, events, fill, purchase
from tests.support.commands import pathrec
from tests.support.small_shop import SmallShop


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    shop = SmallShop(products=3, users=2, events=[(0, 1, "purchase", 1, "b"), (1, 1, "view", 2, None)])
    shop.write(tmp_path / "snapshot")
    return tmp_path / "snapshot"


def exported(*arguments: object) -> dict[str, object]:
    done = pathrec("export", *arguments, "--json", "-")
    assert done.returncode == 0, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_a_snapshot_becomes_hetero_data_that_torch_loads_without_running_any_code(
    snapshot: Path, tmp_path: Path
) -> None:
    exported(tmp_path / "shop.pt", "--format", "hetero", "--from", snapshot)
    data = HeteroData.from_dict(torch.load(tmp_path / "shop.pt", weights_only=True))
    assert data["Product"].num_nodes == 3
    assert data["User", "purchase", "Product"].edge_index.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("form", "name", "start"),
    [
        ("networkx", "shop.json", '{"directed": true'),
        ("graphml", "shop.graphml", "<?xml"),
        ("neo4j-csv", "shop/neo4j-admin.args", "database\nimport\nfull"),
        ("turtle", "shop.ttl", "@prefix"),
        ("ntriples", "shop.nt", "<"),
        ("jsonld", "shop.jsonld", ""),
        ("rdfxml", "shop.rdf", "<?xml"),
    ],
)
def test_a_snapshot_is_written_in_every_form(snapshot: Path, tmp_path: Path, form: str, name: str, start: str) -> None:
    out = tmp_path / name.split("/")[0]
    exported(out, "--format", form, "--from", snapshot)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([out.name, "snapshot"])


def test_rdf_has_the_base_of_the_shop(snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHREC_RDF_BASE", "https://shop.example/")
    exported(tmp_path / "shop.nt", "--format", "ntriples", "--from", snapshot)
    assert "<https://shop.example/" in (tmp_path / "shop.nt").read_text(encoding="utf-8")


def test_the_graph_is_written_in_another_form(embedded_store: Store, tmp_path: Path) -> None:
    fill(embedded_store)
    said = exported(tmp_path / "shop.graphml", "--format", "graphml", "--store", embedded_store.url)
    assert said["events"] == len(SHOP_EVENTS)
    graph = nx.read_graphml(tmp_path / "shop.graphml", force_multigraph=True)
    assert "Category:kitchen" in graph["Product:tea"]
    assert [path.name for path in tmp_path.iterdir()] == ["shop.graphml"]


def test_a_graph_goes_to_object_storage_and_is_followed_from_there(embedded_store: Store) -> None:
    fill(embedded_store)
    address = f"memory://{uuid4().hex}/snapshot"
    exported(address, "--store", embedded_store.url)
    embedded_store.load_events(events(purchase("n1", "ann", "tea", 30)))
    said = exported(address, "--store", embedded_store.url, "--since", address)
    assert said["since"] is not None
    with snapshot_folder(address) as folder:
        assert open_snapshot(folder).events()["id"].to_pylist()[-1] == "n1"


def test_a_point_in_time_is_written(embedded_store: Store, tmp_path: Path) -> None:
    fill(embedded_store)
    place = tmp_path / "then"
    said = exported(place, "--store", embedded_store.url, "--as-of", "2024-01-01T00:03:00")
    assert said["events"] == 4
    assert said["until"] == "2024-01-01T00:03:00Z"


def test_an_export_that_is_killed_leaves_nothing_under_the_name_and_the_next_one_works(
    embedded_store: Store, tmp_path: Path
) -> None:
    fill(embedded_store)
    command = [sys.executable, "-m", "api.cli", "export", str(tmp_path / "snapshot"), "--store", embedded_store.url]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not (left := list(tmp_path.glob(".snapshot.*"))):
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "snapshot").exists()
    assert left[0].is_dir()
    exported(tmp_path / "snapshot", "--store", embedded_store.url)
    assert open_snapshot(tmp_path / "snapshot").manifest.events == len(SHOP_EVENTS)
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--format", "parquet", "--from", "s"), 1, "no format parquet; .* neo4j-csv"),
        (("--as-of", "yesterday"), 1, "yesterday: is no moment"),
        (("--from", "s", "--since", "t"), 2, "--from needs no graph"),
        (("--from", "s"), 1, "s: no snapshot here"),
    ],
)
def test_what_cannot_be_exported_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = pathrec("export", "out", *arguments)
    assert done.returncode == code
    assert re.search(says, " ".join(done.stderr.split()))
    assert list(tmp_path.iterdir()) == []


def test_training_says_where_there_is_no_snapshot(tmp_path: Path) -> None:
    done = pathrec("train", "memory://nowhere", "--out", tmp_path / "model")
    assert done.returncode == 1
    assert "memory://nowhere: no snapshot here; make one with `pathrec export memory://nowhere`" in done.stderr

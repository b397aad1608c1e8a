"""Commands as a person or a script runs them: a small shop, a real store, and real processes where they matter."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from api.child_server import ChildServer
from api.settings import Settings
from graph import connect
from tests.support.commands import NO_ENCODERS, encoderless_server, pathrec, pathrec_apart
from tests.support.quick_training import quick_training, short_training
from tests.support.shop_files import write_shop

pytestmark = pytest.mark.timeout(600)


# polars takes SIGINT over at its first query; whoever waits for a server must notice Ctrl-C all the same.
WAIT_FOR_A_SERVER = """
import sys
from pathlib import Path
import polars
from api.child_server import child_server
from api.settings import Settings
from graph import connect

polars.DataFrame({"a": [1]}).lazy().select("a").collect()
with child_server(Settings(home=Path(sys.argv[1]))) as server:
    print(server.process.pid, flush=True)
    server.wait()
"""


@dataclass
class Built:
    """A home in which every command of the way from files to a model was run."""

    home: Path
    mapping: Path
    snapshot: Path
    artifact: Path
    said: dict[str, Any] = field(default_factory=dict)

    def run(self, name: str, *arguments: object) -> None:
        done = pathrec(name, *arguments, "--json", "-")
        assert done.returncode == 0, done.stderr
        self.said[name] = json.loads(done.stdout)


def write_split(folder: Path) -> Path:
    """A LightGCN folder in which everybody likes a quarter of the products; one of theirs is held out."""
    folder.mkdir()
    chance = random.Random(0)
    liked = {user: chance.sample(range(user % 4, 40, 4), 6) for user in range(60)}
    for name, part in (("train.txt", slice(1, None)), ("test.txt", slice(1))):
        lines = [" ".join(map(str, [user, *products[part]])) for user, products in liked.items()]
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def documented_keys(command: str) -> list[str]:
    """First cells of the table of a command's JSON document."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    section = page.partition(f"## `pathrec {command}`\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (`.+?`) \|", section, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("built")
    shop = Built(folder / "home", write_shop(folder / "shop"), folder / "snapshot", folder / "artifact")
    with connect(f"embedded:{shop.home / 'graph'}"):  # holds the engine, so that each command does not start it anew
        shop.run("ingest", shop.mapping, "--home", shop.home)
        shop.run("embed", "--home", shop.home)
        shop.run("export", shop.snapshot, "--home", shop.home)
        with short_training():
            shop.run("train", shop.snapshot, "--out", shop.artifact)
            shop.run("evaluate", shop.snapshot)
        shop.run("publish", shop.artifact, "--home", shop.home)
        yield shop


@pytest.fixture(scope="module")
def served(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildServer]:
    """A server over what was built, started in a folder in which an `api.py` lies that is not ours."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "api.py").write_text("raise SystemExit(3)", encoding="utf-8")
    with ExitStack() as stack:
        with chdir(folder):
            server = stack.enter_context(encoderless_server(Settings(home=built.home)))
        yield server


def test_each_stage_says_in_json_what_it_did(built: Built) -> None:
    said = built.said
    assert said["ingest"]["events"] == {"written": 3000, "existing": 0}
    assert said["embed"]["text"]["written"] == {"Product": 100}
    assert said["embed"]["image"]["rejected"] == {"Product": 1}
    assert said["export"]["events"] == 3000
    assert said["train"]["change_number"] == said["export"]["change_number"]
    assert said["publish"] == {"served": said["train"]["model_version"], "previous": []}


def test_labels_are_predicted_judged_and_left_alone_afterwards(built: Built, tmp_path: Path) -> None:
    examples = tmp_path / "examples.csv"
    rows = [f"p{n},{('tea', 'coffee', 'garden', 'paper', 'candle')[n % 5]}" for n in range(1, 41)]
    examples.write_text("product,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    labelling = ("label", "--relation", "HAS_FEATURE", "--attribute", "theme", "--examples", examples)
    options = ("--minimum-confidence", 0.5, "--home", built.home, "--json", "-")
    said = json.loads(pathrec(*labelling, *options).stdout)
    assert said["counts"]["written"] > 80
    assert set(said) == set(re.findall(r"`(\w+)`", "".join(documented_keys("label"))))
    judged = pathrec("judge", "p97", "theme-garden", "--relation", "HAS_FEATURE", "--reject", "--home", built.home)
    assert (judged.returncode, judged.stdout) == (0, "p97 HAS_FEATURE theme-garden: rejected\n")
    again = json.loads(pathrec(*labelling, *options).stdout)["counts"]
    assert (again["written"], again["rejected"]) == (0, 1)
    twice = pathrec("judge", "p97", "theme-garden", "--relation", "HAS_FEATURE", "--reject", "--home", built.home)
    assert twice.returncode == 1 and "has no label theme-garden" in twice.stderr


def test_labels_need_examples_or_names(built: Built) -> None:
    done = pathrec("label", "--relation", "HAS_FEATURE", "--home", built.home)
    assert done.returncode == 1 and "give one of them" in done.stderr


def test_the_model_finds_the_planted_tastes(built: Built) -> None:
    models = built.said["evaluate"]["models"]
    assert set(models) == {"pathrec", "popularity", "item-knn"}
    assert models["pathrec"]["recall@20"] > models["popularity"]["recall@20"]


def test_a_recommendation_is_the_sum_of_its_parts(built: Built) -> None:
    done = pathrec("recommend", "u7", "--explain", "--first", 5, "--home", built.home, "--json", "-")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["strategy"] == "PERSONAL"
    assert [row["rank"] for row in answer["recommendations"]] == [1, 2, 3, 4, 5]
    for row in answer["recommendations"]:
        why = row["explanation"]
        parts = [part["value"] for part in why["contributions"]] + [why["remainder"]["value"]]
        assert row["score"] == pytest.approx(why["prior"] + sum(parts), abs=1e-5 * sum(map(abs, parts)))
        assert all(part["text"] for part in why["contributions"])


def test_the_server_gives_the_same_list_as_the_command(built: Built, served: ChildServer) -> None:
    offline = json.loads(pathrec("recommend", "u7", "--home", built.home, "--json", "-").stdout)
    query = '{ recommendations(audience: {userId: "u7"}, first: 10) { edges { score node { productId } } } }'
    answer = httpx.post(f"{served.url}/graphql", json={"query": query}, timeout=60, trust_env=False).json()
    edges = answer["data"]["recommendations"]["edges"]
    assert [edge["node"]["productId"] for edge in edges] == [r["product_id"] for r in offline["recommendations"]]
    assert [edge["score"] for edge in edges] == pytest.approx(
        [r["score"] for r in offline["recommendations"]], rel=1e-3
    )


def test_somebody_unknown_gets_a_labelled_answer(built: Built) -> None:
    done = pathrec("recommend", "nobody-of-this-name", "--home", built.home)
    assert done.returncode == 0
    assert done.stdout.startswith("POPULAR, model ")
    assert len(done.stdout.splitlines()) == 11


def test_another_artifact_is_used_when_it_is_named(built: Built, tmp_path: Path) -> None:
    missing = pathrec("recommend", "u7", "--home", built.home, "--artifact", tmp_path)
    assert missing.returncode == 1
    assert "no artifact here" in missing.stderr
    named = pathrec("recommend", "u7", "--home", built.home, "--artifact", built.artifact)
    assert named.returncode == 0


def test_settings_come_from_the_environment_too(built: Built) -> None:
    done = pathrec_apart("recommend", "u7", PATHREC_HOME=str(built.home))
    assert done.returncode == 0
    assert done.stdout.startswith("PERSONAL")


def test_the_json_file_appears_complete(built: Built, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "answer.json"
    done = pathrec("recommend", "u7", "--home", built.home, "--json", file)
    assert done.returncode == 0
    assert json.loads(file.read_text())["user"] == "u7"
    assert done.stdout.startswith("PERSONAL")


def test_a_json_file_that_cannot_be_written_is_a_failure(built: Built) -> None:
    done = pathrec("recommend", "u7", "--home", built.home, "--json", "/dev/null/answer.json")
    assert done.returncode == 1
    assert "/dev/null/answer.json: cannot be written" in done.stderr


def test_the_server_process_has_not_loaded_torch(served: ChildServer) -> None:
    mapped = Path(f"/proc/{served.process.pid}/maps").read_text()
    assert "numpy" in mapped
    assert "torch" not in mapped


def test_nothing_in_the_working_folder_shadows_the_server(served: ChildServer) -> None:
    assert (Path(psutil.Process(served.process.pid).cwd()) / "api.py").is_file()
    assert httpx.get(f"{served.url}/readyz", trust_env=False).status_code == 200


def test_several_workers_answer_on_one_port(built: Built) -> None:
    with encoderless_server(Settings(home=built.home, workers=2)) as server:
        answers = [httpx.get(f"{server.url}/readyz", trust_env=False).status_code for _ in range(10)]
        names = [name for child in psutil.Process(server.process.pid).children() for name in child.cmdline()]
    assert answers == [200] * 10
    assert sum("spawn_main" in name for name in names) == 2


def test_a_server_that_is_interrupted_says_so(built: Built) -> None:
    with encoderless_server(Settings(home=built.home)) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 130


def test_ctrl_c_ends_the_server_that_the_demo_waits_for(built: Built) -> None:
    command = [sys.executable, "-c", WAIT_FOR_A_SERVER, str(built.home)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes, text=True, env={**os.environ, **NO_ENCODERS}) as waiting:
        assert waiting.stdout is not None
        server = int(waiting.stdout.readline())
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(30) == -signal.SIGINT
    assert not psutil.pid_exists(server)


def test_a_server_starts_while_nothing_is_published_and_says_that_it_cannot_answer(tmp_path: Path) -> None:
    announced = tmp_path / "server.json"
    command = [
        sys.executable,
        "-m",
        "api.cli",
        "serve",
        "--port",
        "0",
        "--home",
        str(tmp_path),
        "--json",
        str(announced),
    ]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(command, **silent, env={**os.environ, **NO_ENCODERS})
    try:
        answer = _first_response(announced, "/readyz")
        assert answer.status_code == 503
        assert "pathrec publish" in json.dumps(answer.json())
    finally:
        running.terminate()
        running.wait(30)


def test_a_taken_port_is_named(built: Built) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = pathrec("serve", "--home", built.home, "--port", port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}: cannot listen there" in done.stderr


def test_an_address_that_others_can_reach_is_refused(built: Built) -> None:
    done = pathrec("serve", "--home", built.home, "--host", "0.0.0.0")  # noqa: S104
    assert done.returncode == 1
    assert "there are no keys yet" in done.stderr


def test_the_doctor_finds_a_built_shop_in_order(built: Built) -> None:
    done = pathrec("doctor", "--home", built.home, "--json", "-")
    assert done.returncode == 0, done.stderr
    findings = {found["subject"]: found for found in json.loads(done.stdout)["findings"]}
    assert findings["store"]["state"] == findings["model"]["state"] == findings["changes"]["state"] == "ok"


@pytest.mark.parametrize(
    "command",
    [
        ["ingest"],
        ["nonsense"],
        ["train", "snapshot"],
        ["evaluate", "snapshot", "--k", "ten"],
        ["recommend", "u", "--first", "0"],
    ],
)
def test_wrong_usage_has_an_exit_code_of_its_own(command: list[str]) -> None:
    assert pathrec(*command).returncode == 2


def test_a_failure_is_one_block_without_a_traceback(tmp_path: Path) -> None:
    done = pathrec_apart("train", tmp_path / "nowhere", "--out", tmp_path / "model", "--json", "-")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("pathrec: ")
    assert "pathrec export" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists()


def test_a_public_split_is_measured_at_the_lengths_that_are_asked_for(tmp_path: Path) -> None:
    split = write_split(tmp_path / "split")
    with short_training():
        done = pathrec("evaluate", split, "--k", 5, "--curve", "--json", "-")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert {"recall@5", "ndcg@5"} <= set(figures["metrics"])
    assert {name.partition("@")[2] for name in figures["metrics"]} == {"5"}
    models = figures["models"]
    assert set(models) == {"pathrec", "popularity", "item-knn"}
    assert models["pathrec"]["recall@5"] > models["popularity"]["recall@5"]
    assert set(figures) == set(re.findall(r"`(\w+)`", "".join(documented_keys("evaluate"))))


def test_a_folder_of_no_known_format_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("no data", encoding="utf-8")
    done = pathrec("evaluate", tmp_path, "--json", "-")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{tmp_path}: is of no known format" in done.stderr
    assert "lightgcn: train.txt, test.txt" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("wrong", "meant"), [("lightgc", "lightgcn"), ("snapshop", "snapshot")])
def test_an_unknown_format_gets_the_likely_spelling(tmp_path: Path, wrong: str, meant: str) -> None:
    done = pathrec("evaluate", write_split(tmp_path / "split"), "--format", wrong)
    assert done.returncode == 1
    assert f"no format {wrong}" in done.stderr
    assert f"Did you mean {meant}?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_is_down_is_named(tmp_path: Path, built: Built) -> None:
    done = pathrec("ingest", built.mapping, "--home", tmp_path, "--store", "bolt://127.0.0.1:1")
    assert done.returncode == 1
    assert "bolt://127.0.0.1:1" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_no_store_is_named(built: Built) -> None:
    done = pathrec("export", "out", "--store", "http://127.0.0.1")
    assert done.returncode == 1
    assert "embedded:PATH, bolt://HOST:PORT or neo4j://HOST:PORT" in done.stderr


def test_a_missing_column_is_named_and_nothing_is_loaded(tmp_path: Path) -> None:
    mapping = write_shop(tmp_path / "shop")
    mapping.write_text(mapping.read_text().replace("price: {type: float}", "price: {column: cost, type: float}"))
    done = pathrec("ingest", mapping, "--home", tmp_path / "home")
    assert done.returncode == 1
    assert 'no column "cost" in products.csv' in done.stderr
    assert not (tmp_path / "home" / "quarantine").exists()


def test_a_folder_that_is_not_a_snapshot_is_never_replaced(built: Built, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("keep me", encoding="utf-8")
    done = pathrec("export", tmp_path, "--home", built.home)
    assert done.returncode == 1
    assert "is not one of ours" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["precious.txt"]


def test_source_and_path_of_the_demo_belong_together(tmp_path: Path) -> None:
    done = pathrec("demo", "--source", "online-retail", "--home", tmp_path / "home")
    assert done.returncode == 1
    assert "--source and --path belong together" in done.stderr
    assert not (tmp_path / "home").exists()


def test_the_demo_leaves_another_shop_alone(built: Built) -> None:
    # A source of its own, since a shop would be drawn up first, which takes long.
    done = pathrec("demo", "--once", "--source", "online-retail", "--path", built.mapping, "--home", built.home)
    assert done.returncode == 1
    assert "holds products that this demo did not load" in done.stderr


def test_rolling_back_says_what_is_served_now_and_what_was_before(built: Built) -> None:
    first = built.said["train"]["model_version"]
    with quick_training():
        built.run("train", built.snapshot, "--out", built.artifact.with_name("second"), "--budget", 0.1)
    built.run("publish", built.artifact.with_name("second"), "--home", built.home)
    assert built.said["publish"]["previous"] == [first]
    built.run("rollback", "--home", built.home)
    assert built.said["rollback"] == {"served": first, "previous": []}
    done = pathrec("rollback", "--home", built.home)
    assert done.returncode == 1
    assert "no model was served before this one" in done.stderr


def _first_response(announced: Path, path: str) -> httpx.Response:
    transport = httpx.HTTPTransport(retries=20)
    for _ in range(600):
        if announced.is_file():
            url = json.loads(announced.read_text())["url"]
            with httpx.Client(transport=transport, timeout=60, trust_env=False) as client:
                return client.get(url + path)
        time.sleep(0.1)
    raise AssertionError("the server did not announce itself")

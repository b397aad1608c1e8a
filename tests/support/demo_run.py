"""A pytest plugin: the demo, run once as a new user runs it, for all tests that need a real shop."""

import gzip
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest

from api.child_server import ChildServer
from api.settings import Settings
from graph import connect
from tests.support.commands import encoderless_server, pathrec_apart

INVOICE_LINES = 60_000


@dataclass(frozen=True)
class Demo:
    """What `pathrec demo --once` left behind, and what it said."""

    home: Path
    document: dict[str, Any]
    printed: str
    left_running: list[str]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo at full size; its first user waits for minutes."""
    return _run_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def demo_server(demo: Demo) -> Iterator[ChildServer]:
    """A server over the shop of the demo."""
    with encoderless_server(Settings(home=demo.home)) as server:
        yield server


@pytest.fixture(scope="session")
def retail_home(tmp_path_factory: pytest.TempPathFactory, data_folder: Callable[[str], Path]) -> Path:
    """A home with a model of a real shop's first months of invoices, made with the commands of the README.

    A short training makes a model of all its parts; how good its lists are is not what it is here for. The whole
    file is read by the tests of its mapping.
    """
    folder = tmp_path_factory.mktemp("retail")
    file = _first_lines(data_folder("online_retail") / "online_retail.csv.gz", folder / "invoices.csv")
    with connect(f"embedded:{folder / 'home' / 'graph'}"):  # holds the engine, which each command would start anew
        _pathrec(folder, "ingest", "online-retail", str(file), "--home", "home")
        _pathrec(folder, "embed", "--home", "home")
        _pathrec(folder, "export", "home/snapshot", "--home", "home")
        _pathrec(folder, "train", "home/snapshot", "--out", "model", "--budget", "0.3")
        _pathrec(folder, "publish", "model", "--home", "home")
    return folder / "home"


def _first_lines(packed: Path, file: Path) -> Path:
    with gzip.open(packed, "rt", encoding="utf-8") as lines, file.open("w", encoding="utf-8") as begun:
        begun.writelines(islice(lines, INVOICE_LINES))
    return file


def _run_demo(folder: Path) -> Demo:
    """Runs the demo in a folder; it must succeed."""
    done = _pathrec(folder, "demo", "--once", "--home", "home", "--json", "demo.json")
    document = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    return Demo(folder / "home", document, done.stdout, _left_running(folder))


def _pathrec(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = pathrec_apart(*arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done


def _left_running(folder: Path) -> list[str]:
    """Command lines of processes that work in a folder; the engine ends a moment after its last client."""
    deadline = time.monotonic() + 10
    while found := _processes_in(folder):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return found


def _processes_in(folder: Path) -> list[str]:
    running = [process.info for process in psutil.process_iter(["cmdline", "cwd"])]
    return [" ".join(info["cmdline"] or ()) for info in running if info["cwd"] == str(folder)]

"""What another machine relies on: import names, walls between the rooms, commands and their documentation."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("schema", "graph", "ingestion", "gnn", "api")
COMMANDS = (
    "demo",
    "ingest",
    "embed",
    "label",
    "judge",
    "export",
    "finetune-text",
    "train",
    "evaluate",
    "recommend",
    "publish",
    "rollback",
    "serve",
    "key",
    "doctor",
)
DOCUMENT = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
EVERYWHERE = {"--help", "--home", "--store", "--artifact", "--json"}

IMPORT_WITHOUT = """
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in REFUSED:
            raise ImportError(f"{name} is refused in this test")

REFUSED = set(sys.argv[2].split(","))
sys.meta_path.insert(0, Refuse())
importlib.import_module(sys.argv[1])
print(*sorted(REFUSED & {name.split(".")[0] for name in sys.modules}))
"""


def imported_without(module: str, *refused: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_WITHOUT, module, ",".join(refused)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def help_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "NO_COLOR": "1"},
    )
    return done.stdout


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    return {name: help_of(name) for name in COMMANDS}


def section(command: str) -> str:
    _, _, rest = DOCUMENT.partition(f"## `pathrec {command}`\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_an_import_name_belongs_to_our_distribution_alone(room: str) -> None:
    assert set(packages_distributions().get(room, ["pathrec"])) == {"pathrec"}


@pytest.mark.parametrize("room", ROOMS)
def test_an_import_name_leads_to_this_project(room: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import {room}; print({room}.__file__)"], capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).parent == ROOT / room
    assert (ROOT / room / "py.typed").is_file()


def test_the_model_trains_without_database_and_server() -> None:
    imported_without("gnn", "neo4j", "fastapi", "strawberry", "arcadedb_embedded", "polars")
    imported_without("gnn.train", "neo4j", "fastapi", "strawberry", "arcadedb_embedded", "polars")


@pytest.mark.parametrize("module", ["gnn.scoring", "gnn.explain", "gnn.artifact", "gnn.overlay"])
def test_scoring_needs_no_torch(module: str) -> None:
    imported_without(module, "torch", "torch_geometric", "neo4j")


def test_the_server_needs_no_torch() -> None:
    imported_without("api.app", "torch", "torch_geometric", "transformers")
    imported_without("api.server", "torch", "torch_geometric", "transformers")


def test_the_command_line_starts_without_anything_heavy() -> None:
    imported_without("api.cli", "torch", "transformers", "neo4j", "polars", "fastapi", "strawberry", "scipy")


def test_the_command_line_has_the_documented_commands_and_no_others() -> None:
    documented = re.findall(r"^## `pathrec ([\w-]+)`$", DOCUMENT, flags=re.MULTILINE)
    offered = re.findall(r"^│ ([\w-]+) ", help_of().partition("─ Commands ─")[2], flags=re.MULTILINE)
    assert sorted(documented) == sorted(offered) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_an_example_in_its_help(helps: dict[str, str], command: str) -> None:
    assert f"Example: pathrec {command}" in helps[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_writes_json(helps: dict[str, str], command: str) -> None:
    assert "--json" in helps[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented(helps: dict[str, str], command: str) -> None:
    # A choice of two, such as --accept and --reject, is one line.
    lines = re.findall(r"^│ \*? *(--[a-z-]+)(?: +(--[a-z-]+))?", helps[command], flags=re.MULTILINE)
    offered = {option for line in lines for option in line if option}
    own = offered - EVERYWHERE
    assert own == {option for option in own if f"`{option}" in section(command)}
    assert set(re.findall(r"(--[a-z-]+)", section(command))) <= offered | {"--home"}
    assert f"    pathrec {command}" in section(command)


def test_options_that_are_the_same_everywhere_are_documented_once() -> None:
    table = DOCUMENT.partition("## What is the same everywhere")[2].partition("\n## ")[0]
    assert all(f"| `{option}` |" in table for option in EVERYWHERE)

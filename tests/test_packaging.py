"""What another machine relies on: import names, walls between the rooms, commands and their documentation."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
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
    "knowledge",
    "export",
    "rdf",
    "finetune-text",
    "train",
    "evaluate",
    "recommend",
    "publish",
    "rollback",
    "serve",
    "key",
    "queries",
    "cypher",
    "analyse",
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
for module in sys.argv[1].split(","):
    importlib.import_module(module)
print(*sorted(REFUSED & {name.split(".")[0] for name in sys.modules}))
"""

# One process for all: most of what each takes is to start.
ALL_HELP = """
import contextlib, io, json, sys
from api.cli import app

def help_of(*command):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        app([*command, "--help"], prog_name="pathrec")
    return said.getvalue()

print(json.dumps({"": help_of()} | {command: help_of(command) for command in sys.argv[1:]}))
"""


def imported_without(modules: Sequence[str], *refused: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_WITHOUT, ",".join(modules), ",".join(refused)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What `pathrec --help` says, under an empty name, and what the help of each command says."""
    done = subprocess.run(
        [sys.executable, "-c", ALL_HELP, *COMMANDS],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200", "NO_COLOR": "1"},
    )
    return dict(json.loads(done.stdout))


def section(command: str) -> str:
    _, _, rest = DOCUMENT.partition(f"## `pathrec {command}`\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_an_import_name_belongs_to_our_distribution_alone(room: str) -> None:
    assert set(packages_distributions().get(room, ["pathrec"])) == {"pathrec"}


@pytest.mark.parametrize("room", ROOMS)
def test_an_import_name_leads_to_this_project(room: str) -> None:
    code = f"from importlib.util import find_spec; print(find_spec({room!r}).origin)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).parent == ROOT / room
    assert (ROOT / room / "py.typed").is_file()


def test_the_model_trains_without_database_and_server() -> None:
    imported_without(["gnn", "gnn.train"], "neo4j", "fastapi", "strawberry", "arcadedb_embedded", "polars")


def test_scoring_needs_no_torch() -> None:
    modules = ["gnn.scoring", "gnn.explain", "gnn.artifact", "gnn.overlay"]
    imported_without(modules, "torch", "torch_geometric", "neo4j")


def test_the_server_needs_no_torch_and_loads_faiss_for_large_shops_only() -> None:
    imported_without(["api.app", "api.server"], "torch", "torch_geometric", "transformers", "faiss")


def test_the_command_line_starts_without_anything_heavy() -> None:
    imported_without(["api.cli"], "torch", "transformers", "neo4j", "polars", "fastapi", "strawberry", "scipy")


def test_the_command_line_has_the_documented_commands_and_no_others(helps: dict[str, str]) -> None:
    documented = re.findall(r"^## `pathrec ([\w-]+)`$", DOCUMENT, flags=re.MULTILINE)
    offered = re.findall(r"^│ ([\w-]+) ", helps[""].partition("─ Commands ─")[2], flags=re.MULTILINE)
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

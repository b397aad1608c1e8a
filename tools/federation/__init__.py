"""Apollo's own composition of subgraphs, fetched with npm and run with Node.

For tests alone: nothing of it is part of the package. The library has the Elastic License 2.0.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schema.errors import PathrecError
from schema.files import replacing_folder

HERE = Path(__file__).parent
COMPOSER = HERE / ".composer"
FILES = ("package.json", "package-lock.json", "compose.mjs")


class MissingComposerError(PathrecError):
    """Nothing can be composed here: no Node, or no way to the packages."""


@dataclass(frozen=True)
class Composed:
    """A supergraph, None where the subgraphs do not go together, and why not."""

    supergraph: str | None
    errors: tuple[str, ...]


def composed(subgraphs: Mapping[str, str]) -> Composed:
    """The supergraph of some subgraphs, name -> schema; the library is fetched the first time.

    Raises:
        MissingComposerError: it cannot be had; the message says what to install.
    """
    node = shutil.which("node")
    if node is None:
        raise MissingComposerError("subgraphs are composed with Node; install it so that node is in PATH")
    if not _fetched():
        _fetch()
    given = json.dumps([{"name": name, "sdl": sdl} for name, sdl in subgraphs.items()])
    answer = json.loads(_run("composing subgraphs", [node, COMPOSER / "compose.mjs"], given))
    return Composed(answer["supergraph"], tuple(answer["errors"]))


def _fetched() -> bool:
    """Whether what is there was made of the files as they are now."""
    return all((COMPOSER / name).is_file() and _same(name) for name in FILES)


def _same(name: str) -> bool:
    return (COMPOSER / name).read_bytes() == (HERE / name).read_bytes()


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingComposerError("Apollo's composition is fetched with npm; install it so that npm is in PATH")
    with replacing_folder(COMPOSER, marker="package.json") as aside:
        for name in FILES:
            shutil.copy(HERE / name, aside / name)
        _run("fetching Apollo's composition", [npm, "ci", "--prefix", aside, "--no-audit", "--no-fund"])


def _run(what: str, command: list[str | Path], given: str | None = None) -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    if done.returncode:
        raise MissingComposerError(f"{what} failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout

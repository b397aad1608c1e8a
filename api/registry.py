"""Which model is served: published artifacts under `<home>/models`, and the pointer `served.json`.

The pointer is replaced by one rename, so a server reads the old model or the new one, never a
mixture. Everything that changes the folder holds its lock, so that two commands cannot interleave.
"""

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gnn.artifact import load_artifact
from schema.errors import PathrecError
from schema.files import WriteError, replacing_file, replacing_folder

KEPT = 5
_MARKER = "manifest.json"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RegistryError(PathrecError):
    """A model cannot be published, rolled back to, or found."""


class Served(BaseModel):
    """What `served.json` says: the version served now, and those before it, newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str
    previous: tuple[str, ...] = ()


def models_folder(home: Path) -> Path:
    """Where published models are."""
    return home / "models"


def model_folder(home: Path, version: str) -> Path:
    """Where one published model is."""
    return models_folder(home) / version


def served_file(home: Path) -> Path:
    """The pointer that servers watch."""
    return models_folder(home) / "served.json"


def read_served(home: Path) -> Served | None:
    """The pointer's content; None if nothing was published yet.

    Raises:
        RegistryError: the file is damaged.
    """
    file = served_file(home)
    try:
        return Served.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RegistryError(
            f"{file}: cannot be read as the pointer to the served model; publish a model again"
            f" after removing it ({error.__class__.__name__})"
        ) from error


def served(home: Path) -> Path | None:
    """The folder of the model that is served now; None if nothing was published yet."""
    pointer = read_served(home)
    return model_folder(home, pointer.current) if pointer else None


def published(home: Path) -> list[Path]:
    """Every model folder there is, served or not."""
    return sorted(file.parent for file in models_folder(home).glob(f"[!.]*/{_MARKER}"))


def publish(home: Path, artifact: Path) -> str:
    """Copies a verified artifact to the published models and points servers at it.

    Nothing changes unless the whole artifact arrived and reads back. Publishing what is served
    already changes nothing.

    Returns:
        The model's version.

    Raises:
        ArtifactError: the artifact is absent or damaged.
        RegistryError: its version cannot name a folder.
        WriteError: no space, or no right to write.
    """
    version = _checked_version(artifact)
    with locked(home):
        target = model_folder(home, version)
        if artifact.absolute() != target.absolute():
            _copy(artifact, target)
        _serve(home, _after_publishing(read_served(home), version))
        _prune(home)
    return version


def rollback(home: Path) -> str:
    """Points servers at the model that was served before the current one.

    Returns:
        The version that is served now.

    Raises:
        RegistryError: there is none before, or its folder is gone.
        ArtifactError: it is damaged.
    """
    with locked(home):
        now = read_served(home)
        if now is None or not now.previous:
            raise RegistryError(f"{served_file(home)}: no model was served before this one; publish one instead")
        version = now.previous[0]
        load_artifact(model_folder(home, version))
        _serve(home, Served(current=version, previous=now.previous[1:]))
    return version


def _checked_version(artifact: Path) -> str:
    version = load_artifact(artifact).manifest.model_version
    if not _VERSION.fullmatch(version):
        raise RegistryError(f"{artifact}: model version {version!r} cannot name a folder; train the model again")
    return version


def _copy(artifact: Path, target: Path) -> None:
    with replacing_folder(target, marker=_MARKER) as aside:
        shutil.copytree(artifact, aside, dirs_exist_ok=True)
        load_artifact(aside)


def _after_publishing(now: Served | None, version: str) -> Served:
    if now is None:
        return Served(current=version)
    before = [known for known in (now.current, *now.previous) if known != version]
    return Served(current=version, previous=tuple(before[: KEPT - 1]))


def _serve(home: Path, pointer: Served) -> None:
    with replacing_file(served_file(home)) as aside:
        aside.write_text(pointer.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _prune(home: Path) -> None:
    pointer = read_served(home)
    wanted = {pointer.current, *pointer.previous} if pointer else set()
    for folder in published(home):
        if folder.name not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Held by whoever changes published models: publishing, rolling back, erasing people from them."""
    file = models_folder(home) / ".lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("a")
    except OSError as error:
        raise WriteError(f"{file}: cannot be written ({error.strerror}); name a --home you may write to") from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

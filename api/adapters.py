"""Which adapter of the text encoder a shop uses: the one that its texts were last encoded with.

Adapters are kept under `<home>/adapters`, and `current.json` names the one in use. `embed` writes it when the last
vector is stored, so that a server encodes new texts as the stored ones were.
"""

import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ingestion.encoders.adapter import CONFIG, AdapterError, open_adapter
from schema.files import replacing_file, replacing_folder

KEPT = 5
_NAME = 16  # digits of a version that name its folder


class Current(BaseModel):
    """What `current.json` says: the adapter in use, if any, and those before it, newest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str | None = None
    previous: tuple[str, ...] = ()


def adapters_folder(home: Path) -> Path:
    """Where a shop's adapters are."""
    return home / "adapters"


def in_use(home: Path) -> Path | None:
    """The folder of the adapter in use; None if the shop's texts are encoded without one.

    Raises:
        AdapterError: the pointer is damaged.
    """
    name = _read(home).current
    return adapters_folder(home) / name if name else None


def use(home: Path, adapter: Path | None) -> None:
    """Makes a verified copy of an adapter the one in use, or none.

    Raises:
        AdapterError: it is absent or damaged.
        WriteError: no space, or no right to write.
    """
    before = _read(home)
    name = None if adapter is None else open_adapter(adapter).version[:_NAME]
    if name == before.current:
        return
    if adapter is not None and name is not None:
        _copy(adapter, adapters_folder(home) / name)
    known = [old for old in (before.current, *before.previous) if old and old != name]
    _write(home, Current(current=name, previous=tuple(known[: KEPT - 1])))
    for old in known[KEPT - 1 :]:
        shutil.rmtree(adapters_folder(home) / old, ignore_errors=True)


def _copy(adapter: Path, target: Path) -> None:
    if adapter.absolute() == target.absolute():
        return
    with replacing_folder(target, marker=CONFIG) as aside:
        shutil.copytree(adapter, aside, dirs_exist_ok=True)
        open_adapter(aside)


def _pointer(home: Path) -> Path:
    return adapters_folder(home) / "current.json"


def _read(home: Path) -> Current:
    file = _pointer(home)
    try:
        return Current.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return Current()
    except (OSError, ValidationError) as error:
        raise AdapterError(
            f"{file}: cannot be read as the pointer to the shop's adapter ({error.__class__.__name__}); "
            "remove it and run `pathrec embed --adapter FOLDER` again"
        ) from error


def _write(home: Path, pointer: Current) -> None:
    with replacing_file(_pointer(home)) as aside:
        aside.write_text(pointer.model_dump_json(indent=2) + "\n", encoding="utf-8")

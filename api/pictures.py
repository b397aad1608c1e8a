"""A shop's pictures on their way to the folder that the server serves them from."""

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ingestion.encoders.archive import PictureArchive
from ingestion.encoders.pictures import PictureError
from schema.files import WriteError
from schema.progress import Report, silent


def copy_pictures(source: Path, names: Iterable[str], target: Path, report: Report = silent) -> int:
    """Copies the named pictures that are new or changed; names that lead out of the folder are left out.

    Returns:
        How many were copied.

    Raises:
        WriteError: no space, or no right to write.
    """
    wanted = sorted({name for name in names if _inside(source, name)})
    copied = 0
    for done, name in enumerate(wanted, start=1):
        copied += _copy(source / name, target / name)
        report("pictures", done, len(wanted))
    return copied


def _inside(source: Path, name: str) -> bool:
    # Names come from a shop's data: neither they nor links may reach another folder.
    with suppress(OSError, ValueError):
        file = (source / name).resolve()
        return ".." not in Path(name).parts and file.is_relative_to(source.resolve()) and file.is_file()
    return False


def unpack_pictures(source: PictureArchive, names: Iterable[str], target: Path, report: Report = silent) -> int:
    """Writes the named pictures of an archive that are new or changed as files.

    Returns:
        How many were written; those that it does not have are left out.

    Raises:
        WriteError: no space, or no right to write.
    """
    wanted, written = sorted(set(names)), 0
    for done, name in enumerate(wanted, start=1):
        with suppress(PictureError):
            written += _unpack(source.read(name), source.path, target, name)
        report("pictures", done, len(wanted))
    return written


def _copy(file: Path, target: Path) -> bool:
    if _identity(file) == _identity(target):
        return False
    _place(target, lambda aside: shutil.copy2(file, aside))
    return True


def _unpack(content: bytes, archive: Path, folder: Path, name: str) -> bool:
    target, changed = folder / name, archive.stat().st_mtime_ns
    if not target.resolve().is_relative_to(folder.resolve()) or _identity(target) == (len(content), changed):
        return False

    def write(aside: Path) -> None:
        aside.write_bytes(content)
        os.utime(aside, ns=(changed, changed))

    _place(target, write)
    return True


def _place(target: Path, write: Callable[[Path], object]) -> None:
    aside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(aside)
        aside.replace(target)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        remedy = "free some space or name another --home"
        raise WriteError(f"{target}: cannot be written ({error.strerror}); {remedy}") from error


def _identity(file: Path) -> tuple[int, int] | None:
    """Size and time, which a copy keeps; None where there is no file."""
    try:
        known = file.stat()
    except OSError:
        return None
    return known.st_size, known.st_mtime_ns

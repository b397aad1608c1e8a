"""Files and folders that appear complete or not at all: written aside, synced, renamed."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from schema.errors import PathrecError


class WriteError(PathrecError):
    """A file or folder could not be written: no space, no right, or something is in its place."""


@contextmanager
def replacing_folder(target: Path, *, marker: str) -> Iterator[Path]:
    """A new folder that takes the place of `target` when the block ends without an error.

    Args:
        target: the folder to be made. An existing one is replaced only if it holds `marker`
            or is empty, so that no foreign folder is ever deleted.
        marker: name of the file that shows a folder to be one of ours ("manifest.json").

    Raises:
        WriteError: the folder cannot be written, or `target` is something else.
    """
    target = target.absolute()
    if target.exists() and not _replaceable(target, marker):
        raise WriteError(f"{target}: exists and is not one of ours (no {marker} in it); name another place")
    with folder_beside(target) as aside:
        yield aside
        _sync_tree(aside)
        aside.chmod(0o755)
        _swap(aside, target)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """A folder beside `target` for as long as the block runs.

    What such blocks left that were killed is taken away first: a block holds a lock on its folder, and the kernel
    lets go of it with the process.

    Raises:
        WriteError: it cannot be written there.
    """
    target = target.absolute()
    prefix = f".{target.name}."
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _take_away_left(target.parent, prefix)
        aside = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
        lock = os.open(aside, os.O_RDONLY)
    except OSError as error:
        raise _write_error(target, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield aside
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        os.close(lock)


def _take_away_left(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        # One with a second dot holds what stood under the name before: it may be all there is.
        if "." in folder.name.removeprefix(prefix) or not folder.is_dir():
            continue
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)


@contextmanager
def replacing_file(target: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """A path beside `target` to write to; it takes the place of `target` when the block ends.

    Args:
        target: the file to be made or replaced.
        mode: who may read and write it then; until then only its owner may.

    Raises:
        WriteError: the file cannot be written.
    """
    target = target.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise _write_error(target, error) from error
    aside = Path(name)
    try:
        yield aside
        _sync(aside)
        aside.chmod(mode)
        aside.replace(target)
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        aside.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replaceable(target: Path, marker: str) -> bool:
    return target.is_dir() and ((target / marker).is_file() or not any(target.iterdir()))


def _swap(aside: Path, target: Path) -> None:
    # A folder cannot be renamed over a full one, so the old one steps aside first.
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    try:
        if target.exists():
            target.rename(old / target.name)
        try:
            aside.rename(target)
        except OSError:
            with suppress(OSError):
                (old / target.name).rename(target)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    # Side by side, because a disk makes many files durable in the time of one.
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_sync, [path for path in folder.rglob("*") if path.is_file()]))


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _write_error(target: Path, error: OSError) -> WriteError:
    reason = error.strerror or str(error)
    return WriteError(f"{target}: cannot be written ({reason}); free some space or name a folder you may write to")

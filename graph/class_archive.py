"""An archive of the Java classes of the embedded engine, with which it starts in less processor time.

Java reads such an archive at its start instead of opening, checking and linking thousands of classes one by one. The
first engine of a machine lists what it loads and, when it ends, leaves a process behind that makes the archive from
the list; engines after it read it. It lies in the user's cache folder ($XDG_CACHE_HOME or ~/.cache), under a name that
says for which Java, classes and options it is. Where there is none, or one that does not fit, Java starts without.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graph.embedded import lock_file, try_lock
from schema.files import WriteError, replacing_file

KEPT = 3
LOCK = "lock"
_LISTING = "-XX:DumpLoadedClassList="
_WHAT_OTHERS_SAY = ("-Xshare", "SharedArchiveFile", "AOTCache")


@dataclass(frozen=True)
class ClassArchive:
    """Where the archive of one engine lies or is going to."""

    file: Path

    def options(self) -> list[str]:
        """What Java is told at its start: to read the archive or, while there is none, to list what it loads."""
        if self.file.exists():
            return [f"-XX:SharedArchiveFile={self.file}"]
        return [f"{_LISTING}{self._list}"]

    def drop_if_refused(self, java: str) -> None:
        """Takes an archive away that Java did not read, so that the next engine makes another.

        Args:
            java: what Java says of itself when it has started (its property `java.vm.info`).
        """
        if "sharing" not in java and not self._list.exists():
            with suppress(OSError):
                self.file.unlink()

    def make_from(self, java_home: str, options: Iterable[str], class_path: str) -> None:
        """Leaves a process behind that makes the archive from this engine's list, if it has made one.

        Args:
            java_home: folder of the Java that runs.
            options: those it was started with.
            class_path: where it found the engine's classes.
        """
        if not self._list.exists():
            return
        same = [option for option in options if not option.startswith(_LISTING)]
        java = [str(Path(java_home) / "bin" / "java"), *same, "-cp", class_path]
        with suppress(OSError):
            subprocess.Popen(  # noqa: S603 - our own module and the Java that runs
                [sys.executable, "-P", "-m", "graph.class_archive", str(self.file), str(self._list), *java],
                cwd=self.file.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def _list(self) -> Path:
        return self.file.with_suffix(f".{os.getpid()}.classes")


def archive_for(files: Iterable[Path], options: Iterable[str]) -> ClassArchive | None:
    """The archive for these files and options; None where it could not lie safely, or Java is told of another.

    Args:
        files: Java itself and what it loads classes from; a new version of one needs a new archive.
        options: how Java is started, as far as it may matter.
    """
    said = [*options, *(os.environ.get(name, "") for name in ("JAVA_TOOL_OPTIONS", "ARCADEDB_JVM_ARGS"))]
    if any(word in each for each in said for word in _WHAT_OTHERS_SAY) or (folder := _cache_folder()) is None:
        return None
    known = [(str(file), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in sorted(files)]
    return ClassArchive(folder / f"{hashlib.sha256(repr((known, said)).encode()).hexdigest()[:16]}.jsa")


def _cache_folder() -> Path | None:
    """A folder that this user alone may write to: whoever writes an archive decides what the engine does."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = cache.absolute() / "pathrec" / "classes"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stat = folder.stat()
    except (OSError, RuntimeError):
        return None
    own = stat.st_uid == os.geteuid() and not stat.st_mode & 0o022
    return folder if own and os.access(folder, os.W_OK) else None


def make(file: Path, classes: Path, java: list[str]) -> None:
    """Makes the archive, unless it is there or another process is at it; what was listed is gone afterwards.

    Args:
        file: the archive.
        classes: what an engine has listed; it may have been ended in the middle of a line.
        java: command and options of the same Java with the same classes.
    """
    with lock_file(file.parent / LOCK) as lock:
        if try_lock(lock, fcntl.LOCK_EX) and not file.exists():
            with suppress(WriteError, OSError, subprocess.SubprocessError):
                whole, end, _ = classes.read_bytes().rpartition(b"\n")
                classes.write_bytes(whole + end)
                with replacing_file(file, mode=0o600) as aside:
                    written = ["-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={aside}"]
                    subprocess.run([*java, *written], capture_output=True, check=True)  # noqa: S603 - see make_from
                _tidy(file.parent)
        classes.unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Takes away what is left of earlier versions, and of processes that were killed."""
    archives = sorted(folder.glob("*.jsa"), key=lambda file: file.stat().st_mtime)
    for old in (*archives[:-KEPT], *folder.glob("*.classes"), *folder.glob(".*.jsa.*")):
        old.unlink(missing_ok=True)


if __name__ == "__main__":
    os.nice(19)  # nobody waits for it
    make(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])

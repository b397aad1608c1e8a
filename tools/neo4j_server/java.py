"""Which Java development kits this machine has."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def newest_jdk(at_least: int) -> Path | None:
    """Home of the newest JDK of a version or later; None if there is none."""
    found = [(version, home) for home in _homes() if (version := _version(home)) is not None and version >= at_least]
    return max(found)[1] if found else None


def _homes() -> Iterator[Path]:
    """Places named by JAVA_HOME, JAVA_HOME_21_X64 and the like, in /usr/lib/jvm, and behind PATH."""
    named = [value for name, value in os.environ.items() if name.startswith("JAVA_HOME") and value]
    candidates = [Path(value) for value in named]
    candidates += [path for root in _roots() if root.is_dir() for path in root.iterdir()]
    candidates += [path / "Contents" / "Home" for path in list(candidates)]
    if compiler := shutil.which("javac"):
        candidates.append(Path(compiler).resolve().parent.parent)
    homes = {path.resolve() for path in candidates}
    yield from sorted(home for home in homes if (home / "bin" / "javac").is_file())


def _roots() -> list[Path]:
    return [Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines"), Path.home() / ".sdkman/candidates/java"]


def _version(home: Path) -> int | None:
    try:
        output = subprocess.run([home / "bin" / "javac", "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"javac (\d+)", output.stdout + output.stderr)
    return int(match.group(1)) if match else None

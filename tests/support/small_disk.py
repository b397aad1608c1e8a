"""A disk of its own that a test can fill: a file system in memory, mounted for as long as the test runs."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096
"""What such a disk gives away at a time: a file can still grow to the end of its last page when the disk is full."""


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A disk at a place; the test is skipped where nothing may be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs the command `mount`, to fill a disk of its own")
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a disk of its own, to fill it: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a byte is free on a disk until the block ends."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"0" * PAGE)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    try:
        yield
    finally:
        filler.unlink()

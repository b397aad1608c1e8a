"""How much memory there is, and what work of a known size needs."""

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that can be had without swapping, within the limit of the container if there is one."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):  # no control group, or one without a limit ("max")
        return free
    return min(free, max(limit - used, 0))


def lacking(needed: int, what: str) -> str | None:
    """Why there is too little memory; None if there is enough."""
    free = free_memory()
    if needed <= free:
        return None
    return f"{what} needs {needed:,} bytes of memory; {free:,} are free"

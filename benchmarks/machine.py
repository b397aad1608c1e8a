"""What figures were taken on, and how they are kept."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from gnn.evaluate import versions
from gnn.train import choose_device
from schema.files import replacing_file

ROOT = Path(__file__).resolve().parents[1]


def machine() -> dict[str, Any]:
    """Cores, memory, load and versions of the machine that this runs on."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "device": torch.cuda.get_device_name() if choose_device(None) == "cuda" else "cpu",
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 1),
        "versions": versions(),
    }


def in_fresh_process(module: str, *arguments: str) -> dict[str, Any]:
    """The JSON that a benchmark prints last when it is run in a process of its own; a failure comes back as `error`."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    last = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not last:
        # -9: the kernel took its memory back.
        return {"error": f"its process ended with code {done.returncode}"}
    found: dict[str, Any] = json.loads(last)
    return found


def write_json(document: Any, path: Path) -> None:
    """Writes a document aside and renames it: the file is complete or not there."""
    write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Writes a text aside and renames it.

    Raises:
        WriteError: no space or no right to write there.
    """
    with replacing_file(path) as aside:
        aside.write_text(text, encoding="utf-8")

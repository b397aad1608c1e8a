"""Fine-tuning of the text encoder: partners of held-out products found before and after, and what it takes.

    python -m benchmarks.finetuning --data snapshot --json finetuning.json

trains an adapter by each method on the pairs of a snapshot and asks for the co-bought partners of products that none of
the pairs holds, among all products. Other held-out products decide when to stop. The adapters are kept with `--out`.
"""

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, write_json
from ingestion.encoders.adapter import KINDS, METRIC, WEIGHTS
from ingestion.finetuning import Course, finetune
from schema.snapshot import Snapshot, open_snapshot


def trained(snapshot: Snapshot, method: str, out: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What one method reaches."""
    course = Course(options.model, method, seed=options.seed, device=options.device, minutes=options.budget)
    manifest = finetune(snapshot, out, course)
    return {
        "method": method,
        "version": manifest.version,
        "bytes": (out / WEIGHTS).stat().st_size,
        **manifest.figures,
        **manifest.training,
        "data": manifest.data,
    }


def show(rows: Sequence[dict[str, Any]]) -> None:
    """The figures as a table."""
    table = Table(title="Partners of held-out products")
    for name in ("method", "KiB", f"{METRIC} before", "after", "MRR before", "after", "steps", "best", "seconds"):
        table.add_column(name, justify="left" if name == "method" else "right")
    for row in rows:
        before, after = row["before"], row["after"]
        found = [f"{part[metric]:.4f}" for metric in (METRIC, "mrr") for part in (before, after)]
        taken = [str(row["steps"]), str(row["best"]), f"{row['seconds']:,.0f}"]
        table.add_row(row["method"], f"{row['bytes'] / 1024:,.0f}", *found, *taken)
    Console().print(table)


def main() -> None:
    """Trains, compares and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a snapshot")
    parser.add_argument("--methods", nargs="+", default=["lora"], choices=list(KINDS), help="of peft (lora)")
    parser.add_argument("--model", help="base model; the packaged one if not said")
    parser.add_argument(
        "--budget", type=float, default=60, help="the longest that each may take, in minutes (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything drawn (%(default)s)")
    parser.add_argument("--device", help="cpu or cuda; the GPU where there is one")
    parser.add_argument("--out", type=Path, help="keep the adapters in this folder, by method")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    about, snapshot = machine(), open_snapshot(options.data)
    with ExitStack() as stack:
        out = options.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows = [trained(snapshot, method, out / method, options) for method in options.methods]
    show(rows)
    if options.json:
        write_json({"machine": about, "methods": rows}, options.json)


if __name__ == "__main__":
    main()

"""Where rejected rows go: one JSON line each, with its place, the reason and the row as the file has it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.delimited import Broken
from ingestion.step import LINE
from schema.files import replacing_file


def quarantine_file(workdir: Path, source: str) -> Path:
    """Where the rejected rows of a source are."""
    return workdir / "quarantine" / f"{source}.jsonl"


def write_quarantine(
    path: Path, source: str, raw: pl.DataFrame, rejected: pl.DataFrame, broken: Sequence[Broken]
) -> None:
    """Replaces the quarantine file of a source, in the order of lines.

    Args:
        raw: `LINE` and the columns of the file.
        rejected: rejections of rows of `raw`.
        broken: lines that are no rows.

    Raises:
        WriteError: the file cannot be written; the old one is still there.
    """
    entries = [*_rows(source, raw, rejected), *_lines(source, broken)]
    entries.sort(key=lambda entry: int(entry["line"]))
    with replacing_file(path) as aside, aside.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry, ensure_ascii=False, default=str) + "\n" for entry in entries)


def _rows(source: str, raw: pl.DataFrame, rejected: pl.DataFrame) -> Iterator[dict[str, Any]]:
    names = [name for name in raw.columns if name != LINE]
    found = rejected.join(raw.select(LINE, pl.struct(names).alias("row")), on=LINE, how="left")
    for line, reason, explanation, row in found.iter_rows():
        yield _entry(source, line, reason, explanation) | {"row": row}


def _lines(source: str, broken: Sequence[Broken]) -> Iterator[dict[str, Any]]:
    for line in broken:
        yield _entry(source, line.line, line.reason, line.explanation) | {"text": line.text}


def _entry(source: str, line: int, reason: str, explanation: str) -> dict[str, Any]:
    return {"source": source, "line": line, "reason": reason, "explanation": explanation}

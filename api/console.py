"""What a person at the terminal sees, and what a machine reads instead.

Progress goes to standard error, results to standard output. With `--json -` standard output
carries the JSON document and nothing else, so results for people move to standard error too.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from schema.files import replacing_file
from schema.progress import Report

STANDARD_OUTPUT = Path("-")


class Output:
    """Where one command's words, tables, progress and JSON go."""

    def __init__(self, json_file: Path | None = None) -> None:
        """Args:
        json_file: where the JSON document goes; `-` is standard output.
        """
        self._json_file = json_file
        self._news = Console(stderr=True, highlight=False)
        self._results = self._news if json_file == STANDARD_OUTPUT else Console(highlight=False)

    def say(self, text: str) -> None:
        """One line or block for a person, as it is: not wrapped, no markup."""
        self._results.print(text, markup=False, soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table for a person; the first column is text, the others are figures."""
        table = Table(title=title, title_justify="left", title_style="bold")
        for number, name in enumerate(columns):
            table.add_column(name, justify="right" if number else "left")
        for row in rows:
            table.add_row(*row)
        self._results.print(table)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """Progress bars while the block runs, one for each stage that reports."""
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._news,
            disable=not self._news.is_terminal,
        ) as progress:
            yield _Bars(progress)

    def document(self, content: Mapping[str, Any]) -> None:
        """The JSON document, if one was asked for: complete, or not there at all."""
        if self._json_file is None:
            return
        text = as_json(content) + "\n"
        if self._json_file == STANDARD_OUTPUT:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        with replacing_file(self._json_file) as aside:
            aside.write_text(text, encoding="utf-8")


class _Bars:
    """A `schema.progress.Report` that draws a bar for each stage name."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total or None)
        self._progress.update(self._tasks[stage], completed=done, total=total or None)


def as_json(content: Mapping[str, Any]) -> str:
    """JSON as every command writes it; paths and times as text."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=str, allow_nan=False)


def error(message: str) -> None:
    """One block on standard error that says what went wrong."""
    Console(stderr=True, highlight=False).print(f"pathrec: {message}", markup=False, soft_wrap=True)


def amount(size: int) -> str:
    """Bytes as a person reads them."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"

"""What is not taken, on its way into the quarantine: written as it comes, counted by reason."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import polars as pl

from ingestion.account import Example, Reason
from ingestion.quarantine import quarantine_file
from schema.files import replacing_file

_EXAMPLES = 3


@dataclass
class Rejected:
    """The quarantine of one file: a JSON line for each node or triple, with place, reason and what it says."""

    source: str
    file: IO[str] = field(repr=False)
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def add(self, line: int, reason: str, explanation: str, what: dict[str, str | None]) -> None:
        """One that is not taken."""
        entry = {"source": self.source, "line": line, "reason": reason, "explanation": explanation, "row": what}
        self.file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self.counts[reason] = self.counts.get(reason, 0) + 1
        if len(shown := self.examples.setdefault(reason, [])) < _EXAMPLES:
            shown.append(Example(line, explanation))

    def add_rows(self, rows: pl.DataFrame, reason: str, explain: str) -> None:
        """Triples that are not taken.

        Args:
            rows: `s`, `o`, `n` and, if wanted, `said`: the predicate.
            reason: its code.
            explain: what is wrong, with {s} and {o} in the places of subject and object.
        """
        for row in rows.iter_rows(named=True):
            what = {"subject": row["s"], "predicate": row.get("said"), "object": row["o"]}
            self.add(row["n"], reason, explain.format(s=row["s"], o=row["o"]), what)

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    def reasons(self) -> tuple[Reason, ...]:
        """Counts with examples, the most frequent first."""
        order = sorted(self.counts, key=lambda code: (-self.counts[code], code))
        return tuple(Reason(code, self.counts[code], tuple(self.examples[code])) for code in order)


@contextmanager
def rejecting(workdir: Path, source: str) -> Iterator[Rejected]:
    """A quarantine that takes the place of the one before when the block ends well."""
    with replacing_file(quarantine_file(workdir, source)) as aside, aside.open("w", encoding="utf-8") as file:
        yield Rejected(source, file)


def listed(names: Iterable[str], most: int = 5) -> str:
    """The first of some names."""
    names = list(names)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")

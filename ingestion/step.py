"""What a cleaning step is: named in a mapping, configured there, from rows to rows and rejections."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from pydantic import BaseModel, ConfigDict

LINE = "#line"
"""Column with the number of a row's first line in its file; no mapped column can have this name."""

REJECTION = {LINE: pl.Int64, "reason": pl.String, "explanation": pl.String}
"""Columns of a frame of rejections."""


@dataclass(frozen=True)
class Refers:
    """Marks a parameter that names columns; `types` are those that it takes (none: any)."""

    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Rows that go on, rows that do not (schema `REJECTION`), and how many of the former were changed."""

    rows: pl.DataFrame
    rejected: pl.DataFrame
    changed: int = 0


class Step(BaseModel, ABC):
    """A cleaning step with its parameters. It changes cells and rejects rows, and never loses one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @abstractmethod
    def apply(self, rows: pl.DataFrame) -> Outcome:
        """Cleans rows, which are in the order of their lines."""

    def references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Parameter, column and accepted types, for each column that the step is told to use."""
        for name, field in type(self).model_fields.items():
            for mark in field.metadata:
                if isinstance(mark, Refers):
                    value = getattr(self, name)
                    for column in (value,) if isinstance(value, str) else value or ():
                        yield name, column, mark.types


def rejections(rows: pl.DataFrame, reason: str | pl.Expr, explanation: str | pl.Expr) -> pl.DataFrame:
    """A frame of rejections of all the given rows. Plain strings are meant literally."""
    return rows.select(
        pl.col(LINE).cast(pl.Int64),
        (pl.lit(reason) if isinstance(reason, str) else reason).cast(pl.String).alias("reason"),
        (pl.lit(explanation) if isinstance(explanation, str) else explanation).cast(pl.String).alias("explanation"),
    )


def nothing_rejected() -> pl.DataFrame:
    """An empty frame of rejections."""
    return pl.DataFrame(schema=REJECTION)


def divide(rows: pl.DataFrame, bad: pl.Expr, reason: str | pl.Expr, explanation: str | pl.Expr) -> Outcome:
    """Rejects the rows for which `bad` holds; where it is null the row stays."""
    marked = rows.with_columns(bad.fill_null(value=False).alias("#bad"))
    rejected = rejections(marked.filter("#bad"), reason, explanation)
    return Outcome(marked.filter(~pl.col("#bad")).drop("#bad"), rejected)


def text(column: str) -> pl.Expr:
    """A column for use in an explanation, never null."""
    return pl.col(column).cast(pl.String).fill_null("nothing")

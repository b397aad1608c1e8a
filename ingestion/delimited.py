"""Text with a delimiter, cut into fields line by line, so that one broken line costs one line.

Lines without a quote are cut all at once. A line with quotes goes through the csv module by itself; if
a quoted field is open at its end, the lines that follow belong to it. Should that lead nowhere, only
the line with the opening quote is broken, and the next is a line of its own again.
"""

import csv
from dataclasses import dataclass

import polars as pl

from ingestion.step import LINE

_QUOTE = '"'
_LONGEST_RECORD = 100  # lines; a quote that stays open longer was never meant to open a field


@dataclass(frozen=True)
class Broken:
    """A line that is no row: where, why, and its text."""

    line: int
    reason: str
    explanation: str
    text: str


@dataclass(frozen=True)
class Table:
    """Rows of text cells with their line numbers in `LINE`, and the lines that are no rows."""

    rows: pl.DataFrame
    broken: tuple[Broken, ...]


def header(line: str, delimiter: str) -> list[str]:
    """The column names of a header line; a column without a name gets its position."""
    names = _fields(line, delimiter) or line.split(delimiter)
    return [name.strip() or f"column {position}" for position, name in enumerate(names, start=1)]


def cut(lines: pl.DataFrame, names: list[str], delimiter: str) -> Table:
    """Rows from lines.

    Args:
        lines: `LINE` and `text`, without the header and blank lines.
        names: the columns; a row has exactly as many fields.
        delimiter: one character.
    """
    quoted = lines["text"].str.contains(_QUOTE, literal=True)
    records, broken, taken = _quoted_records(lines, quoted, names, delimiter)
    plain = lines.filter(~quoted)
    if taken:
        plain = plain.filter(~pl.col(LINE).is_in(taken))
    plain = plain.with_columns((pl.col("text").str.count_matches(delimiter, literal=True) + 1).alias("#fields"))
    whole = pl.col("#fields") == len(names)
    for line, text, fields in plain.filter(~whole).iter_rows():
        broken.append(_wrong_number(line, text, fields, names))
    rows = pl.concat([_split(plain.filter(whole), names, delimiter), records]).sort(LINE)
    return Table(rows, tuple(sorted(broken, key=lambda b: b.line)))


def _split(lines: pl.DataFrame, names: list[str], delimiter: str) -> pl.DataFrame:
    fields = pl.col("text").str.split_exact(delimiter, len(names) - 1).struct.rename_fields(names).alias("#cells")
    return lines.select(LINE, fields).unnest("#cells")


def _quoted_records(
    lines: pl.DataFrame, quoted: pl.Series, names: list[str], delimiter: str
) -> tuple[pl.DataFrame, list[Broken], list[int]]:
    """Rows from lines with quotes, those that are broken, and further lines that the rows reach into."""
    records: list[tuple[object, ...]] = []
    broken: list[Broken] = []
    taken: list[int] = []
    last = -1
    positions = quoted.arg_true()
    for position, line, text in zip(positions, *lines[positions].get_columns(), strict=True):
        if position <= last:
            continue
        fields, extra = _fields(text, delimiter), 0
        if fields is None:
            fields, extra = _over_lines(lines["text"].slice(position, _LONGEST_RECORD).to_list(), len(names), delimiter)
        if fields is None:
            broken.append(Broken(line, "broken_quote", "a quoted field is not closed or goes on after its end", text))
        elif len(fields) != len(names):
            broken.append(_wrong_number(line, text, len(fields), names))
        else:
            records.append((line, *fields))
            if extra:
                last = position + extra
                taken += lines[LINE].slice(position + 1, extra).to_list()
    schema = {LINE: pl.Int64} | dict.fromkeys(names, pl.String)
    return pl.DataFrame(records, schema=schema, orient="row"), broken, taken


def _fields(text: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _over_lines(lines: list[str], width: int, delimiter: str) -> tuple[list[str] | None, int]:
    reader = csv.reader([f"{line}\n" for line in lines], delimiter=delimiter, strict=True)
    try:
        fields = next(reader)
    except (csv.Error, StopIteration):
        return None, 0
    return (fields, reader.line_num - 1) if len(fields) == width else (None, 0)


def _wrong_number(line: int, text: str, fields: int, names: list[str]) -> Broken:
    return Broken(line, "field_count", f"{fields} fields where the header has {len(names)}", text)

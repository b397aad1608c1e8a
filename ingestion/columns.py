"""Cells read as the types that a mapping gives its columns; a cell that is not of its type says so."""

from dataclasses import dataclass

import polars as pl

from ingestion.identity import IDENTITY
from ingestion.rules import EPOCHS, Column, Source
from ingestion.step import LINE, divide, nothing_rejected

TIME = pl.Datetime("ms", "UTC")
_TRUE, _FALSE = ("true", "yes", "1", "t", "y"), ("false", "no", "0", "f", "n")
_NOUN = {"integer": "whole number", "float": "number", "boolean": "yes or no", "datetime": "time"}
LISTS = (pl.List, pl.Array)


@dataclass(frozen=True)
class Typed:
    """Rows with the mapping's columns in their types, and the rejected ones."""

    rows: pl.DataFrame
    rejected: pl.DataFrame


def typed(raw: pl.DataFrame, source: Source) -> Typed:
    """Reads the mapped columns of raw rows; `LINE` and `IDENTITY` stay.

    Args:
        raw: `LINE` and the columns of the file, all that `source` maps among them.
    """
    kept = [column for column in (LINE, IDENTITY) if column in raw.columns]
    texts = {name: _cell(raw, source, name) for name in source.columns}
    rows = raw.select(*kept, *(expr.alias(f"#text {name}") for name, expr in texts.items()))
    rows = rows.with_columns(_parsed(rows, name, column).alias(name) for name, column in source.columns.items())
    rejected = [nothing_rejected()]
    for name, column in source.columns.items():
        bad = pl.col(f"#text {name}").is_not_null() & pl.col(name).is_null()
        noun = _NOUN.get(column.type)
        if noun:
            shown = pl.col(f"#text {name}").cast(pl.String)
            explanation = pl.format('{}: "{}" is no {}', pl.lit(name), shown, pl.lit(noun))
            outcome = divide(rows, bad, f"bad_{column.type}", explanation)
            rows = outcome.rows
            rejected.append(outcome.rejected)
    return Typed(rows.select(*kept, *source.columns), pl.concat(rejected))


def _cell(raw: pl.DataFrame, source: Source, name: str) -> pl.Expr:
    """A column of the file, trimmed if it is text, null where it says nothing."""
    column, spec = source.of_file(name), source.columns[name]
    dtype = raw.schema[column]
    if isinstance(dtype, LISTS):
        return pl.col(column)
    if dtype != pl.String:
        return pl.col(column) if dtype.is_temporal() or dtype.is_numeric() else pl.col(column).cast(pl.String)
    trimmed = pl.col(column).str.strip_chars().str.replace_all(r"\s{2,}|[\t\n\r]", " ")
    return pl.when(~trimmed.is_in(["", *spec.missing])).then(trimmed)


def _parsed(rows: pl.DataFrame, name: str, column: Column) -> pl.Expr:
    cell = pl.col(f"#text {name}")
    dtype = rows.schema[f"#text {name}"]
    if column.split is not None:
        return _list(cell, dtype, column.split)
    if column.type == "datetime":
        return _time(cell, dtype, column)
    if column.type == "integer":
        number = cell.cast(pl.Float64, strict=False)
        return cell.cast(pl.Int64, strict=False) if dtype.is_integer() else pl.coalesce(
            cell.cast(pl.Int64, strict=False) if dtype == pl.String else pl.lit(None, dtype=pl.Int64),
            pl.when(number.round() == number).then(number.cast(pl.Int64, strict=False)),
        )  # fmt: skip
    if column.type == "float":
        number = cell.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    if column.type == "boolean":
        low = cell.cast(pl.String).str.to_lowercase()
        return pl.when(low.is_in(_TRUE)).then(statement=True).when(low.is_in(_FALSE)).then(statement=False)
    return cell.cast(pl.String)


def _list(cell: pl.Expr, dtype: pl.DataType, separator: str) -> pl.Expr:
    entries = cell.cast(pl.List(pl.String)) if isinstance(dtype, LISTS) else cell.cast(pl.String).str.split(separator)
    trimmed = entries.list.eval(pl.element().str.strip_chars())
    return trimmed.list.eval(pl.element().filter(pl.element().is_not_null() & (pl.element() != "")))


def _time(cell: pl.Expr, dtype: pl.DataType, column: Column) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return _zoned(cell, column.zone) if dtype.time_zone is None else cell.dt.convert_time_zone("UTC").cast(TIME)
    if dtype == pl.Date:
        return _zoned(cell.cast(pl.Datetime("ms")), column.zone)
    if column.format in EPOCHS:
        number = cell.cast(pl.Float64, strict=False) * (1000 if column.format == "epoch_s" else 1)
        return number.round().cast(pl.Int64, strict=False).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    if column.format is not None:
        return _by_format(cell.cast(pl.String), column.format, column.zone)
    return iso_time(cell.cast(pl.String), column.zone)


def _by_format(cell: pl.Expr, pattern: str, zone: str) -> pl.Expr:
    if "%z" in pattern:
        return cell.str.to_datetime(pattern, time_unit="ms", time_zone="UTC", strict=False)
    return _zoned(cell.str.to_datetime(pattern, time_unit="ms", strict=False), zone)


def iso_time(cell: pl.Expr, zone: str) -> pl.Expr:
    """ISO 8601: a date or a date and a time, with or without seconds, fractions and zone."""
    shape = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}))?(\.\d+)?)? ?(Z|UTC|[+-]\d{2}:?\d{2})?$"
    part = cell.str.extract_groups(shape).struct
    day, minute, second, fraction, offset = (part.field(str(k)) for k in range(1, 6))
    plain = pl.concat_str(
        day, pl.lit("T"), minute.fill_null("00:00"), pl.lit(":"), second.fill_null("00"), fraction.fill_null(".0")
    ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="ms", strict=False)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    digits = offset.str.replace_all(r"[^0-9]", "").str.zfill(4)
    minutes = sign * (
        digits.str.slice(0, 2).cast(pl.Int32, strict=False) * 60 + digits.str.slice(2, 2).cast(pl.Int32, strict=False)
    )
    with_offset = (plain - pl.duration(minutes=minutes)).dt.replace_time_zone("UTC")
    return pl.when(offset.is_null()).then(_zoned(plain, zone)).otherwise(with_offset).cast(TIME)


def _zoned(naive: pl.Expr, zone: str) -> pl.Expr:
    """Local times as moments: the earlier one of a time that came twice, nothing for one that never was."""
    local = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").cast(TIME)

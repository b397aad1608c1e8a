"""Files of a shop, opened strictly: each row keeps its line number, each broken line its reason."""

import gzip
import json
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO, cast

import polars as pl

from ingestion.delimited import Broken, Table, cut, header
from ingestion.errors import SourceError
from ingestion.rules import Source
from ingestion.step import LINE

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "PDF",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_source(source: Source) -> Table:
    """All rows of a source: `LINE` and the columns of the file.

    Cells of text formats are strings as they stand there, an empty cell being an empty string; JSON
    values other than strings are written as JSON. Parquet keeps its types, and its rows count from 1.

    Raises:
        SourceError: the file is missing, empty, cut off or not of its format.
    """
    content = _content(source.path)
    _check_kind(source, content[:4096])
    if source.format == "parquet":
        return _parquet(source, content)
    lines, broken = _lines(source, content)
    table = _json_rows(source.path, lines) if source.format == "jsonl" else _delimited_rows(source, lines)
    if source.format == "jsonl" and table.rows.is_empty():
        wrong = (*broken, *table.broken)[0]
        raise SourceError(f"{source.path}: no line is a JSON object; line {wrong.line}: {wrong.explanation}")
    return Table(table.rows, tuple(sorted((*broken, *table.broken), key=lambda b: b.line)))


def columns_of(source: Source) -> list[str] | None:
    """The columns of a source by its header; None for JSON lines, which have none.

    Raises:
        SourceError: as `read_source`.
    """
    if source.format == "jsonl":
        if not source.path.is_file():
            raise _missing(source.path)
        return None
    if source.format == "parquet":
        return list(_parquet_schema(source))
    start = _content(source.path, first_line=not _wide(source))
    _check_kind(source, start[:4096])
    lines, _ = _lines(source, start)
    return _header(source, lines)


def _content(path: Path, *, first_line: bool = False) -> bytes:
    if not path.is_file():
        raise _missing(path)
    try:
        with path.open("rb") as plain, _decompressed(path, plain) as file:
            content = _up_to_header(file) if first_line else file.read()
    except (EOFError, zlib.error) as error:
        raise SourceError(f"{path}: the gzip file is cut off or damaged ({error}); fetch or export it again") from error
    except gzip.BadGzipFile as error:
        raise SourceError(f"{path}: is not gzip although its name ends in .gz; rename it or compress it") from error
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror or error}); check the file and its rights"
        ) from error
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise SourceError(f"{path}: is empty; export it again or take it out of the mapping")
    return content


def _decompressed(path: Path, file: BinaryIO) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="rb")) if path.suffix.lower() == ".gz" else file


def _up_to_header(file: IO[bytes]) -> bytes:
    """The first line that is not blank, with the blank ones before it."""
    start = b""
    for line in file:
        start += line
        if line.strip(b"\xef\xbb\xbf \t\r\n"):
            break
    return start


def _missing(path: Path) -> SourceError:
    near = sorted(p.name for p in path.parent.iterdir() if p.is_file())[:8] if path.parent.is_dir() else []
    there = f"the folder has {', '.join(near)}" if near else "the folder has no files"
    return SourceError(f"{path}: no such file; {there}")


def _check_kind(source: Source, start: bytes) -> None:
    kind = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)
    if source.format == "parquet":
        if kind != "Parquet":
            raise SourceError(f"{source.path}: is not Parquet{f' but {kind}' if kind else ''}; name its format: csv, …")
        return
    if kind:
        remedy = "let its name end in .gz" if kind == "gzip" else "export it as CSV" if "Excel" in kind else ""
        raise SourceError(f"{source.path}: is {kind}, not {source.format}; {remedy or 'name its format or convert it'}")
    if _wide(source):
        return
    if start.startswith(_UTF16) or b"\x00" in start:
        raise SourceError(f"{source.path}: is not {source.encoding} text; if it is UTF-16, write encoding: utf-16")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if source.format == "jsonl" and not text.startswith(b"{"):
        what = "one JSON array" if text.startswith(b"[") else "no JSON"
        raise SourceError(f"{source.path}: is {what}; JSON lines have one object in each line")
    if source.format != "jsonl" and text.startswith((b'{"', b'[{"')):
        raise SourceError(f"{source.path}: is JSON, not {source.format}; write format: jsonl")


def _lines(source: Source, content: bytes) -> tuple[pl.DataFrame, list[Broken]]:
    """Lines that are not blank, `LINE` and `text`, and those that the encoding does not allow."""
    broken: list[Broken] = []
    try:
        text = content.decode(source.encoding)
    except UnicodeDecodeError as error:
        if _wide(source):
            raise SourceError(
                f"{source.path}: is not {source.encoding} text ({error.reason}); name its encoding"
            ) from error
        text, broken = _decoded_by_line(source, content)
    lines = pl.Series([text.removeprefix("\ufeff")]).str.split("\n").explode().str.strip_suffix("\r")
    frame = pl.DataFrame({LINE: pl.int_range(1, len(lines) + 1, eager=True), "text": lines})
    frame = frame.filter(pl.col("text").str.strip_chars() != "")
    if broken:
        frame = frame.filter(~pl.col(LINE).is_in([b.line for b in broken]))
    return frame, broken


def _wide(source: Source) -> bool:
    """Whether the encoding spends several bytes on a newline, so that bytes cannot be cut into lines."""
    return source.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32"))


def _decoded_by_line(source: Source, content: bytes) -> tuple[str, list[Broken]]:
    texts, broken = [], []
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            texts.append(line.decode(source.encoding))
        except UnicodeDecodeError as error:
            explanation = (
                f"byte {error.start + 1} of the line is not {source.encoding}; if the whole file is of another "
                "encoding, name it in the mapping"
            )
            broken.append(Broken(number, "bad_encoding", explanation, line.decode(source.encoding, errors="replace")))
            texts.append("")
    return "\n".join(texts), broken


def delimiter_of(source: Source) -> str:
    """What parts the fields of a source."""
    return source.delimiter or ("\t" if source.format == "tsv" else ",")


def _header(source: Source, lines: pl.DataFrame) -> list[str]:
    if lines.is_empty():
        raise SourceError(f"{source.path}: the header is not {source.encoding} text; name the encoding in the mapping")
    names = header(lines["text"][0], delimiter_of(source))
    _check_names(source.path, names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"{source.path}: the header has {', '.join(twice)} more than once; rename the columns")
    return names


def _delimited_rows(source: Source, lines: pl.DataFrame) -> Table:
    names = _header(source, lines)
    return cut(lines.slice(1), names, delimiter_of(source))


def _check_names(path: Path, names: list[str]) -> None:
    if LINE in names:
        raise SourceError(f"{path}: a column is called {LINE}, which Pathrec needs for itself; rename it")


def _json_rows(path: Path, lines: pl.DataFrame) -> Table:
    broken: list[Broken] = []
    numbers: list[int] = []
    records: list[dict[str, object]] = []
    for line, text in lines.iter_rows():
        try:
            record = json.loads(text)
        except ValueError as error:
            broken.append(Broken(line, "bad_json", f"not JSON: {error}", text))
            continue
        if not isinstance(record, dict):
            broken.append(Broken(line, "bad_json", "not an object { … }", text))
            continue
        numbers.append(line)
        records.append(record)
    names = list(dict.fromkeys(name for record in records for name in record))
    _check_names(path, names)
    cells = {name: _json_column(name, [record.get(name) for record in records]) for name in names}
    return Table(pl.DataFrame({LINE: pl.Series(numbers, dtype=pl.Int64)} | cells), tuple(broken))


def _json_column(name: str, values: list[object]) -> pl.Series:
    """Texts; or lists of texts, if one of the values is a list."""
    if any(isinstance(value, list) for value in values):
        lists = [[_json_cell(v) for v in value] if isinstance(value, list) else [_json_cell(value)] for value in values]
        return pl.Series(name, lists, dtype=pl.List(pl.String))
    return pl.Series(name, [_json_cell(value) for value in values], dtype=pl.String)


def _json_cell(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parquet(source: Source, content: bytes) -> Table:
    try:
        rows = pl.read_parquet(BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _bad_parquet(source.path, error) from error
    _check_names(source.path, rows.columns)
    return Table(rows.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE)), ())


def _parquet_schema(source: Source) -> Iterator[str]:
    content = _content(source.path)
    _check_kind(source, content[:16])
    try:
        return iter(pl.read_parquet_schema(BytesIO(content)))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _bad_parquet(source.path, error) from error


def _bad_parquet(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{path}: the Parquet file is cut off or damaged ({str(error).splitlines()[0]}); export it again"
    )

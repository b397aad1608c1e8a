import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion import MappingError, SourceError
from ingestion.delimited import cut
from ingestion.step import LINE

Quarantined = Callable[[str], list[tuple[int, str]]]


def _products(path: str, **more: Any) -> dict[str, Any]:
    return {
        "path": path,
        "name": "products",
        "columns": {"id": {}, "title": {}, "price": {"type": "float"}},
        "nodes": [{"type": "Product", "id": "id", "properties": {"title": "title", "price": "price"}}],
    } | more


def _rows(records: Any) -> list[tuple[Any, ...]]:
    return [(row["id"], row["title"], row["price"]) for row in records.nodes["Product"].to_pylist()]


EXPECTED = [("1", "Tea, green", 3.5), ("2", "Pot", None)]


def _parquet(path: Path) -> bytes:
    pl.DataFrame({"id": [1, 2], "title": ["Tea, green", "Pot"], "price": [3.5, None]}).write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_plain_or_compressed_gives_the_same_records(shop: Any, kind: str, suffix: str) -> None:
    content: dict[str, str | bytes] = {
        "csv": 'id,title,price,more\n1,"Tea, green",3.5,x\n2,Pot,,\n',
        "tsv": "id\ttitle\tprice\n1\tTea, green\t3.5\n2\tPot\t\n",
        "jsonl": '{"id":1,"title":"Tea, green","price":3.5}\n{"id":2,"title":"Pot","price":null}\n',
        "parquet": _parquet(shop.folder / "plain.parquet"),
    }
    shop.file(f"p.{kind}{suffix}", content[kind])
    assert _rows(shop.read(_products(f"p.{kind}{suffix}"))) == EXPECTED


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfid,title,price\r\n1,"Tea, green",3.5\r\n2,Pot,\r\n',
        b'\n\nid,title,price\n\n1,"Tea, green",3.5\n   \n2,Pot,',
        b'id,"title",price\n"1","Tea, green","3.5"\n2,  Pot ,\n',
    ],
    ids=["a mark of the byte order and CRLF", "blank lines and no last newline", "quotes and blanks around"],
)
def test_harmless_variants_of_csv_are_read(shop: Any, content: bytes) -> None:
    shop.file("p.csv", content)
    assert _rows(shop.read(_products("p.csv"))) == EXPECTED


def test_a_quoted_field_may_hold_quotes_delimiters_and_newlines(shop: Any, quarantined: Quarantined) -> None:
    shop.file("p.csv", 'id,title,price\n1,"a ""big"", red\nbowl",2\n2,x,abc\n')
    assert _rows(shop.read(_products("p.csv"))) == [("1", 'a "big", red bowl', 2.0)]
    assert quarantined("products") == [(4, "bad_float")]


def test_broken_lines_go_to_quarantine_with_their_line_numbers(shop: Any, quarantined: Quarantined) -> None:
    shop.file("p.csv", 'id,title,price\n1,Tea,1\n2,Pot\n3,Cup,3,4\n\n4,"Bowl,4\n5,Jug,5\n6,"a"b,6\n7,Mug,7\n')
    assert [row[0] for row in _rows(shop.read(_products("p.csv")))] == ["1", "5", "7"]
    assert quarantined("products") == [
        (3, "field_count"),
        (4, "field_count"),
        (6, "broken_quote"),
        (8, "broken_quote"),
    ]


def test_a_line_that_is_not_utf8_goes_to_quarantine_and_the_others_stay(shop: Any, quarantined: Quarantined) -> None:
    shop.file("p.csv", b"id,title,price\n1,Tea,1\n2,caf\xe9,2\n3,Pot,3\n")
    assert [row[0] for row in _rows(shop.read(_products("p.csv")))] == ["1", "3"]
    assert quarantined("products") == [(3, "bad_encoding")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
def test_a_named_encoding_is_used(shop: Any, encoding: str) -> None:
    shop.file("p.csv", "id,title,price\n1,café,1\n".encode(encoding))
    assert _rows(shop.read(_products("p.csv", encoding=encoding))) == [("1", "café", 1.0)]


def test_lines_that_are_no_json_objects_go_to_quarantine(shop: Any, quarantined: Quarantined) -> None:
    shop.file("p.jsonl", '{"id":"1","title":"Tea","price":1}\n{"id":\n[1]\n{"id":"4","title":"Pot","price":NaN}\n')
    assert [row[0] for row in _rows(shop.read(_products("p.jsonl")))] == ["1"]
    assert quarantined("products") == [(2, "bad_json"), (3, "bad_json"), (4, "bad_float")]


def test_a_column_that_no_json_line_has_is_missing(shop: Any) -> None:
    shop.file("p.jsonl", '{"id":"1","titel":"Tea","price":1}\n')
    with pytest.raises(MappingError, match=r'columns.title: no column "title" .* Did you mean titel\?'):
        shop.read(_products("p.jsonl"))


_GZIP = gzip.compress(b"id,title,price\n" + b"".join(b"%d,%d,1\n" % (k, k * k) for k in range(9999)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", b"", "is empty"),
        ("p.csv", b" \n\n", "is empty"),
        ("p.jsonl", b"", "is empty"),
        ("p.csv", b"PAR1....", "is Parquet, not csv"),
        ("p.csv", _GZIP, "is gzip, not csv; let its name end in .gz"),
        ("p.csv", b"PK\x03\x04....", "Excel workbook, not csv; export it as CSV"),
        ("p.csv", "id,title,price\n1,2,3\n".encode("utf-16"), "write encoding: utf-16"),
        ("p.csv", b'{"id": 1}\n', "is JSON, not csv; write format: jsonl"),
        ("p.csv", b"id,id,price\n", "has id more than once"),
        ("p.parquet", b"id,title\n", "is not Parquet"),
        ("p.parquet", b"PAR1 and then nothing", "Parquet file is cut off or damaged"),
        ("p.jsonl", b'[{"id": 1}]', "is one JSON array"),
        ("p.jsonl", b"id,title\n", "is no JSON"),
        ("p.jsonl", b'{"id": \n', "no line is a JSON object; line 1"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(shop: Any, name: str, content: bytes, message: str) -> None:
    shop.file(name, content)
    with pytest.raises(SourceError, match=message):
        shop.read(_products(name))
    assert not (shop.folder / "work").exists()


def test_parquet_keeps_its_types(shop: Any) -> None:
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "price": [1.5, float("nan")],
            "available": [True, False],
            "tags": [["a", "b"], None],
            "at": [datetime(2011, 6, 1, 12), datetime(2011, 6, 2)],  # noqa: DTZ001
            "deep": [{"x": 1}, {"x": 2}],
        }
    )
    frame.write_parquet(shop.folder / "p.parquet")
    source: dict[str, Any] = {
        "path": "p.parquet",
        "columns": {
            "id": {}, "price": {"type": "float"}, "available": {"type": "boolean"}, "tags": {"split": "|"},
            "at": {"type": "datetime", "zone": "Europe/London"},
        },
        "nodes": [{"type": "Product", "id": "id", "properties": {"price": "price", "available": "available"}}],
        "relations": [{"name": "HAS_FEATURE", "source": "id", "target": "tags", "time": "at"}],
    }  # fmt: skip
    records = shop.read(source)
    assert [(p["id"], p["price"], p["available"]) for p in records.nodes["Product"].to_pylist()] == [("1", 1.5, True)]
    relations = records.relations["HAS_FEATURE"].to_pylist()
    assert [(r["target"], r["time"].isoformat()) for r in relations] == [
        ("a", "2011-06-01T11:00:00+00:00"), ("b", "2011-06-01T11:00:00+00:00"),
    ]  # fmt: skip
    with pytest.raises(MappingError, match=r"columns\.deep: holds Struct.*flatten the file"):
        shop.read(source | {"columns": source["columns"] | {"deep": {}}})


def test_a_column_may_be_called_anything_but_what_pathrec_needs(shop: Any) -> None:
    shop.file("p.csv", "#id,title,price\n1,Tea,x\n2,Pot,2\n")
    source = _products("p.csv", columns={"id": "#id", "title": {}, "price": {"type": "float"}})
    assert _rows(shop.read(source)) == [("2", "Pot", 2.0)]
    assert '"row": {"#id": "1"' in (shop.folder / "work/quarantine/products.jsonl").read_text(encoding="utf-8")
    shop.file("p.csv", "#line,title,price\n")
    with pytest.raises(SourceError, match="rename it"):
        shop.read(source)


def test_a_truncated_gzip_is_refused_and_nothing_is_written(shop: Any) -> None:
    shop.folder.joinpath("p.csv.gz").write_bytes(_GZIP[: len(_GZIP) // 2])
    with pytest.raises(SourceError, match="gzip file is cut off or damaged"):
        shop.read(_products("p.csv.gz"))
    assert not (shop.folder / "work").exists()


def test_a_plain_file_named_gz_is_refused(shop: Any) -> None:
    shop.folder.joinpath("p.csv.gz").write_bytes(b"id,title,price\n")
    with pytest.raises(SourceError, match=r"is not gzip although its name ends in \.gz"):
        shop.read(_products("p.csv.gz"))


def test_a_missing_file_tells_what_the_folder_has(shop: Any) -> None:
    shop.file("products.csv", "id\n")
    with pytest.raises(SourceError, match=r"p.csv: no such file; the folder has mapping.yaml, products.csv"):
        shop.read(_products("p.csv"))


def test_a_file_with_a_header_alone_has_no_rows(shop: Any) -> None:
    shop.file("p.csv", "id,title,price\n")
    records = shop.read(_products("p.csv"))
    assert records.nodes["Product"].num_rows == 0
    assert records.quality.rows_in == 0


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ({"type": "integer"}, "17850.0", 17850),
        ({"type": "integer"}, "1e3", 1000),
        ({"type": "integer"}, "1.5", "bad_integer"),
        ({"type": "float"}, " 2.50 ", 2.5),
        ({"type": "float"}, "NaN", "bad_float"),
        ({"type": "float"}, "inf", "bad_float"),
        ({"type": "float"}, "1,5", "bad_float"),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "boolean"}, "0", False),
        ({"type": "boolean"}, "perhaps", "bad_boolean"),
        ({"type": "string", "missing": ["n/a"]}, "n/a", None),
        ({"type": "datetime"}, "2011-06-01", "2011-06-01T00:00:00+00:00"),
        ({"type": "datetime"}, "2011-06-01T10:20", "2011-06-01T10:20:00+00:00"),
        ({"type": "datetime"}, "2011-06-01 10:20:30.5", "2011-06-01T10:20:30.500000+00:00"),
        ({"type": "datetime"}, "2011-06-01T10:20:30Z", "2011-06-01T10:20:30+00:00"),
        ({"type": "datetime"}, "2011-06-01T10:20:30-01:30", "2011-06-01T11:50:30+00:00"),
        ({"type": "datetime", "zone": "Europe/London"}, "2011-06-01T10:20:30", "2011-06-01T09:20:30+00:00"),
        ({"type": "datetime", "zone": "Europe/London"}, "2011-10-30T01:30:00", "2011-10-30T00:30:00+00:00"),
        ({"type": "datetime", "zone": "Europe/London"}, "2011-03-27T01:30:00", "bad_datetime"),
        ({"type": "datetime"}, "2011-02-30", "bad_datetime"),
        ({"type": "datetime", "format": "%d/%m/%Y %H:%M"}, "1/12/2010 08:26", "2010-12-01T08:26:00+00:00"),
        ({"type": "datetime", "format": "epoch_s"}, "1291191960", "2010-12-01T08:26:00+00:00"),
        ({"type": "datetime", "format": "epoch_ms"}, "1291191960000", "2010-12-01T08:26:00+00:00"),
        ({"type": "datetime", "format": "epoch_s"}, "soon", "bad_datetime"),
        ({"split": "|"}, "a | b||c", ["a", "b", "c"]),
    ],
)
def test_a_cell_is_read_as_its_type_or_says_why_not(column: dict[str, Any], cell: str, expected: object) -> None:
    from ingestion.columns import typed
    from ingestion.rules import Source

    source = Source.model_validate({"path": "x.csv", "columns": {"cell": column}})
    result = typed(pl.DataFrame({LINE: [7], "cell": [cell]}), source)
    if result.rejected.height:
        assert result.rejected.row(0)[:2] == (7, expected)
        return
    value = result.rows["cell"].to_list()[0]
    assert (value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value) == expected


def test_lists_in_json_and_parquet_need_split_and_are_taken_as_they_are(shop: Any) -> None:
    source = {
        "path": "p.jsonl",
        "columns": {"id": {}, "tags": {"split": "|"}},
        "nodes": [{"type": "Product", "id": "id"}],
        "relations": [{"name": "HAS_FEATURE", "source": "id", "target": "tags"}],
    }
    shop.file("p.jsonl", '{"id":"1","tags":["a|b","c"]}\n{"id":"2","tags":"d"}\n{"id":"3"}\n')
    pairs = shop.read(source).relations["HAS_FEATURE"].select(["source", "target"]).to_pylist()
    assert [(p["source"], p["target"]) for p in pairs] == [("1", "a|b"), ("1", "c"), ("2", "d")]
    with pytest.raises(MappingError, match=r"columns\.tags: holds lists; add split"):
        shop.read(source | {"columns": {"id": {}, "tags": {}}})


@given(st.lists(st.lists(st.text(st.sampled_from('ab,"\n \r'), max_size=4), min_size=2, max_size=2), max_size=6))
def test_whatever_the_csv_module_writes_is_cut_into_the_same_fields(rows: list[list[str]]) -> None:
    import csv
    import io

    rows = [row for row in rows if any(cell.strip() for cell in row)]
    rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    lines = file.getvalue().split("\n")
    frame = pl.DataFrame({LINE: range(1, len(lines) + 1), "text": lines}, schema={LINE: pl.Int64, "text": pl.String})
    table = cut(frame.filter(pl.col("text") != ""), ["x", "y"], ",")
    # a blank line within a quoted field is not kept: the text is trimmed and its blanks joined later anyway
    assert [[c.replace("\n", "") for c in row[1:]] for row in table.rows.iter_rows()] == [
        [c.replace("\n", "") for c in row] for row in rows
    ]
    assert table.broken == ()


@given(st.lists(st.text(st.sampled_from('a1,"'), max_size=8), max_size=30))
def test_every_line_of_any_text_is_a_row_or_broken_or_part_of_a_row(lines: list[str]) -> None:
    frame = pl.DataFrame({LINE: range(2, len(lines) + 2), "text": lines}, schema={LINE: pl.Int64, "text": pl.String})
    table = cut(frame, ["x", "y"], ",")
    found = [*table.rows[LINE].to_list(), *(b.line for b in table.broken)]
    assert len(found) == len(set(found))
    quoted = any('"' in line for line in lines)
    assert len(found) <= len(lines) if quoted else sorted(found) == frame[LINE].to_list()


def test_the_quarantine_keeps_the_row_as_the_file_has_it(shop: Any) -> None:
    shop.file("p.csv", "id,title,price\n1, Tea ,abc\n2,Pot\n")
    shop.read(_products("p.csv"))
    text = (shop.folder / "work/quarantine/products.jsonl").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines()]
    assert entries == [
        {
            "source": "products", "line": 2, "reason": "bad_float", "explanation": 'price: "abc" is no number',
            "row": {"id": "1", "title": " Tea ", "price": "abc"},
        },
        {
            "source": "products", "line": 3, "reason": "field_count",
            "explanation": "2 fields where the header has 3", "text": "2,Pot",
        },
    ]  # fmt: skip

import json
from pathlib import Path

import polars as pl
import pytest

from ingestion.delimited import Broken
from ingestion.quarantine import quarantine_file, write_quarantine
from ingestion.step import LINE, rejections
from schema.files import WriteError

RAW = pl.DataFrame({LINE: [2, 3, 5], "a": ["x", None, "é"], "reason": ["own", "own", "own"]})


def test_entries_are_in_the_order_of_lines_and_keep_the_row(tmp_path: Path) -> None:
    path = quarantine_file(tmp_path, "shop")
    rejected = rejections(RAW.filter(pl.col(LINE) != 3), "bad", "because")
    write_quarantine(path, "shop", RAW, rejected, [Broken(4, "field_count", "2 of 3", "x,y")])
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [entry["line"] for entry in entries] == [2, 4, 5]
    assert entries[2] == {
        "source": "shop", "line": 5, "reason": "bad", "explanation": "because", "row": {"a": "é", "reason": "own"},
    }  # fmt: skip
    assert entries[1]["text"] == "x,y"


def test_a_new_run_replaces_the_old_entries(tmp_path: Path) -> None:
    path = quarantine_file(tmp_path, "shop")
    write_quarantine(path, "shop", RAW, rejections(RAW, "bad", "because"), [])
    write_quarantine(path, "shop", RAW, rejections(RAW.clear(), "bad", "because"), [])
    assert path.read_text(encoding="utf-8") == ""


def test_a_place_that_cannot_be_written_is_named_and_nothing_changes(tmp_path: Path) -> None:
    path = quarantine_file(tmp_path, "shop")
    write_quarantine(path, "shop", RAW, rejections(RAW, "bad", "because"), [])
    before = path.read_bytes()
    with pytest.raises(WriteError, match="cannot be written"):
        write_quarantine(path / "below-a-file.jsonl", "shop", RAW, rejections(RAW, "bad", "because"), [])
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["shop.jsonl"]

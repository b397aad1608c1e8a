import json
from pathlib import Path

import pytest

from api.console import STANDARD_OUTPUT, Output, amount
from schema.files import WriteError


def test_results_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Output().say("three products [default: none]")
    assert capsys.readouterr() == ("three products [default: none]\n", "")


def test_with_json_on_standard_output_nothing_else_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(STANDARD_OUTPUT)
    with output.progress() as report:
        report("stage", 1, 2)
        output.say("a word")
        output.table("Table", ("name", "number"), [("a", "1")])
    output.document({"path": Path("x"), "title": "Käse"})
    said, news = capsys.readouterr()
    assert json.loads(said) == {"path": "x", "title": "Käse"}
    assert "a word" in news
    assert "Table" in news


def test_a_json_file_takes_the_place_of_the_old_one_only_when_it_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    Output(file).document({"number": 1})
    with pytest.raises(ValueError, match="JSON"):
        Output(file).document({"number": float("nan")})
    assert json.loads(file.read_text()) == {"number": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.json"]


def test_a_json_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WriteError, match=r"out\.json"):
        Output(tmp_path / "file" / "out.json").document({})


def test_a_bar_may_learn_its_total_later() -> None:
    with Output().progress() as report:
        report("stage", 0, 0)
        report("stage", 5, 10)
        report("other", 1, 1)


@pytest.mark.parametrize(("size", "text"), [(0, "0 MiB"), (300 * 2**20, "300 MiB"), (3 * 2**29, "1.50 GiB")])
def test_amounts_of_memory_are_readable(size: int, text: str) -> None:
    assert amount(size) == text

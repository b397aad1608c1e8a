from pathlib import Path

import pytest

from ingestion.labels.examples import read_examples
from ingestion.labels.few_shot import ExamplesError


def write(folder: Path, text: str) -> Path:
    file = folder / "examples.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_products_and_labels_are_read_in_order_whatever_else_is_there(tmp_path: Path) -> None:
    file = write(tmp_path, "\ufefflabel,who,product\nred,ann,p1\n navy blue ,bob,p2\nred,ann,p1\n")
    assert read_examples(file) == {"p1": "red", "p2": "navy blue"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("product,colour\np1,red\n", "no column label"),
        ("", "no column product and label"),
        ("product,label\np1,\n", ":2: a product and a label are needed"),
        ("product,label\np1\n", ":2: a product and a label are needed"),
        ("product,label\np1,red\np1,blue\n", ":3: p1 is blue here and red above"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ExamplesError, match=message):
        read_examples(write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match=r"gone\.csv: cannot be read"):
        read_examples(tmp_path / "gone.csv")

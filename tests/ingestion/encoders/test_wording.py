import subprocess
import sys

import pyarrow as pa

from ingestion.encoders.wording import joined, texts_of


def test_properties_become_one_text_in_their_order() -> None:
    assert joined(["Blue mug", "Holds a third of a litre."]) == "Blue mug. Holds a third of a litre"


def test_what_says_nothing_is_left_out() -> None:
    assert joined([None, "  ", "Mug."]) == "Mug"
    assert joined([None, "."]) == ""


def test_each_row_of_a_table_gets_its_text() -> None:
    table = pa.table({"title": ["Mug", None], "description": ["Blue", None], "price": [1.0, 2.0]})
    assert texts_of(table, ["title", "description"]) == ["Mug. Blue", ""]


def test_cache_and_wording_need_no_torch() -> None:
    code = "import sys, ingestion.encoders; sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

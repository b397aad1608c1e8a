import json
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from ingestion import BalanceError, write_report
from ingestion.account import source_quality
from ingestion.quality import REASONS
from ingestion.rules import Source
from ingestion.step import LINE, rejections

SOURCE = {
    "path": "events.csv",
    "columns": {"user": {}, "product": {}, "price": {"type": "float"}, "time": {"type": "datetime"}},
    "clean": [{"positive": {"column": "price"}}],
    "nodes": [{"type": "Product", "id": "product"}],
    "events": [{"user": "user", "product": "product", "behaviour": {"constant": "purchase"}, "time": "time"}],
}
FILE = (
    "user,product,price,time\n"
    "u,<b>p</b>,1,2011-01-01\nv,q,0,2011-01-02\nw,q,-1,2011-01-02\nx,q,2,2011-02-03\nshort\ny,q,2,never\n"
)


def test_the_account_counts_every_row_once(shop: Any) -> None:
    shop.file("events.csv", FILE)
    report = shop.read(SOURCE, clock="data").quality
    assert (report.rows_in, report.rows_kept, report.rows_quarantined) == (6, 2, 4)
    (source,) = report.sources
    assert {reason.code: reason.rows for reason in source.reasons} == {
        "bad_datetime": 1, "field_count": 1, "negative_price": 1, "zero_price": 1,
    }  # fmt: skip
    assert [(s.name, s.columns, s.rows, s.rejected, s.changed) for s in source.steps] == [
        ("positive", ("price",), 4, 2, 0)
    ]
    assert report.months == {"2011-01": 1, "2011-02": 1}
    assert report.behaviours == {"purchase": 2}
    assert (report.users, report.anonymous_events, report.nodes) == (2, 0, {"Product": 2})


def test_the_files_say_the_same_as_the_report(shop: Any) -> None:
    shop.file("events.csv", FILE)
    report = shop.read(SOURCE).quality
    data, html = write_report(report, shop.folder / "reports")
    assert json.loads(data.read_text(encoding="utf-8")) == json.loads(json.dumps(report.as_dict()))
    assert (data.name, html.name) == ("quality.json", "quality.html")
    page = html.read_text(encoding="utf-8")
    assert "zero_price" in page


def test_the_page_needs_nothing_from_elsewhere_and_escapes_what_the_files_say(shop: Any) -> None:
    class Links(HTMLParser):
        found: tuple[str, ...] = ()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += tuple(name for name, _ in attrs if name in ("src", "href", "srcset"))
            assert tag not in ("script", "link", "b") or (tag == "b" and not attrs)

    shop.file("events.csv", FILE)
    tree = {"categories": {"from": "title", "tree": {"D": {"<i>L</i>": ["p"]}}}}
    source = SOURCE | {"nodes": [{"type": "Product", "id": "product", "properties": {"title": "product"}}]}
    report = shop.read(source, **tree).quality
    _, html = write_report(report, shop.folder / "reports")
    page = html.read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert links.found == ()
    assert "url(" not in page
    assert "<i>L" not in page
    assert "&lt;i&gt;L" in page


@pytest.mark.parametrize(
    ("kept", "rejected"),
    [([2], []), ([2, 3], [3]), ([2, 2], []), ([2], [4])],
    ids=["a row is lost", "a row counts twice", "a row is repeated", "a row is not of this file"],
)
def test_an_account_that_does_not_balance_is_an_error(kept: list[int], rejected: list[int]) -> None:
    raw = pl.DataFrame({LINE: [2, 3], "a": ["x", "y"]})
    source = Source.model_validate({"path": "x.csv", "name": "x", "columns": {"a": {}}})
    with pytest.raises(BalanceError, match="x: 2 rows in, but"):
        source_quality(
            source, raw, [],
            pl.DataFrame({LINE: kept, "a": ["x"] * len(kept)}),
            rejections(pl.DataFrame({LINE: rejected}, schema={LINE: pl.Int64}), "r", "e"), (),
        )  # fmt: skip


def test_reasons_have_words(shop: Any) -> None:
    shop.file("events.csv", FILE)
    assert {reason.code for reason in shop.read(SOURCE).quality.sources[0].reasons} <= set(REASONS)

"""The UCI file as facts: what is in it, and what the shipped mapping makes of it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion import Records, load_mapping, read
from ingestion.quarantine import quarantine_file
from schema import default_ontology

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
SMALL = HEADER + (
    "536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2011-06-01 08:26:00,2.55,17850.0,United Kingdom\n"
    "536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2011-06-01 08:26:00,2.55,17850.0,United Kingdom\n"
    "536365,84406b,CREAM CUPID HEARTS COAT HANGER,8,2011-06-01 08:26:00,2.75,17850.0,United Kingdom\n"
    "536366,84406B,damaged,-8,2011-06-02 08:26:00,0,,United Kingdom\n"
    "536367,POST,POSTAGE,1,2011-06-02 08:28:00,18,17850.0,United Kingdom\n"
    "C536368,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-2,2011-06-03 09:00:00,2.55,17850.0,United Kingdom\n"
    "C536369,84406B,CREAM CUPID HEARTS COAT HANGER,-9,2011-06-03 09:00:00,2.75,17850.0,United Kingdom\n"
    "536370,84406B,CREAM CUPID HANGER,3,2011-06-04 10:00:00,2.95,,Unspecified\n"
    "536370,23444,Next Day Carriage,1,2011-06-04 10:00:00,15,,Unspecified\n"
    "536371,22423,REGENCY CAKESTAND 3 TIER,1,2011-06-05 10:00:00,NaN,12346.0,France\n"
    "536371,22423,REGENCY CAKESTAND 3 TIER,1,2011-06-05 10:00:00,0.0,12346.0,France\n"
)


def _read(path: Path, workdir: Path) -> Records:
    return read(load_mapping("online-retail", ontology=default_ontology(), data=path), workdir=workdir)


def test_a_small_file_with_one_of_each_flaw(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(SMALL, encoding="utf-8")
    records = _read(path, tmp_path)
    events = [
        (e["user"], e["product"], e["value"], e["basket"], e["session"], e["time"].isoformat())
        for e in records.events.to_pylist()
    ]
    assert events == [
        ("17850", "85123A", 4.0, "536365", None, "2011-06-01T07:26:00+00:00"),
        ("17850", "84406B", 8.0, "536365", None, "2011-06-01T07:26:00+00:00"),
        (None, "84406B", 3.0, "536370", "536370", "2011-06-04T09:00:00+00:00"),
    ]
    reasons = {reason.code: [e.line for e in reason.examples] for reason in records.quality.sources[0].reasons}
    assert reasons == {
        "duplicate": [3], "negative_quantity": [5], "not_merchandise": [6, 10], "return_netted": [7],
        "return_unmatched": [8], "bad_float": [11], "zero_price": [12],
    }  # fmt: skip
    products = {p["id"]: (p["title"], p["price"], p["currency"]) for p in records.nodes["Product"].to_pylist()}
    assert products == {
        "84406B": ("CREAM CUPID HANGER", 2.85, "GBP"),
        "85123A": ("WHITE HANGING HEART T-LIGHT HOLDER", 2.55, "GBP"),
    }
    assert records.nodes["User"].to_pylist() == [{"id": "17850", "country": "United Kingdom"}]
    categories = {r["source"]: r["target"] for r in records.relations["IN_CATEGORY"].to_pylist()}
    assert categories == {"84406B": "hooks-hangers-knobs", "85123A": "candle-holders"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = os.environ.get("PATHREC_DATA")
    path = Path(folder or "") / "online_retail" / "online_retail.csv.gz"
    if not folder or not path.is_file():
        pytest.skip("online_retail/online_retail.csv.gz is not available: PATHREC_DATA names no folder that has it")
    workdir = tmp_path_factory.mktemp("online_retail")
    return _read(path, workdir), workdir, path


def test_the_real_file_in_numbers(real: Any) -> None:
    records, workdir, _ = real
    quality = records.quality
    assert (quality.rows_in, quality.rows_kept, quality.rows_quarantined) == (541_909, 519_463, 22_446)
    assert {reason.code: reason.rows for reason in quality.sources[0].reasons} == {
        "return_netted": 7_358,
        "duplicate": 5_268,
        "not_merchandise": 3_044,
        "returned_in_full": 2_856,
        "negative_quantity": 1_336,
        "return_unmatched": 1_307,
        "zero_price": 1_156,
        "outlying_quantity": 121,
    }
    assert (quality.users, quality.anonymous_events) == (4_322, 131_384)
    assert quality.nodes == {"Product": 3_789, "User": 4_322, "Category": 54}
    assert records.clock.isoformat() == "2011-12-09T12:50:00+00:00"
    with quarantine_file(workdir, "online_retail").open(encoding="utf-8") as file:
        assert sum(1 for _ in file) == 22_446


def test_every_product_of_the_real_shop_is_usable(real: Any) -> None:
    records, _, _ = real
    products = records.nodes["Product"]
    assert products["title"].null_count == 0
    assert min(products["price"].to_pylist()) > 0
    assert set(records.events["product"].to_pylist()) == set(products["id"].to_pylist())
    assert len(set(records.events["id"].to_pylist())) == records.events.num_rows


def test_few_products_of_the_real_shop_have_no_category(real: Any) -> None:
    records, _, _ = real
    targets = records.relations["IN_CATEGORY"]["target"].to_pylist()
    leaves = {c["source"] for c in records.relations["CHILD_OF"].to_pylist()}
    assert len(leaves) == 42
    assert targets.count("other") < 0.02 * len(targets)
    assert max(map(targets.count, leaves)) < 0.1 * len(targets)


def test_reading_the_real_file_again_gives_the_same_records(real: Any, tmp_path: Path) -> None:
    records, workdir, path = real
    again = _read(path, tmp_path)
    assert again.events.equals(records.events)
    assert all(again.nodes[name].equals(table) for name, table in records.nodes.items())
    assert again.quality == records.quality
    files = [quarantine_file(folder, "online_retail").read_bytes() for folder in (workdir, tmp_path)]
    assert files[0] == files[1]

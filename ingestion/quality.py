"""The quality report as files: JSON for machines, one self-contained page for people."""

import json
from calendar import month_abbr
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from ingestion.account import CategoryCount, QualityReport
from schema.files import replacing_file

REASONS = {
    "duplicate": "Said twice",
    "return_netted": "Return, taken off its purchase",
    "returned_in_full": "Purchase, all of it returned",
    "return_unmatched": "Return of an unknown purchase",
    "not_merchandise": "Not merchandise",
    "negative_quantity": "Negative quantity",
    "zero_price": "Price of zero",
    "negative_price": "Negative price",
    "outlying_quantity": "Outlying quantity",
    "missing_value": "Something needed is empty",
    "unknown_behaviour": "Unknown behaviour",
    "nobody": "Nobody did it",
    "future": "In the future",
    "repeated_event_id": "Event id used twice",
    "field_count": "Wrong number of fields",
    "broken_quote": "Broken quotes",
    "bad_encoding": "Not readable in the encoding",
    "bad_json": "Not JSON",
    "bad_float": "Not a number",
    "bad_integer": "Not a whole number",
    "bad_datetime": "Not a time",
    "bad_boolean": "Not yes or no",
}
"""Reason codes in words; others are shown as they are, with blanks."""


@dataclass(frozen=True)
class Bar:
    """A month's events: its name, its year where one begins, and its height as a share of the highest."""

    month: str
    year: str
    count: int
    share: float


@dataclass(frozen=True)
class Department:
    """A category of the first level with those below it."""

    category: CategoryCount
    products: int
    children: tuple[CategoryCount, ...]


def write_report(report: QualityReport, folder: Path) -> tuple[Path, Path]:
    """Writes quality.json and quality.html into a folder and returns their paths.

    Raises:
        WriteError: the folder cannot be written.
    """

    data, html = folder / "quality.json", folder / "quality.html"
    with replacing_file(data) as aside:
        aside.write_text(json.dumps(report.as_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with replacing_file(html) as aside:
        aside.write_text(page(report), encoding="utf-8")
    return data, html


def page(report: QualityReport) -> str:
    """The HTML of a report; it needs no script, font or picture from elsewhere."""
    return _template().render(
        report=report,
        months=list(_bars(report.months)),
        departments=_departments(report.categories),
        reason=reason_text,
    )


def reason_text(code: str) -> str:
    """What a reason code means, in a few words."""
    return REASONS.get(code, code.replace("_", " ").capitalize())


def _bars(counts: dict[str, int]) -> Iterator[Bar]:
    highest = max(counts.values(), default=1)
    for position, (key, count) in enumerate(counts.items()):
        year, month = key.split("-")
        yield Bar(month_abbr[int(month)], year if position == 0 or month == "01" else "", count, count / highest)


def _departments(categories: tuple[CategoryCount, ...]) -> list[Department]:
    found = []
    for category in categories:
        if category.parent is None:
            children = tuple(sorted((c for c in categories if c.parent == category.id), key=lambda c: -c.products))
            total = category.products + sum(child.products for child in children)
            found.append(Department(category, total, children))
    return sorted(found, key=lambda d: -d.products)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["count"] = lambda number: f"{number:,}".replace(",", "\u202f")
    environment.filters["percent"] = _percent
    return environment.from_string(files("ingestion").joinpath("templates", "quality.html").read_text(encoding="utf-8"))


def _percent(part: int, whole: int) -> str:
    if not whole or not part:
        return "0 %"
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %" if share >= 0.1 else "< 0.1 %"

"""What became of every row: counts that must balance."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa

from ingestion.clean import StepCount
from ingestion.delimited import Broken
from ingestion.errors import BalanceError
from ingestion.rules import Source
from ingestion.step import LINE

_EXAMPLES = 3


@dataclass(frozen=True)
class Example:
    """A rejected row by its line, and why in its case."""

    line: int
    explanation: str


@dataclass(frozen=True)
class Reason:
    """How many rows of a source were rejected for one reason, with the first few of them."""

    code: str
    rows: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class ColumnQuality:
    """A mapped column, over the rows that were kept."""

    name: str
    column: str
    type: str
    missing: int
    distinct: int


@dataclass(frozen=True)
class SourceQuality:
    """What became of the rows of one file."""

    name: str
    file: str
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    reasons: tuple[Reason, ...]
    steps: tuple[StepCount, ...]
    columns: tuple[ColumnQuality, ...]


@dataclass(frozen=True)
class CategoryCount:
    """A category and how many products point to it directly."""

    id: str
    name: str
    parent: str | None
    products: int


@dataclass(frozen=True)
class Violation:
    """What a shape asks for and some nodes are not: how many, and the first few of them with their values."""

    path: str
    constraint: str
    severity: str
    message: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ShapeQuality:
    """How a graph was held against shapes.

    Attributes:
        checked: nodes, events and statements that were looked at.
        of: how many there are.
        violations: what was found.
        left_out: shapes that cannot be checked piece by piece, and why.
    """

    checked: int
    of: int
    violations: tuple[Violation, ...]
    left_out: tuple[str, ...]

    @property
    def conforms(self) -> bool:
        return not self.violations


@dataclass(frozen=True)
class QualityReport:
    """The whole account of a reading: sources, records, what people should know."""

    mapping: str
    sources: tuple[SourceQuality, ...]
    nodes: dict[str, int]
    relations: dict[str, int]
    events: int
    behaviours: dict[str, int]
    users: int
    anonymous_events: int
    first: datetime | None
    last: datetime | None
    clock: datetime | None
    months: dict[str, int]
    categories: tuple[CategoryCount, ...]
    notes: tuple[str, ...]
    shapes: ShapeQuality | None = None

    @property
    def rows_in(self) -> int:
        return sum(source.rows_in for source in self.sources)

    @property
    def rows_kept(self) -> int:
        return sum(source.rows_kept for source in self.sources)

    @property
    def rows_quarantined(self) -> int:
        return sum(source.rows_quarantined for source in self.sources)

    def as_dict(self) -> dict[str, Any]:
        """The form of quality.json; moments are ISO 8601 texts."""
        totals = {"rows_in": self.rows_in, "rows_kept": self.rows_kept, "rows_quarantined": self.rows_quarantined}
        document = {"mapping": self.mapping} | totals | asdict(self)
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in document.items()}


def source_quality(
    source: Source,
    raw: pl.DataFrame,
    broken: Sequence[Broken],
    kept: pl.DataFrame,
    rejected: pl.DataFrame,
    steps: tuple[StepCount, ...],
) -> SourceQuality:
    """The account of one source.

    Raises:
        BalanceError: a row is neither kept nor rejected, or counts twice.
    """
    seen = pl.concat([kept[LINE], rejected[LINE]])
    if len(seen) != raw.height or not seen.sort().equals(raw[LINE].sort()):
        raise BalanceError(
            f"{source.name}: {raw.height} rows in, but {kept.height} kept and {rejected.height} quarantined; "
            "a cleaning step loses or repeats rows, which is a mistake in Pathrec: please report it"
        )
    columns = tuple(_column(source, name, kept) for name in source.columns)
    return SourceQuality(
        name=source.name,
        file=source.path.name,
        rows_in=raw.height + len(broken),
        rows_kept=kept.height,
        rows_quarantined=rejected.height + len(broken),
        reasons=_reasons(rejected, broken),
        steps=steps,
        columns=columns,
    )


def account_of(
    mapping: str,
    sources: Sequence[SourceQuality],
    nodes: dict[str, pa.Table],
    relations: dict[str, pa.Table],
    events: pl.DataFrame,
    clock: datetime | None,
) -> QualityReport:
    """The account of a whole reading; its notes are still to be added."""
    times = events["time"]
    months = events.group_by(times.dt.strftime("%Y-%m").alias("month")).len().sort("month")
    behaviours = events["behaviour"].value_counts().sort("count", "behaviour", descending=[True, False])
    return QualityReport(
        mapping=mapping,
        sources=tuple(sources),
        nodes={name: table.num_rows for name, table in nodes.items()},
        relations={name: table.num_rows for name, table in relations.items()},
        events=events.height,
        behaviours=dict(behaviours.iter_rows()),
        users=events["user"].drop_nulls().n_unique(),
        anonymous_events=events["user"].null_count(),
        first=_moment(times.min()),
        last=_moment(times.max()),
        clock=clock,
        months=dict(months.iter_rows()),
        categories=_categories(nodes, relations),
        notes=(),
    )


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _categories(nodes: dict[str, pa.Table], relations: dict[str, pa.Table]) -> tuple[CategoryCount, ...]:
    if "Category" not in nodes:
        return ()
    products = Counter(relations["IN_CATEGORY"]["target"].to_pylist() if "IN_CATEGORY" in relations else ())
    tree = relations.get("CHILD_OF")
    parents = dict(zip(tree["source"].to_pylist(), tree["target"].to_pylist(), strict=True)) if tree else {}
    table = nodes["Category"]
    named = zip(table["id"].to_pylist(), table["name"].to_pylist(), strict=True)
    return tuple(CategoryCount(key, name or key, parents.get(key), products[key]) for key, name in named)


def _column(source: Source, name: str, kept: pl.DataFrame) -> ColumnQuality:
    spec = source.columns[name]
    cells = kept[name]
    return ColumnQuality(
        name=name,
        column=source.of_file(name),
        type=f"list of {spec.type}" if spec.split else spec.type,
        missing=cells.null_count(),
        distinct=cells.drop_nulls().n_unique(),
    )


def _reasons(rejected: pl.DataFrame, broken: Sequence[Broken]) -> tuple[Reason, ...]:
    lines = pl.DataFrame([(b.line, b.reason, b.explanation) for b in broken], schema=rejected.schema, orient="row")
    grouped = pl.concat([rejected, lines]).sort(LINE).group_by("reason", maintain_order=True)
    counted = grouped.agg(pl.len().alias("rows"), pl.col(LINE, "explanation").head(_EXAMPLES))
    return tuple(
        Reason(code, rows, tuple(Example(n, e) for n, e in zip(numbers, explanations, strict=True)))
        for code, rows, numbers, explanations in counted.sort("rows", "reason", descending=[True, False]).iter_rows()
    )

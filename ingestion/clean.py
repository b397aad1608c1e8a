"""The cleaning steps that a mapping can name, and how they are run one after another.

Each step sees the rows that the steps before it let through. The steps:
`require`, `upper`, `keep_matching`, `reject_matching`, `positive`, `distinct`, `net_returns`,
`reject_outliers`, `anonymous_session`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import polars as pl
from pydantic import Field, ValidationError, field_validator

from ingestion.places import Mistake, place
from ingestion.returns import NetReturns
from ingestion.step import LINE, Outcome, Refers, Step, divide, nothing_rejected, text
from schema.errors import suggestion

_NUMBER = Refers(("integer", "float"))
_TEXT = Refers(("string",))


class Require(Step):
    """Rejects rows in which one of the columns is empty."""

    columns: Annotated[tuple[str, ...], Refers()]

    def apply(self, rows: pl.DataFrame) -> Outcome:
        empty = [pl.col(c).is_null() for c in self.columns]
        first = pl.coalesce(*(pl.when(e).then(pl.lit(c)) for c, e in zip(self.columns, empty, strict=True)))
        return divide(rows, pl.any_horizontal(*empty), "missing_value", pl.format("{} is empty", first))


class Upper(Step):
    """Writes texts in capitals, for codes whose spelling varies."""

    columns: Annotated[tuple[str, ...], _TEXT]

    def apply(self, rows: pl.DataFrame) -> Outcome:
        changes = pl.any_horizontal(*(pl.col(c) != pl.col(c).str.to_uppercase() for c in self.columns))
        changed = int(rows.select(changes.fill_null(value=False).sum()).item())
        return Outcome(rows.with_columns(pl.col(*self.columns).str.to_uppercase()), nothing_rejected(), changed)


class _Matching(Step):
    column: Annotated[str, _TEXT]
    pattern: str
    reason: str
    because: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        return regular_expression(pattern)


class KeepMatching(_Matching):
    """Rejects rows whose text does not match the pattern, for the given reason; an empty cell stays."""

    def apply(self, rows: pl.DataFrame) -> Outcome:
        explanation = pl.format("{} {}: {}", pl.lit(self.column), text(self.column), pl.lit(self.because))
        return divide(rows, ~pl.col(self.column).str.contains(self.pattern), self.reason, explanation)


class RejectMatching(_Matching):
    """Rejects rows whose text matches the pattern, for the given reason."""

    def apply(self, rows: pl.DataFrame) -> Outcome:
        explanation = pl.format("{} {}: {}", pl.lit(self.column), text(self.column), pl.lit(self.because))
        return divide(rows, pl.col(self.column).str.contains(self.pattern), self.reason, explanation)


class Positive(Step):
    """Rejects rows whose number is negative or zero; rows for which `unless` matches are left alone."""

    column: Annotated[str, _NUMBER]
    unless: dict[str, str] = Field(default_factory=dict)

    @field_validator("unless")
    @classmethod
    def _compile(cls, unless: dict[str, str]) -> dict[str, str]:
        return {column: regular_expression(pattern) for column, pattern in unless.items()}

    def apply(self, rows: pl.DataFrame) -> Outcome:
        number = pl.col(self.column)
        spared = [pl.col(c).str.contains(p).fill_null(value=False) for c, p in self.unless.items()]
        bad = (number <= 0) & ~pl.any_horizontal(pl.lit(value=False), *spared)
        kind = pl.when(number < 0).then(pl.lit("negative")).otherwise(pl.lit("zero"))
        explanation = pl.format("{} is {}; it must be above zero", pl.lit(self.column), text(self.column))
        return divide(rows, bad, pl.format("{}_{}", kind, pl.lit(self.column)), explanation)

    def references(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        yield from super().references()
        yield from (("unless", column, ("string",)) for column in self.unless)


class Distinct(Step):
    """Rejects a row that says in every mapped column the same as an earlier one."""

    def apply(self, rows: pl.DataFrame) -> Outcome:
        said = [_plain(rows, column) for column in rows.columns if not column.startswith("#")]
        first = rows.with_columns(pl.col(LINE).first().over(said).alias("#first"))
        outcome = divide(
            first, pl.col(LINE) != pl.col("#first"), "duplicate", pl.format("the same as line {}", pl.col("#first"))
        )
        return Outcome(outcome.rows.drop("#first"), outcome.rejected)


def _plain(rows: pl.DataFrame, column: str) -> pl.Expr:
    # rows cannot be grouped by lists
    return pl.col(column).list.join("\x1f") if isinstance(rows.schema[column], pl.List) else pl.col(column)


class RejectOutliers(Step):
    """Rejects amounts far above what is usual for the same thing.

    With x = log2(amount): an amount is out if x > median + deviations · max(1.4826 · MAD, 1), median and
    MAD (the median distance from the median) taken over all rows with the same `by`. The logarithm,
    because amounts spread by factors; at least 1, a factor of two, because many things are always
    bought in the same amount; medians, because outliers must not move the bound that judges them.
    Groups of less than `least` rows are not judged.
    """

    column: Annotated[str, _NUMBER]
    by: Annotated[str, Refers()]
    deviations: float = 6.0
    least: int = 10

    def apply(self, rows: pl.DataFrame) -> Outcome:
        x = pl.col(self.column).cast(pl.Float64).log(2.0)
        usable = pl.when(pl.col(self.column) > 0).then(x)
        marked = rows.with_columns(usable.alias("#x")).with_columns(pl.col("#x").median().over(self.by).alias("#m"))
        spread = (pl.col("#x") - pl.col("#m")).abs().median().over(self.by) * 1.4826
        bound = pl.col("#m") + self.deviations * pl.max_horizontal(spread, pl.lit(1.0))
        marked = marked.with_columns(
            pl.lit(2.0).pow(bound).alias("#bound"), pl.col("#x").count().over(self.by).alias("#n")
        )
        far = (pl.col("#n") >= self.least) & (pl.col(self.column) > pl.col("#bound"))
        explanation = pl.format(
            "{} {} is far above the usual {} of {}; the bound is {}",
            pl.lit(self.column), text(self.column), pl.lit(2.0).pow(pl.col("#m")).round(1), text(self.by),
            pl.col("#bound").round(0).cast(pl.Int64),
        )  # fmt: skip
        outcome = divide(marked, far, f"outlying_{self.column}", explanation)
        return Outcome(outcome.rows.drop("#x", "#m", "#bound", "#n"), outcome.rejected)


class AnonymousSession(Step):
    """Leaves a session only to rows without a user: the visit of somebody who is not known otherwise."""

    session: Annotated[str, Refers()]
    user: Annotated[str, Refers()]

    def apply(self, rows: pl.DataFrame) -> Outcome:
        known = pl.col(self.user).is_not_null()
        changed = int(rows.select((known & pl.col(self.session).is_not_null()).sum()).item())
        session = pl.when(~known).then(pl.col(self.session)).alias(self.session)
        return Outcome(rows.with_columns(session), nothing_rejected(), changed)


STEPS: Mapping[str, type[Step]] = {
    "require": Require,
    "upper": Upper,
    "keep_matching": KeepMatching,
    "reject_matching": RejectMatching,
    "positive": Positive,
    "distinct": Distinct,
    "net_returns": NetReturns,
    "reject_outliers": RejectOutliers,
    "anonymous_session": AnonymousSession,
}


@dataclass(frozen=True)
class StepCount:
    """What one step did to a source: the columns it looks at, rows that came, rows it rejected, rows it changed."""

    name: str
    columns: tuple[str, ...]
    rows: int
    rejected: int
    changed: int


@dataclass(frozen=True)
class Cleaned:
    """Rows that passed all steps, the rejections of all steps, and a count for each step."""

    rows: pl.DataFrame
    rejected: pl.DataFrame
    counts: tuple[StepCount, ...]


def clean(rows: pl.DataFrame, steps: Sequence[Step]) -> Cleaned:
    """Runs steps one after another over rows that are in the order of their lines."""
    rejected, counts = [nothing_rejected()], []
    for step in steps:
        outcome = step.apply(rows)
        columns = tuple(dict.fromkeys(column for _, column, _ in step.references()))
        counts.append(StepCount(step_name(step), columns, rows.height, outcome.rejected.height, outcome.changed))
        rejected.append(outcome.rejected)
        rows = outcome.rows
    return Cleaned(rows, pl.concat(rejected), tuple(counts))


def step_name(step: Step) -> str:
    """The name under which a mapping asks for the step."""
    return next(name for name, kind in STEPS.items() if kind is type(step))


def parse_step(entry: object) -> tuple[Step | None, list[Mistake]]:
    """A step from its form in a mapping, `{name: {parameter: value}}`, or what is wrong with it."""
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, dict) or len(entry) != 1:
        return None, [("", "a step is one name with its parameters, as in `- require: {columns: [title]}`")]
    name, parameters = next(iter(entry.items()))
    if name not in STEPS:
        return None, [(str(name), f"unknown step; {suggestion(str(name), STEPS)}")]
    try:
        return STEPS[name].model_validate(parameters or {}), []
    except ValidationError as error:
        return None, [_mistake(name, problem["loc"], problem["type"], problem["msg"]) for problem in error.errors()]


def _mistake(name: str, location: tuple[int | str, ...], kind: str, message: str) -> Mistake:
    if kind == "extra_forbidden":
        message = f"unknown parameter; {suggestion(str(location[-1]), STEPS[name].model_fields)}"
    return place((name, *location)), message


def regular_expression(pattern: str) -> str:
    """The pattern itself, if it is one.

    Raises:
        ValueError: it is not a regular expression of the kind that polars reads (no look-around).
    """
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        raise ValueError(f"not a regular expression ({error})") from error
    return pattern

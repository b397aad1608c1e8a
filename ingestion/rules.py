"""The form of a mapping: what may stand in its YAML and what each part means.

docs/ingestion.md describes it for those who write one.
"""

from collections.abc import Mapping as Dictionary
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, field_validator, model_validator
from pydantic_core import ErrorDetails

from ingestion.places import Mistake, place
from ingestion.step import Step
from schema.errors import suggestion
from schema.ontology import PropertyType

Format = Literal["csv", "tsv", "jsonl", "parquet"]
FORMATS: Dictionary[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""Suffix of a file (after `.gz` is taken off) and the format that it stands for."""

EPOCHS = ("epoch_s", "epoch_ms")
"""Formats of a datetime that count from 1970."""

_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"


class Part(BaseModel):
    """A part of the document; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Part):
    """A column of a file: where it stands there and how its cells are read."""

    column: str = ""
    type: PropertyType = "string"
    format: str | None = None
    zone: str = "UTC"
    split: str | None = Field(default=None, min_length=1)
    missing: tuple[str, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {zone}; write it as Europe/London") from error
        return zone

    @model_validator(mode="after")
    def _fits(self) -> "Column":
        if self.format and self.type != "datetime":
            raise ValueError("format is for columns of type datetime")
        if self.format and self.format not in EPOCHS and not _tells_the_day(self.format):
            raise ValueError(f"{self.format} reads no date; write it as %d/%m/%Y %H:%M, epoch_s or epoch_ms")
        if self.split and self.type != "string":
            raise ValueError("a column that is split holds strings; leave out its type")
        return self


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float | bool | None):
        raise ValueError("a constant is one text, number or truth value; put a text in quotes")
    return value


def _tells_the_day(pattern: str) -> bool:
    """Whether a moment that is written by the pattern can be read back by it, to the day."""
    moment = pl.Series([datetime(2011, 12, 25, 16, 45, 30, tzinfo=UTC)])
    try:
        read = moment.dt.strftime(pattern).str.to_datetime(pattern, strict=False).dt.date()
    except pl.exceptions.PolarsError:
        return False
    return bool((read == moment.dt.date()).fill_null(value=False).all())


class Value(Part):
    """What a property or an event takes from a row: a column, or the same text in every row."""

    column: str | None = None
    constant: Annotated[str | float | bool | None, BeforeValidator(_scalar)] = None
    choose: Literal["last", "most_frequent", "median"] = "last"
    values: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_of(self) -> "Value":
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either a column or a constant")
        return self


def _column(value: object) -> object:
    return {"column": value} if isinstance(value, str) else {} if value is None else value


AnyValue = Annotated[Value, BeforeValidator(_column)]


class NodeRule(Part):
    """Rows become nodes of a type."""

    type: str
    id: str
    properties: dict[str, AnyValue] = {}


class RelationRule(Part):
    """Rows become relations."""

    name: str
    source: str
    target: str
    weight: str | None = None
    time: str | None = None


class EventRule(Part):
    """Rows become events."""

    product: str
    behaviour: AnyValue
    time: str
    user: str | None = None
    session: str | None = None
    basket: str | None = None
    value: str | None = None
    id: str | None = None


class Source(Part):
    """A file: how it is read, cleaned, and what its rows become."""

    path: Path
    name: str = ""
    format: Format | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    columns: dict[Annotated[str, Field(pattern=_NAME)], Annotated[Column, BeforeValidator(_column)]] = Field(
        min_length=1
    )
    clean: tuple[InstanceOf[Step], ...] = ()
    nodes: tuple[NodeRule, ...] = ()
    relations: tuple[RelationRule, ...] = ()
    events: tuple[EventRule, ...] = ()

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if "/" in name or "\\" in name or name.startswith("."):
            raise ValueError("a name becomes that of a file; write it without / and \\ and without a dot in front")
        return name

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ValueError(f"no encoding {encoding}; common ones are utf-8, latin-1, cp1252, utf-16") from error
        return encoding

    def of_file(self, column: str) -> str:
        """The name that one of the mapping's columns has in the file."""
        return self.columns[column].column or column


class CategoryRule(Part):
    """Categories derived from a text of the products, for a shop that has none."""

    source: str = Field(alias="from")
    tree: dict[str, dict[str, tuple[str, ...]]] = Field(min_length=1)
    motifs: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Document(Part):
    """The whole mapping as it is written."""

    format: Literal[1]
    name: str
    clock: Literal["wall", "data"] = "wall"
    images: Path | None = None
    sources: tuple[Source, ...] = Field(min_length=1)
    categories: CategoryRule | None = None


def format_of(path: Path) -> Format | None:
    """The format that a file's suffix stands for."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return FORMATS.get(plain.suffix.lower())


_MODELS: Dictionary[str, type[Part]] = {
    "sources": Source,
    "columns": Column,
    "nodes": NodeRule,
    "properties": Value,
    "behaviour": Value,
    "relations": RelationRule,
    "events": EventRule,
    "categories": CategoryRule,
}


def mistake(problem: ErrorDetails) -> Mistake:
    """A mistake in the words of a person, from one of pydantic."""
    location = tuple(part for part in problem["loc"] if part != "[key]")
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        sections = [part for part in location[:-1] if part in _MODELS]
        model = _MODELS[str(sections[-1])] if sections else Document
        known = [field.alias or name for name, field in model.model_fields.items()]
        message = f"unknown key; {suggestion(str(location[-1]), known)}"
    return place(location), message

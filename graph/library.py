"""Saved queries: what merchandisers and analysts ask, as Cypher that runs unchanged on either engine.

Each is a file of `graph/queries`, named after its query. It begins with a header in comments, a line for each field:

    // title: Last buyers of a product
    // question: Who bought a product last, and when?
    // parameter: product text -- id of the product
    // parameter: limit whole = 20 -- the most rows
    // example: {"product": "tea", "limit": 1}
    // row: {"user": "dot", "day": "2024-06-24", "purchases": 1}

    MATCH (:Product {id: $product})<-[:ON]-(e:Event) ...

A parameter has a name, a type, a default where it need not be given, and its meaning. A date is written as people do
and reaches the query in milliseconds. The example holds all rows of one run on the shop of the tests.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from graph.cypher import Query, parameter_names
from graph.errors import StoreError
from graph.times import to_ms
from schema.errors import suggestion

ParameterType = Literal["text", "whole", "number", "date"]
Value = str | int | float

TYPES: Mapping[ParameterType, str] = {
    "text": "a text",
    "whole": "a whole number from 0",
    "number": "a number",
    "date": "a date as 2024-05-31, or a moment as 2024-05-31T10:00Z",
}

_SUFFIX = ".cypher"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FIELD = re.compile(r"// ([a-z]+): (\S.*)")
_PARAMETER = re.compile(r"([a-z]+) (\w+)(?: = (.+?))? -- (.+)")
_LARGEST = 2**63 - 1


class SavedQueryError(StoreError):
    """There is no such saved query, what it was given does not fit, or its file is not of the form."""


@dataclass(frozen=True)
class Parameter:
    """What a saved query has to be told; without a default it must be."""

    name: str
    type: ParameterType
    meaning: str
    default: Value | None = None


@dataclass(frozen=True)
class SavedQuery:
    """A question, its Cypher, and what the shop of the tests answers to it.

    Attributes:
        name: of the file.
        title, question: in plain words.
        parameters: in the order of the header.
        text: the Cypher, without the header.
        example: values for the parameters, as a person gives them.
        rows: all that comes back for the example, by column.
    """

    name: str
    title: str
    question: str
    parameters: tuple[Parameter, ...]
    text: str
    example: Mapping[str, Value]
    rows: tuple[Mapping[str, Any], ...]

    def query(self, given: Mapping[str, object]) -> Query:
        """The query with its values: texts as they come from a command line are converted.

        Raises:
            SavedQueryError: a value is missing, is of no parameter, or does not fit its type.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                raise SavedQueryError(f"{self.name}: no parameter {name}; {suggestion(name, known)}")
        return Query(self.text, {name: self._value(parameter, given) for name, parameter in known.items()})

    def _value(self, parameter: Parameter, given: Mapping[str, object]) -> Value:
        value = given.get(parameter.name, parameter.default)
        if value is None:
            raise SavedQueryError(f"{self.name}: give the parameter {parameter.name}, {parameter.meaning}")
        try:
            return _CONVERTED[parameter.type](value)
        except (ValueError, TypeError, OverflowError) as error:
            wanted = TYPES[parameter.type]
            raise SavedQueryError(f"{self.name}: {parameter.name} is {wanted}, not {value!r}") from error


@cache
def saved_queries() -> Mapping[str, SavedQuery]:
    """All saved queries by name, in the order of their names."""
    folder = files("graph") / "queries"
    found = sorted(file.name for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    return {
        query.name: query for query in (read_saved(name, (folder / name).read_text(encoding="utf-8")) for name in found)
    }


def saved_query(name: str) -> SavedQuery:
    """One by its name.

    Raises:
        SavedQueryError: there is none.
    """
    found = saved_queries()
    if name not in found:
        raise SavedQueryError(f"no saved query {name}; {suggestion(name, found)} `pathrec queries` lists them")
    return found[name]


def read_saved(file: str, text: str) -> SavedQuery:
    """A saved query from the text of its file.

    Raises:
        SavedQueryError: with file and line, where the text is not of the form.
    """
    return _Reading(file).read(text.splitlines())


@dataclass
class _Reading:
    """One pass over a file, line by line."""

    file: str
    line: int = 0
    single: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    def read(self, lines: list[str]) -> SavedQuery:
        name = self.file.removesuffix(_SUFFIX)
        if not self.file.endswith(_SUFFIX) or not _NAME.fullmatch(name):
            raise self._error("a saved query is a file such as last-buyers.cypher: small letters, digits and hyphens")
        header = next((number for number, line in enumerate(lines) if not line.startswith("//")), len(lines))
        for self.line, line in enumerate(lines[:header], start=1):
            self._field(line)
        self.line = header
        for wanted in ("title", "question", "example"):
            if wanted not in self.single:
                raise self._error(f"the header has no {wanted}; add a line `// {wanted}: …`")
        if not self.rows:
            raise self._error("the header has no row of the example; add lines `// row: {…}`")
        query = SavedQuery(
            name,
            self.single["title"],
            self.single["question"],
            tuple(self.parameters.values()),
            "\n".join(lines[header:]).strip(),
            self._example(),
            tuple(self.rows),
        )
        self._check(query)
        return query

    def _field(self, line: str) -> None:
        matched = _FIELD.fullmatch(line)
        name, value = matched.groups() if matched else ("", "")
        if name == "parameter":
            self._parameter(value)
        elif name == "row":
            self._row(value)
        elif name not in ("title", "question", "example"):
            raise self._error(
                "not a field of the header: title, question, parameter, example, row, each as `// title: …`"
            )
        elif name in self.single:
            raise self._error(f"a second {name}")
        else:
            self.single[name], self.lines[name] = value, self.line

    def _parameter(self, value: str) -> None:
        matched = _PARAMETER.fullmatch(value)
        if matched is None:
            raise self._error("write a parameter as `NAME TYPE -- MEANING` or `NAME TYPE = DEFAULT -- MEANING`")
        name, kind, default, meaning = matched.groups()
        if name in self.parameters:
            raise self._error(f"a second parameter {name}")
        types: dict[str, ParameterType] = {each: each for each in get_args(ParameterType)}
        if kind not in types:
            raise self._error(f"no type {kind} of a parameter; {suggestion(kind, types)}")
        parameter = Parameter(name, types[kind], meaning, None if default is None else self._json(default))
        if default is not None:
            try:
                _CONVERTED[parameter.type](parameter.default)
            except (ValueError, TypeError, OverflowError) as error:
                raise self._error(f"the default of {name} is {TYPES[parameter.type]}, not {default}") from error
        self.parameters[name] = parameter

    def _row(self, value: str) -> None:
        row = self._json(value)
        if not isinstance(row, dict) or not row:
            raise self._error('a row is an object of JSON, column by column: {"product": "tea", "baskets": 3}')
        if self.rows and list(row) != list(self.rows[0]):
            raise self._error(f"this row has other columns than the first: {', '.join(row)}")
        self.rows.append(row)

    def _example(self) -> Mapping[str, Value]:
        self.line = self.lines["example"]
        example = self._json(self.single["example"])
        if not isinstance(example, dict):
            raise self._error('an example is an object of JSON, parameter by parameter: {"product": "tea"}')
        return example

    def _check(self, query: SavedQuery) -> None:
        """The example fits the parameters, and these are the ones that the query names."""
        try:
            query.query(query.example)
        except SavedQueryError as error:
            raise self._error(f"the example does not fit: {error}") from error
        self.line = 1
        if not query.text:
            raise self._error("there is no query below the header")
        named = parameter_names(query.text)
        for name in sorted(named ^ self.parameters.keys()):
            what = "is used and not declared" if name in named else "is declared and not used"
            raise self._error(f"the parameter {name} {what}")

    def _json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise self._error(f"not JSON: {text} ({error})") from error

    def _error(self, reason: str) -> SavedQueryError:
        return SavedQueryError(f"graph/queries/{self.file}:{self.line}: {reason}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    number = int(value)
    if not 0 <= number <= _LARGEST:
        raise ValueError
    return number


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _date(value: object) -> int:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


_CONVERTED: Mapping[ParameterType, Callable[[object], Value]] = {
    "text": _text,
    "whole": _whole,
    "number": _number,
    "date": _date,
}

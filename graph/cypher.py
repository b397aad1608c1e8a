"""Cypher as data: a text whose values are parameters, with labels taken from the ontology only."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True)
class Query:
    """A query and its values."""

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def quoted(name: str) -> str:
    """A label, relation or property name, safe at its place in a query."""
    return "`" + name.replace("`", "``") + "`"


def any_of(names: Iterable[str]) -> str:
    """Alternative relation names as a pattern takes them: `A`|`B`."""
    return "|".join(quoted(name) for name in names)


def parameter_names(text: str) -> set[str]:
    """Names of the parameters that a text has."""
    return set(_PARAMETER.findall(text))


def as_text(query: Query) -> str:
    """The query with its values written into it, for a person to paste into a shell or a browser."""
    return _PARAMETER.sub(lambda match: literal(query.parameters[match.group(1)]), query.text)


def literal(value: object) -> str:
    """A value as Cypher writes it. Strings use only escapes that both engines read alike.

    Raises:
        TypeError: the value is neither text, number, boolean, null nor a list of such.
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    raise TypeError(f"a {type(value).__name__} has no literal in Cypher")


def _text(value: str) -> str:
    # json escapes quotes, backslashes and control characters just as Cypher reads them; anything
    # beyond ASCII stays as it is.
    return json.dumps(value, ensure_ascii=False)

"""What a query in Cypher found, as a table for people, and as JSON and CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from api import drawing
from api.console import as_json as console_json
from api.forms import Form
from graph import Table

_SHOWN = 3
_LENGTH = 60


def write(found: Table, form: Form) -> None:
    """Puts an answer on standard output, and on standard error that it has more, where its form cannot say so."""
    if form == "table":
        console = Console(highlight=False)
        console.print(as_grid(found))
        console.print(_counted(found), highlight=False, markup=False)
        return
    sys.stdout.write(_WRITERS[form](found))
    if not found.complete and form != "json":
        Console(stderr=True, highlight=False).print(_counted(found), markup=False)


def as_grid(found: Table) -> Grid:
    """A table for a terminal; numbers stand to the right."""
    grid = Grid()
    for number, name in enumerate(found.columns):
        values = [row[number] for row in found.rows]
        figures = all(isinstance(value, int | float) for value in values if value is not None)
        grid.add_column(Text(name), justify="right" if figures and values else "left", overflow="fold")
    for row in found.rows:
        grid.add_row(*(Text(in_words(value)) for value in row))
    return grid


def as_document(found: Table) -> dict[str, Any]:
    """What JSON is made of."""
    return {"columns": list(found.columns), "rows": [list(row) for row in found.rows], "complete": found.complete}


def as_csv(found: Table) -> str:
    """Lines of values with a line of names first; what is not a plain value is JSON, and what is missing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(found.columns)
    writer.writerows([_cell(value) for value in row] for row in found.rows)
    return text.getvalue()


def as_picture(found: Table) -> str:
    """The nodes and relationships as SVG; see `api.drawing`."""
    return drawing.as_svg(drawing.drawn(found))


def as_graph(found: Table) -> str:
    """The nodes and relationships as DOT."""
    return drawing.as_dot(drawing.drawn(found))


def in_words(value: Any) -> str:
    """A value in one line, a node or relationship much as Cypher writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and value.get("kind") == "path":
        return _path(value)
    return _short(value)


_WRITERS: Mapping[str, Callable[[Table], str]] = {
    "json": lambda found: console_json(as_document(found)) + "\n",
    "csv": as_csv,
    "graph": as_picture,
    "dot": as_graph,
}


def _counted(found: Table) -> str:
    number = f"{len(found.rows):,} row{'' if len(found.rows) == 1 else 's'}"
    return number if found.complete else f"the first {number}; there are more"


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return json.dumps(value, ensure_ascii=False)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        kind = value.get("kind")
        if kind == "node":
            return f"(:{':'.join(value['labels'])}{_properties(value['properties'])})"
        if kind == "relationship":
            return f"[:{value['type']}{_properties(value['properties'])}]"
        return "{" + ", ".join(f"{name}: {_short(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _properties(properties: Mapping[str, Any]) -> str:
    """The key and a few more; a whole node would fill the screen."""
    if not properties:
        return ""
    first = sorted(properties.items(), key=lambda item: item[0] != "id")
    shown = [f"{name}: {_cut(json.dumps(value, ensure_ascii=False))}" for name, value in first[:_SHOWN]]
    return " {" + ", ".join(shown) + (", …}" if len(first) > _SHOWN else "}")


def _path(path: Mapping[str, Any]) -> str:
    nodes = path["nodes"]
    text = _short(nodes[0])
    for before, relationship, after in zip(nodes, path["relationships"], nodes[1:], strict=False):
        forward = relationship["source"] == before["element"]
        text += f"{'-' if forward else '<-'}{_short(relationship)}{'->' if forward else '-'}{_short(after)}"
    return text


def _cut(text: str) -> str:
    return text if len(text) <= _LENGTH else text[: _LENGTH - 1] + "…"

"""Where in a YAML document something stands, so that a message can name place and line."""

from collections.abc import Iterator, Mapping

import yaml

Mistake = tuple[str, str]
"""A place ("sources[0].columns.price") and what is wrong there."""


def place(parts: tuple[int | str, ...]) -> str:
    """The path to a part of a document, as people write it: `sources[0].columns.price`."""
    written = ""
    for part in parts:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else str(part)
    return written


def lines_of_places(text: str) -> tuple[dict[str, int], list[Mistake]]:
    """Line number of every place of a YAML text, and a mistake for each key that is there twice."""
    lines: dict[str, int] = {}
    twice: list[Mistake] = []
    for where, line in _walk(yaml.compose(text, Loader=yaml.SafeLoader), ()):
        if where in lines:
            twice.append((where, f"is there twice (lines {lines[where]} and {line}); keep one"))
        lines[where] = line
    return lines, twice


def listed(document: str, mistakes: list[Mistake], lines: Mapping[str, int]) -> str:
    """All mistakes, one a line, each with the document, the line and the place."""
    rows = []
    for where, message in dict.fromkeys(mistakes):
        line = _nearest_line(where, lines)
        rows.append(
            f"{document}{f':{line}' if line else ''}: {where}: {message}" if where else f"{document}: {message}"
        )
    return "\n".join(rows)


def _walk(node: yaml.Node | None, parts: tuple[int | str, ...]) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*parts, str(key.value))
            yield place(inner), key.start_mark.line + 1
            yield from _walk(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*parts, index)
            yield place(inner), value.start_mark.line + 1
            yield from _walk(value, inner)


def _nearest_line(where: str, lines: Mapping[str, int]) -> int | None:
    while where:
        if where in lines:
            return lines[where]
        where = where[: max(where.rfind("."), where.rfind("["), 0)]
    return None

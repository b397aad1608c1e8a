"""Brings the table of docs/queries.md up to date with the headers of the saved queries.

python -m tools.saved_queries
"""

import re
from pathlib import Path

from graph.library import Parameter, saved_queries
from schema.errors import PathrecError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "queries.md"
HEAD = "| name | question | parameters |\n|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")


def main() -> None:
    """Writes the page."""
    PAGE.write_text(current(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def current(page: str) -> str:
    """The page with its table as the headers have it.

    Raises:
        PathrecError: the page has no such table.
    """
    if TABLE.search(page) is None:
        raise PathrecError(f"{PAGE.name}: there is no table that begins with {HEAD.splitlines()[0]}")
    rows = [
        f"| `{saved.name}` | {saved.question} | {', '.join(map(_written, saved.parameters))} |"
        for saved in saved_queries().values()
    ]
    table = HEAD + "\n".join(rows) + "\n"
    return TABLE.sub(lambda _: table, page, count=1)


def _written(parameter: Parameter) -> str:
    return f"`{parameter.name}`" if parameter.default is None else f"`{parameter.name}` = {parameter.default}"


if __name__ == "__main__":
    main()

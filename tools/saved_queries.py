"""Brings the tables of docs/queries.md up to date: with the headers of the saved queries, and with how long they take.

    python -m tools.saved_queries [embedded.json neo4j.json]

The files are those of `python -m benchmarks.saved_queries`; without them the figures stay.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graph.library import Parameter, saved_queries
from schema.errors import PathrecError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "queries.md"
HEAD = "| name | question | parameters |\n|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")
TIMES_MARK = "<!-- times -->\n"
TIMES = re.compile(re.escape(TIMES_MARK) + r"(?:\|.*\n)*")


def main() -> None:
    """Writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path, nargs="*", help="what the benchmark wrote, a column for each")
    figures = [json.loads(path.read_text(encoding="utf-8")) for path in parser.parse_args().figures]
    page = current(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(with_times(page, figures) if figures else page, encoding="utf-8")


def with_times(page: str, figures: Sequence[dict[str, Any]]) -> str:
    """The page with how long each query took in each run of the benchmark."""
    heads = [f" {run['machine']['engine']} p50 | worst | plain driver p50 |" for run in figures]
    lines = ["| milliseconds |" + "".join(heads), "|---|" + "---:|" * (3 * len(figures))]
    known = [{timing["name"]: timing for timing in run["queries"]} for run in figures]
    for name in known[0]:
        cells = [
            f" {timings[name][figure]:,.0f} |" if name in timings else " |"
            for timings in known
            for figure in ("p50", "worst", "plain_p50")
        ]
        lines.append(f"| `{name}` |{''.join(cells)}")
    return TIMES.sub(lambda _: TIMES_MARK + "\n".join(lines) + "\n", page, count=1)


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

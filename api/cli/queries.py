"""The command about saved queries: queries."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import JsonOption
from api.console import Output

if TYPE_CHECKING:
    from graph.library import SavedQuery


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog="Example: pathrec queries last-buyers")(queries)


def queries(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The one to show. [default: list all]")] = None,
    json: JsonOption = None,
) -> None:
    """List the saved queries, or show one: its question, parameters, Cypher, and an example with its answer."""
    from graph.library import saved_queries, saved_query

    output = Output(json)
    if name is not None:
        saved = saved_query(name)
        _show(output, saved)
        output.document(asdict(saved))
        return
    found = saved_queries().values()
    width = max(len(saved.name) for saved in found)
    for saved in found:
        output.say(f"{saved.name:{width}}  {saved.title}\n{'':{width}}  {saved.question}")
    output.document({"queries": [_listed(saved) for saved in found]})


def _listed(saved: "SavedQuery") -> dict[str, Any]:
    return {key: value for key, value in asdict(saved).items() if key in ("name", "title", "question", "parameters")}


def _show(output: Output, saved: "SavedQuery") -> None:
    output.say(f"{saved.title}\n{saved.question}\n")
    for parameter in saved.parameters:
        default = "" if parameter.default is None else f" [default: {parameter.default}]"
        output.say(f"  {parameter.name} ({parameter.type}): {parameter.meaning}{default}")
    output.say(f"\n{saved.text}\n")
    given = ", ".join(f"{key}={value}" for key, value in saved.example.items())
    rows = [["" if value is None else str(value) for value in row.values()] for row in saved.rows]
    output.table(f"In a small shop{', ' if given else ''}{given}", list(saved.rows[0]), rows)

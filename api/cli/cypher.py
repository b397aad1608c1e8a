"""The command that asks the graph in Cypher: cypher."""

import json as json_text
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import HomeOption, JsonOption, StoreOption, open_store, settings_of
from api.console import STANDARD_OUTPUT, Output
from api.forms import Form

if TYPE_CHECKING:
    from graph import Query


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog='Example: pathrec cypher "MATCH (p:Product) RETURN p.id, p.title LIMIT 5"')(cypher)


def cypher(
    query: Annotated[
        str | None,
        typer.Argument(help="The query; - reads it from standard input. [default: a shell]", show_default=False),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME=VALUE",
            help="A value of the query's $NAME; may be repeated. A VALUE that is JSON is taken as such, else as text.",
        ),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="How the answer is written; graph is a drawing as SVG, dot for Graphviz.")
    ] = "table",
    rows: Annotated[int, typer.Option("--rows", min=1, help="The most rows that are shown.")] = 1_000,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="The longest that the query may take.")] = 30.0,
    explain: Annotated[bool, typer.Option("--explain", help="Show the plan and run nothing.")] = False,
    home: HomeOption = None,
    store: StoreOption = None,
    json: JsonOption = None,
) -> None:
    """Ask the graph in Cypher, once or in a shell. Nothing is ever changed.

    The shell has a history and completes labels, relations, properties and words of Cypher; :help shows more.
    """
    from api import answers

    settings, given, output = settings_of(home, store), parameters(param or []), Output(json)
    with open_store(settings) as opened:
        if query is None:
            from api.cypher_shell import Shell

            Shell(opened, settings.home / "cypher_history", given, form, rows, seconds).run()
        elif explain:
            plan = opened.explain(_query(query, given))
            output.say(plan)
            output.document({"plan": plan})
        else:
            found = opened.explore(_query(query, given), rows, seconds=seconds)
            if json != STANDARD_OUTPUT:
                answers.write(found, form)
            output.document(answers.as_document(found))


def parameters(given: list[str]) -> dict[str, Any]:
    """Values by name, of `NAME=VALUE` each.

    Raises:
        typer.BadParameter: one has no name.
    """
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE, as in id=tea", param_hint="--param")
        found[name.strip().removeprefix("$")] = as_value(value)
    return found


def as_value(text: str) -> Any:
    """JSON, or the text itself where it is none."""
    try:
        return json_text.loads(text)
    except ValueError:
        return text


def _query(text: str, given: dict[str, Any]) -> "Query":
    from graph import Query

    if text == "-":
        text = sys.stdin.read()
    return Query(text, given)

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
    saved: Annotated[
        str | None,
        typer.Option("--saved", metavar="NAME", help="A saved query in place of QUERY; `pathrec queries` lists them."),
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

    settings, output = settings_of(home, store), Output(json)
    asked = _asked(query, saved, param or [])
    with open_store(settings) as opened:
        if asked is None:
            from api.cypher_shell import Shell

            given = parameters(param or [])
            Shell(opened, settings.home / "cypher_history", given, form, rows, seconds).run()
        elif explain:
            plan = opened.explain(asked)
            output.say(plan)
            output.document({"plan": plan})
        else:
            found = opened.explore(asked, rows, seconds=seconds)
            if json != STANDARD_OUTPUT:
                answers.write(found, form)
            output.document(answers.as_document(found))


def parameters(given: list[str]) -> dict[str, Any]:
    """Values by name, of `NAME=VALUE` each, taken as JSON where they are.

    Raises:
        typer.BadParameter: one has no name.
    """
    return {name: as_value(text) for name, text in _texts(given).items()}


def _texts(given: list[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{each!r} is not NAME=VALUE, as in id=tea", param_hint="--param")
        found[name.strip().removeprefix("$")] = value
    return found


def as_value(text: str) -> Any:
    """JSON, or the text itself where it is none."""
    try:
        return json_text.loads(text)
    except ValueError:
        return text


def _asked(text: str | None, saved: str | None, given: list[str]) -> "Query | None":
    """What is to be run; None for a shell. A saved query knows the types of its parameters itself."""
    from graph import Query
    from graph.library import saved_query

    if saved is not None:
        if text is not None:
            raise typer.BadParameter("give a query or --saved, not both", param_hint="--saved")
        return saved_query(saved).query(_texts(given))
    if text is None:
        return None
    return Query(sys.stdin.read() if text == "-" else text, parameters(given))

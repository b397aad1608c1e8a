"""The command that answers without a server: recommend."""

from typing import Annotated, Any

import typer

from api.cli.options import ArtifactOption, HomeOption, JsonOption, StoreOption, settings_of
from api.console import Output


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog="Example: pathrec recommend 17850 --explain")(recommend)


def recommend(
    user: Annotated[str, typer.Argument(help="The shop's own id of somebody; an unknown one gets what is popular.")],
    explain: Annotated[bool, typer.Option("--explain", help="Say why, in parts that sum to the score.")] = False,
    first: Annotated[int, typer.Option("--first", min=1, max=100, help="How many products.")] = 10,
    store: StoreOption = None,
    artifact: ArtifactOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Recommend products to a user, as the server would now."""
    from api import offline

    output = Output(json)
    answer = offline.recommend(settings_of(home, store, artifact), user, first=first, explained=explain)
    output.say(f"{answer['strategy']}, model {answer['model_version']}, as of {answer['as_of']}")
    for row in answer["recommendations"]:
        output.say(f"{row['rank']:3}  {row['score']:10.4f}  {row['title']} ({row['product_id']})")
        if explain:
            _say_why(output, row["explanation"])
    output.document(answer)


def _say_why(output: Output, why: dict[str, Any]) -> None:
    output.say(f"     {why['prior']:10.4f}  what everybody gets")
    for part in why["contributions"]:
        output.say(f"     {part['value']:10.4f}  {part['text']}")
    if why["remainder"]["count"]:
        output.say(f"     {why['remainder']['value']:10.4f}  {why['remainder']['count']} smaller parts")

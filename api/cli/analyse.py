"""The command about graph analytics: analyse."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from api.cli.options import HomeOption, JsonOption, SeedOption, StoreOption, open_store, settings_of
from api.console import Output


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog="Example: pathrec analyse --way SAME_BASKET")(analyse)


def analyse(
    snapshot: Annotated[
        Path | None, typer.Argument(metavar="[SNAPSHOT]", help="A snapshot of the shop. [default: the graph as it is]")
    ] = None,
    way: Annotated[
        str, typer.Option("--way", help="What joins two products: a meeting or relation of the ontology.")
    ] = "CO_BUYER",
    tool: Annotated[
        Literal["gds", "networkx"] | None,
        typer.Option(
            "--with",
            help="What works it out: Neo4j's Graph Data Science or networkx. [default: gds if the server has it]",
            show_default=False,
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the results of the last run away.")] = False,
    seed: SeedOption = 0,
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Find communities, central products, bridges and likenesses, and keep them at the products for queries.

    A run takes the place of the one before.
    """
    from api.analysing import analyse_products

    settings, output = settings_of(home, store), Output(json)
    with open_store(settings) as graph:
        if undo:
            gone = graph.delete_analysis()
            output.say(f"Run {gone.run} is taken away." if gone else "There is no analysis to take away.")
            output.document({"undone": gone.run if gone else None})
            return
        with output.progress() as report:
            run = analyse_products(graph, snapshot=snapshot, way=way, seed=seed, tool=tool, report=report)
    found = f"{run.products:,} products by {run.way} in {run.communities:,} communities"
    output.say(f"Run {run.run}: {found} ({run.tool})")
    output.say("Ask about it: pathrec queries communities, central-products, community-bridges, alike-products")
    output.document(asdict(run))

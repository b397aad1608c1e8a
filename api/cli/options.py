"""Options that mean the same in every command, and what they resolve to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from api.console import Output
    from api.pipeline import Refreshed
    from api.services.refreshing import Refreshed as KnowledgeRefreshed
    from api.settings import Settings
    from graph import Store
    from schema.ontology import Ontology
    from schema.progress import Report

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the graph, models, cache and reports. [default: PATHREC_HOME or .pathrec]"),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Graph to use: embedded:FOLDER, bolt://… or neo4j://…; user and password come from"
        " PATHREC_STORE_USER and PATHREC_STORE_PASSWORD. [default: PATHREC_STORE or embedded:HOME/graph]",
    ),
]
ArtifactOption = Annotated[
    Path | None,
    typer.Option("--artifact", help="Model to use. [default: PATHREC_ARTIFACT or what is published in HOME]"),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", help="Write the result as JSON to this file; - is standard output."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
DeviceOption = Annotated[
    str | None, typer.Option("--device", help="cpu or cuda. [default: cuda where there is one]", show_default=False)
]
BudgetOption = Annotated[
    float | None,
    typer.Option("--budget", min=0.1, help="The longest that training may take, in minutes. [default: 60]"),
]


def settings_of(
    home: Path | None = None, store: str | None = None, artifact: Path | None = None, **others: Any
) -> "Settings":
    """Settings from the environment, with what was given on the command line over them."""
    from api.settings import load_settings

    return load_settings(home=home, store=store, artifact=artifact, **others)


def encoded_since(graph: "Store", since: int, settings: "Settings", report: "Report") -> "Refreshed":
    """Encodes what a shop that was encoded before got after a change, with the encoders that the settings name."""
    from api import pipeline

    return pipeline.refresh(
        graph,
        since,
        home=settings.home,
        model=settings.text_model,
        image_model=settings.image_model,
        allow_private=settings.allow_private_addresses,
        report=report,
    )


def say_unfollowed(output: "Output", knowledge: "KnowledgeRefreshed") -> None:
    """Names the rules of experts that could not follow the graph, and why."""
    for problem in knowledge.problems.values():
        output.say(f"left as it was: {problem}")


@contextmanager
def open_store(settings: "Settings", ontology: "Ontology | None" = None) -> "Iterator[Store]":
    """The store that the settings name, which answers, with its own ontology unless one is given."""
    from graph import connect

    with connect(settings.store_url, ontology=ontology) as store:
        store.ping()
        yield store

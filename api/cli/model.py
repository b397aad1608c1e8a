"""Commands about models: train, evaluate, recommend, publish, rollback."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.options import (
    DeviceOption,
    HomeOption,
    JsonOption,
    SeedOption,
    StoreOption,
    open_store,
    settings_of,
)
from api.console import Output

SnapshotArgument = Annotated[Path, typer.Argument(help="A snapshot folder, as `pathrec export` writes it.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command(epilog="Example: pathrec train snapshot --out model")(train)
    app.command(epilog="Example: pathrec evaluate snapshot --json figures.json")(evaluate)
    app.command(epilog="Example: pathrec publish model")(publish)
    app.command(epilog="Example: pathrec rollback")(rollback)


def train(
    snapshot: SnapshotArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the model; it appears complete or not at all.")],
    seed: SeedOption = 0,
    device: DeviceOption = None,
    json: JsonOption = None,
) -> None:
    """Learn a model from a snapshot; needs no database."""
    from api import pipeline

    output = Output(json)
    with output.progress() as report:
        manifest = pipeline.train(snapshot, out, seed=seed, device=device, report=report)
    output.say(f"{out}: model {manifest.model_version}, as of {manifest.as_of}")
    output.document({"path": str(out), **manifest.model_dump(mode="json", include=_OF_A_MODEL)})


def evaluate(
    snapshot: SnapshotArgument, seed: SeedOption = 0, device: DeviceOption = None, json: JsonOption = None
) -> None:
    """Measure the model and two baselines on the later part of a snapshot; needs no database."""
    from api import pipeline

    output = Output(json)
    with output.progress() as report:
        figures = pipeline.evaluate(snapshot, seed=seed, device=device, report=report)
    show_figures(output, figures)
    output.document(figures)


def publish(
    artifact: Annotated[Path, typer.Argument(help="A model folder, as `pathrec train` writes it.")],
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Serve a model: copy it into HOME/models and point running servers at it."""
    from api import registry
    from gnn.artifact import check_fit, read_manifest

    settings, output = settings_of(home, store), Output(json)
    manifest = read_manifest(artifact)
    with open_store(settings) as graph:
        check_fit(manifest, graph.ontology)
    registry.publish(settings.home, artifact)
    _show_served(output, settings.home)


def rollback(home: HomeOption = None, json: JsonOption = None) -> None:
    """Serve the model that was served before the current one."""
    from api import registry

    settings, output = settings_of(home), Output(json)
    registry.rollback(settings.home)
    _show_served(output, settings.home)


_OF_A_MODEL = {"model_version", "ontology_hash", "created_at", "as_of", "change_number", "metrics"}


def show_figures(output: Output, figures: Mapping[str, Any]) -> None:
    """The table of metrics, models side by side."""
    models = figures["models"]
    metrics = list(next(iter(models.values())))
    rows = [(metric, *(f"{models[name][metric]:.4f}" for name in models)) for metric in metrics]
    output.table("First purchases by known users", ("metric", *models), rows)


def _show_served(output: Output, home: Path) -> None:
    from api import registry

    pointer = registry.read_served(home)
    if pointer is None:
        raise registry.RegistryError(f"{registry.served_file(home)}: vanished; publish a model again")
    output.say(f"Served now: {pointer.current}")
    output.say(f"Before: {', '.join(pointer.previous) or 'nothing'}")
    output.document({"served": pointer.current, "previous": list(pointer.previous)})

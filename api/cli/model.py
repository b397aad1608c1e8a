"""Commands about models: finetune-text, train, evaluate, recommend, publish, rollback."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import (
    BudgetOption,
    DeviceOption,
    HomeOption,
    JsonOption,
    SeedOption,
    StoreOption,
    open_store,
    settings_of,
)
from api.console import Output

if TYPE_CHECKING:
    from ingestion.encoders.adapter import AdapterManifest

OURS = "pathrec"
READABLE = "readable share"
SnapshotArgument = Annotated[
    str, typer.Argument(help="A snapshot, as `pathrec export` writes it: a folder, s3://… or gs://….")
]


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command(epilog="Example: pathrec finetune-text snapshot --out adapter")(finetune_text)
    app.command(epilog="Example: pathrec train snapshot --out model")(train)
    app.command(epilog="Example: pathrec evaluate snapshot --json figures.json")(evaluate)
    app.command(epilog="Example: pathrec publish model")(publish)
    app.command(epilog="Example: pathrec rollback")(rollback)


def finetune_text(
    snapshot: SnapshotArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the adapter; it appears complete or not at all.")],
    model: Annotated[
        str | None,
        typer.Option("--model", help="Hugging Face id or local folder to begin with. [default: all-MiniLM-L6-v2]"),
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="lora, ia3, prefix or prompt. [default: lora, or that of --from]")
    ] = None,
    earlier: Annotated[
        Path | None,
        typer.Option("--from", help="Adapter to go on from. [default: the one in use in HOME, without --model]"),
    ] = None,
    budget: BudgetOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Train an adapter of the text encoder on what is bought together in a snapshot; needs no database.

    Of some products nothing is trained on; what is found of their partners is told before and after.
    `pathrec embed --adapter` uses it.
    """
    from api import adapters, pipeline
    from ingestion.finetuning import MINUTES, Course
    from schema.remote import snapshot_folder

    settings, output = settings_of(home), Output(json)
    last = None if earlier or model else adapters.in_use(settings.home)
    course = Course(model, method, earlier or last, seed, device, MINUTES if budget is None else budget)
    if course.earlier:
        output.say(f"Going on from {course.earlier}")
    with output.progress() as report, snapshot_folder(snapshot) as folder:
        manifest = pipeline.finetune_text(folder, out, course, report)
    _show_adapter(output, manifest)
    output.say(
        f"{out}: adapter {manifest.version[:12]} of {manifest.base.model}; use it with pathrec embed --adapter {out}"
    )
    output.document({"path": str(out), **manifest.model_dump(mode="json", exclude={"format", "files"})})


def train(
    snapshot: SnapshotArgument,
    out: Annotated[Path, typer.Option("--out", help="Folder of the model; it appears complete or not at all.")],
    earlier: Annotated[
        Path | None, typer.Option("--from", help="Folder of an earlier model of the same shop to go on from.")
    ] = None,
    budget: BudgetOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    json: JsonOption = None,
) -> None:
    """Learn a model from a snapshot; needs no database."""
    from api import pipeline
    from schema.remote import snapshot_folder

    output = Output(json)
    with output.progress() as report, snapshot_folder(snapshot) as folder:
        manifest = pipeline.train(folder, out, seed=seed, device=device, minutes=budget, earlier=earlier, report=report)
    output.say(f"{out}: model {manifest.model_version}, as of {manifest.as_of}")
    output.document({"path": str(out), **manifest.model_dump(mode="json", include=_OF_A_MODEL)})


def evaluate(
    path: Annotated[str, typer.Argument(help="A snapshot, also s3://… or gs://…, or the folder of a public data set.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="snapshot, lightgcn, pgpr, rechorus, mcclk, recbole or recbole-time. [default: what it looks like]",
        ),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option("--k", help="Lengths of lists, e.g. 10,20; the first is the main one. [default: the protocol's]"),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="A relation to leave out; may be given again.")
    ] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Ask all baselines, not only popularity and item-kNN.")
    ] = False,
    curve: Annotated[
        bool, typer.Option("--curve", help="Scale down what has no path, on the validation part, to see its worth.")
    ] = False,
    budget: BudgetOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    json: JsonOption = None,
) -> None:
    """Measure the model and its baselines on what is held out of a data set; needs no database."""
    from api import pipeline
    from schema.remote import snapshot_folder

    output = Output(json)
    lengths = _lengths(k)
    with output.progress() as report, snapshot_folder(path) as folder:
        question = pipeline.Question(folder, form, lengths, tuple(without or ()), baselines, curve)
        figures = pipeline.evaluate(question, seed=seed, device=device, minutes=budget, report=report)
    show_figures(output, figures)
    output.document(figures)


def _lengths(text: str | None) -> tuple[int, ...]:
    """The lengths that an option lists."""
    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise typer.BadParameter(f"{text}: give whole numbers with commas between, e.g. 10,20") from error


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


_OF_A_MODEL = {"model_version", "ontology_hash", "created_at", "as_of", "change_number"}


_FOUND = {
    "before": "the model",
    "earlier": "the earlier adapter",
    "after": "this adapter",
    "old_earlier": "the earlier adapter, on what was held out then",
    "old_after": "this adapter, on what was held out then",
}


def show_figures(output: Output, figures: Mapping[str, Any]) -> None:
    """The table of metrics: ours with its interval, baselines, what others published."""
    models, published = figures["models"], figures["published"]
    rows = [
        (
            metric,
            _with_interval(value, figures["intervals"].get(metric)),
            *(_number(found.get(metric)) for name, found in models.items() if name != OURS),
            *(_number(found.get(metric)) for found in published.values()),
        )
        for metric, value in models[OURS].items()
    ]
    rivals = [name for name in models if name != OURS]
    # Baselines and published models are not taken apart.
    rows.append((READABLE, _number(figures["readable_share"]), *("" for _ in (*rivals, *published))))
    output.table(figures["benchmark"], ("metric", OURS, *rivals, *(f"{name} (published)" for name in published)), rows)
    for name, baseline in figures["baselines"].items():
        if baseline["metrics"] is None:
            output.say(f"{name}: left out; {baseline['note']}")
        elif not baseline["converged"]:
            output.say(f"{name}: had not converged when its time was over; {baseline['note']}")
    added = sorted(figures["config"]["fit"]["adds"].items(), key=lambda item: -item[1])
    output.table("What each term adds on the validation part", ("term", "adds"), [(n, f"{v:+.4f}") for n, v in added])
    if points := figures.get("readable_curve"):
        _show_curve(output, points)
    for note in figures["notes"]:
        output.say(note)


def _show_curve(output: Output, points: Sequence[Mapping[str, Any]]) -> None:
    """A row for each scale of the terms without paths."""
    rows = [
        (f"{point['factor']:.2f}", *(_number(v) for v in point["metrics"].values()), _number(point["readable_share"]))
        for point in points
    ]
    columns = ("scale", *points[0]["metrics"], READABLE)
    output.table("With the terms without paths scaled down, on the validation part", columns, rows)


def _with_interval(value: float, ends: Sequence[float] | None) -> str:
    return _number(value) if ends is None else f"{value:.4f} ({ends[0]:.4f} to {ends[1]:.4f})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _show_adapter(output: Output, manifest: "AdapterManifest") -> None:
    rows = [
        (
            _FOUND[name],
            str(found["products"]),
            *(_number(value) for metric, value in found.items() if metric != "products"),
        )
        for name, found in manifest.figures.items()
    ]
    metrics = [name for name in manifest.figures["after"] if name != "products"]
    output.table("Partners of held-out products", ("with", "products", *metrics), rows)
    if not manifest.gained:
        output.say("It finds no more than the model without it: leave it, or try another --method or more data.")
    for name, lost in manifest.forgotten.items():
        output.say(f"Forgotten of what was held out before, {name}: {lost:+.4f}")


def _show_served(output: Output, home: Path) -> None:
    from api import registry

    pointer = registry.read_served(home)
    if pointer is None:
        raise registry.RegistryError(f"{registry.served_file(home)}: vanished; publish a model again")
    output.say(f"Served now: {pointer.current}")
    output.say(f"Before: {', '.join(pointer.previous) or 'nothing'}")
    output.document({"served": pointer.current, "previous": list(pointer.previous)})

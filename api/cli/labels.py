"""Commands for labels of products: label predicts them, judge says what an expert makes of one."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, cast

import typer

from api.cli.options import HomeOption, JsonOption, StoreOption, open_store, settings_of
from api.console import Output

RelationOption = Annotated[
    str, typer.Option("--relation", help="Relation from products to the labels, as HAS_FEATURE or IN_CATEGORY.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command(epilog="Example: pathrec label --relation HAS_FEATURE --attribute colour --examples colours.csv")(label)
    app.command(epilog="Example: pathrec judge P00017 colour-red --relation HAS_FEATURE --reject")(judge)


def label(
    relation: RelationOption,
    examples: Annotated[
        Path | None, typer.Option("--examples", help="CSV of product,label: some products of each label, better ten.")
    ] = None,
    names: Annotated[
        str | None, typer.Option("--names", help="Names of labels with commas between, where there are no examples.")
    ] = None,
    attribute: Annotated[
        str | None, typer.Option("--attribute", help="What the labels are values of, as colour; for features only.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="text, image or both. [default: both; text with --names]", show_default=False),
    ] = None,
    minimum_confidence: Annotated[
        float | None,
        typer.Option("--minimum-confidence", min=0, max=1, help="Nothing less sure is written. [default: 0.8]"),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="The text model that embed was given; for --names.")
    ] = None,
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Predict categories or attributes of products from a few examples or from names alone.

    A label is written as a relation with source: predicted and its confidence, which is its weight in the model.
    What the shop or an expert has said stays; what was rejected is not written again.
    """
    from api import labelling

    if source not in (None, "text", "image", "both"):
        raise typer.BadParameter("is text, image or both", param_hint="--from")
    wanted = labelling.Wanted(
        relation=relation,
        examples=examples,
        names=tuple(name.strip() for name in (names or "").split(",") if name.strip()),
        attribute=attribute,
        source=cast(labelling.Source | None, source),
        minimum_confidence=labelling.MINIMUM_CONFIDENCE if minimum_confidence is None else minimum_confidence,
    )
    settings, output = settings_of(home, store), Output(json)
    with open_store(settings) as graph, output.progress() as report:
        done = labelling.label(graph, wanted, home=settings.home, model=model, report=report)
    rows = [(node, f"{count:,}") for node, count in sorted(done.labels.items(), key=lambda item: -item[1])]
    output.table("Found", ("label", "products"), rows)
    counts = done.counts
    output.say(
        f"{counts.written:,} written, {counts.unchanged:,} unchanged, {counts.withdrawn:,} withdrawn; left out: "
        f"{done.unsure:,} not sure enough, {counts.known:,} known, {counts.rejected:,} rejected, "
        f"{done.featureless:,} without a vector"
    )
    if done.check:
        output.say(
            f"{done.check.examples:,} examples, each held out once: {done.check.accuracy:.1%} found, "
            f"calibration error {done.check.calibration_error:.3f}"
        )
    output.document(asdict(done))


def judge(
    product: Annotated[str, typer.Argument(help="Id of the product.")],
    node: Annotated[str, typer.Argument(help="Id of the label's node.", metavar="LABEL")],
    relation: RelationOption,
    accept: Annotated[bool, typer.Option("--accept/--reject", help="Whether the label is right.")],
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Accept a predicted label, which then counts in full, or reject it for good.

    Running servers see it at once.
    """
    from api import labelling

    settings, output = settings_of(home, store), Output(json)
    with open_store(settings) as graph:
        labelling.judge(graph, relation, product, node, accept=accept)
    output.say(f"{product} {relation} {node}: {'accepted' if accept else 'rejected'}")
    output.document({"product": product, "relation": relation, "label": node, "accepted": accept})

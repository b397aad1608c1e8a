"""Commands that bring a shop's data into the graph: ingest, embed."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import HomeOption, JsonOption, StoreOption, encoded_since, open_store, say_unfollowed, settings_of
from api.console import Output

if TYPE_CHECKING:
    from api.pipeline import Embedded
    from api.settings import Settings


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command(epilog="Example: pathrec ingest online-retail ../data/online_retail.csv.gz")(ingest)
    app.command(epilog="Example: pathrec embed --home .pathrec")(embed)


def ingest(
    mapping: Annotated[str, typer.Argument(help="A mapping file, or online-retail for the one that ships.")],
    path: Annotated[Path | None, typer.Argument(help="Where the data of a shipped mapping is.")] = None,
    ontology: Annotated[
        Path | None, typer.Option("--ontology", help="YAML file with the shop's own types, relations and behaviours.")
    ] = None,
    no_embed: Annotated[
        bool, typer.Option("--no-embed", help="Do not encode what is new in a shop that was encoded before.")
    ] = False,
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Read a shop's files, clean them, and load what is sound into the graph.

    Rejected rows go to HOME/quarantine with line number and reason, the quality report to
    HOME/reports. Running it twice changes nothing. Running servers show new products at once.
    """
    from api import pipeline
    from schema.ontology import load_ontology

    settings, output = settings_of(home, store), Output(json)
    own = load_ontology(ontology) if ontology else None
    with open_store(settings, own) as graph, output.progress() as report:
        since = graph.change_number()
        done = pipeline.ingest(graph, mapping, home=settings.home, data=path, report=report)
        fresh = pipeline.Refreshed({}, ())
        if not no_embed:
            fresh = encoded_since(graph, since, settings, report)
    output.table("In the graph", ("what", "count"), [(name, f"{count:,}") for name, count in done.counts.items()])
    for name, count in done.dangling.items():
        output.say(f"{name}: {count:,} left out, because one of their ends is in no source")
    _say_embedded(output, fresh.embedded, settings.home)
    for reason in fresh.left_out:
        output.say(reason)
    say_unfollowed(output, done.knowledge)
    output.say(f"Quality report: {done.quality}")
    output.document(asdict(done) | asdict(fresh))


def embed(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Hugging Face id or local folder. [default: PATHREC_TEXT_MODEL or all-MiniLM-L6-v2]",
        ),
    ] = None,
    adapter: Annotated[
        Path | None,
        typer.Option(
            "--adapter", help="Adapter to use with it from now on. [default: the one in use, without --model]"
        ),
    ] = None,
    image_model: Annotated[
        str | None,
        typer.Option(
            "--image-model", help="The same for pictures. [default: PATHREC_IMAGE_MODEL or EfficientNet-Lite0]"
        ),
    ] = None,
    allow_private: Annotated[
        bool,
        typer.Option(
            "--allow-private-addresses",
            help="Also fetch pictures from machines that are not on the public internet, as a shop's own server is.",
        ),
    ] = False,
    vectors: Annotated[
        Path | None,
        typer.Option("--vectors", help="Encode nothing; take the vectors of --modality from this .parquet or .npy."),
    ] = None,
    modality: Annotated[
        str | None, typer.Option("--modality", help="Feature of the ontology that --vectors are: audio, …")
    ] = None,
    node_type: Annotated[str, typer.Option("--node-type", help="Nodes that --vectors belong to.")] = "Product",
    ids: Annotated[
        Path | None, typer.Option("--ids", help="Ids of the rows of a .npy: .parquet, .csv or one a line.")
    ] = None,
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Encode texts and pictures and keep them in the graph as node features; only what changed is encoded.

    Vectors of further modalities are brought along with --vectors and --modality.

    What texts are encoded with is what servers use from their next start. Pictures are those of the
    shop's folder (HOME/images), or at addresses of the web. What cannot be used goes to
    HOME/quarantine/pictures.jsonl with a reason.
    """
    from api import pipeline

    settings, output = settings_of(home, store, allow_private_addresses=allow_private or None), Output(json)
    if vectors is not None or modality is not None:
        if vectors is None or modality is None:
            raise typer.BadParameter("--vectors and --modality go together")
        _bring_vectors(settings, output, vectors, modality, node_type, ids)
        return
    with open_store(settings) as graph, output.progress() as report:
        done = {
            pipeline.TEXT: pipeline.embed(
                graph, home=settings.home, model=model or settings.text_model, adapter=adapter, report=report
            ),
            pipeline.IMAGE: pipeline.embed_pictures(
                graph,
                home=settings.home,
                model=image_model or settings.image_model,
                allow_private=settings.allow_private_addresses,
                report=report,
            ),
        }
    found = {modality: embedded for modality, embedded in done.items() if embedded is not None}
    _say_embedded(output, found, settings.home)
    output.document({modality: asdict(embedded) for modality, embedded in found.items()})


def _say_embedded(output: Output, found: "Mapping[str, Embedded]", home: Path) -> None:
    for modality, embedded in found.items():
        for node_type, count in embedded.written.items():
            news = f"{count:,} new or changed, {embedded.unchanged[node_type]:,} unchanged ({embedded.encoder})"
            output.say(f"{node_type}.{modality}: {news}")
        for node_type, count in embedded.rejected.items():
            if count:
                output.say(f"{node_type}: {count:,} pictures cannot be used, see {home}/quarantine/pictures.jsonl")


def _bring_vectors(
    settings: "Settings", output: Output, path: Path, modality: str, node_type: str, ids: Path | None
) -> None:
    from api.vectors import bring_vectors

    with open_store(settings) as graph, output.progress() as report:
        done = bring_vectors(
            graph, path, home=settings.home, modality=modality, node_type=node_type, ids=ids, report=report
        )
    feature = f"{node_type}.{modality}"
    output.say(f"{feature}: {done.written:,} new or changed, {done.unchanged:,} unchanged ({done.width} numbers each)")
    for reason, count in done.rejected.items():
        output.say(f"{feature}: {count:,} rows left out ({reason}), see {settings.home}/quarantine/{feature}.jsonl")
    output.document({modality: asdict(done)})

"""The command that takes the graph out: export."""

from typing import Annotated

import typer

from api.cli.options import HomeOption, JsonOption, StoreOption, open_store, settings_of
from api.console import Output


def register(app: typer.Typer) -> None:
    """Adds the command of this group."""
    app.command(epilog="Example: pathrec export snapshot --since snapshot")(export)


def export(
    out: Annotated[
        str, typer.Argument(help="Folder or file to write, or s3://…, gs://…; it appears complete or not at all.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format", help="snapshot, hetero, networkx, graphml, neo4j-csv, turtle, ntriples, jsonld or rdfxml."
        ),
    ] = "snapshot",
    since: Annotated[
        str | None, typer.Option("--since", help="Earlier snapshot; what it holds and still holds is not read again.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Leave out events and dated relations after this moment; nodes are as now."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="Take this snapshot, not the graph; needs no database.")
    ] = None,
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Write the graph as a snapshot, Parquet and npy files that any tool can read, or in another form."""
    from api import exports
    from schema.iris import Names

    if source is not None and (since or as_of or store):
        raise typer.BadParameter("--from needs no graph: --since, --as-of and --store do not go with it")
    settings, output = settings_of(home, store), Output(json)
    until = exports.moment(as_of) if as_of else None
    wanted = exports.Wanted(form, since, until, Names(settings.rdf_base))
    with output.progress() as report:
        if source is not None:
            manifest = exports.convert(source, out, wanted, report=report)
        else:
            exports.check_format(form)
            with open_store(settings) as graph:
                manifest = exports.export(graph, out, wanted, report=report)
    output.say(f"{out}: {sum(manifest.nodes.values()):,} nodes, {manifest.events:,} events, as of {manifest.as_of}")
    output.document(
        {"path": out, "form": form, **manifest.model_dump(mode="json", exclude={"format", "ontology", "files"})}
    )

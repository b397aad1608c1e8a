"""The command for RDF: rdf."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import HomeOption, JsonOption, StoreOption, encoded_since, open_store, say_unfollowed, settings_of
from api.console import Output

if TYPE_CHECKING:
    from api.settings import Settings
    from ingestion.account import ShapeQuality
    from schema.iris import Names
    from schema.ontology import Ontology


def register(app: typer.Typer) -> None:
    """Adds the commands of this group."""
    app.command(epilog="Example: pathrec rdf import catalogue.jsonld --mapping schema-org")(rdf)


def rdf(
    action: Annotated[
        Literal["import", "export", "ontology", "shapes", "validate"], typer.Argument(help="What to do.")
    ],
    file: Annotated[
        Path | None, typer.Argument(help="What to read or write: .ttl, .nt, .jsonld or .rdf, also with .gz.")
    ] = None,
    mapping: Annotated[
        str, typer.Option("--mapping", help="For import: pathrec, schema-org, good-relations or a mapping file.")
    ] = "pathrec",
    shapes: Annotated[
        Path | None, typer.Option("--shapes", help="The shop's own SHACL shapes, for import and validate.")
    ] = None,
    check: Annotated[
        Literal["some", "all", "none"],
        typer.Option("--check", help="How much of a large graph is held against the shapes."),
    ] = "some",
    ontology: Annotated[
        Path | None, typer.Option("--ontology", help="The shop's own ontology, YAML or OWL; or a file that has it.")
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", help="Export or validate this snapshot instead of the store.")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", help="What the shop's IRIs begin with. [default: PATHREC_RDF_BASE]")
    ] = None,
    store: StoreOption = None,
    home: HomeOption = None,
    json: JsonOption = None,
) -> None:
    """Move a graph, its ontology and its shapes in and out as RDF, OWL and SHACL.

    **import** loads a file by a mapping: what is not taken goes to HOME/quarantine, what is not as the shapes ask
    into HOME/reports. **export** writes ontology and graph, **ontology** the ontology as OWL or YAML, **shapes** the
    SHACL that follows from it. **validate** holds the graph against shapes, and ends with code 1 if it is not as
    they ask.
    """
    from schema.iris import Names

    settings, output = settings_of(home, store, rdf_base=base), Output(json)
    names = Names(settings.rdf_base)
    if action != "validate" and file is None:
        raise typer.BadParameter(f"say which file to {'read' if action == 'import' else 'write'}", param_hint="FILE")
    if action == "validate":
        _validate(settings, output, names, shapes, snapshot, every=check == "all")
    elif file is not None:
        own = _ontology(ontology, names)
        if action == "import":
            _import(settings, output, file, names, own, mapping, shapes, check)
        elif action == "export":
            _export(settings, output, file, names, snapshot)
        else:
            _write_vocabulary(settings, output, action, file, names, own)


def _ontology(path: Path | None, names: "Names") -> "Ontology | None":
    from api.rdf import read_ontology

    return read_ontology(path, names) if path else None


def _import(
    settings: "Settings",
    output: Output,
    file: Path,
    names: "Names",
    ontology: "Ontology | None",
    mapping: str,
    shapes: Path | None,
    check: Literal["some", "all", "none"],
) -> None:
    from api.rdf import import_rdf

    with open_store(settings, ontology) as graph, output.progress() as report:
        since = graph.change_number()
        done = import_rdf(
            graph,
            file,
            mapping=mapping,
            home=settings.home,
            names=names,
            shapes=shapes,
            check=check,
            report=report,
        )
        fresh = encoded_since(graph, since, settings, report)
    output.table("In the graph", ("what", "count"), [(name, f"{count:,}") for name, count in done.counts.items()])
    output.say(f"{file}: {done.triples:,} triples, {done.rejected:,} in quarantine")
    for name, count in done.dangling.items():
        output.say(f"{name}: {count:,} left out, because one of their ends is nowhere")
    for reason in fresh.left_out:
        output.say(reason)
    say_unfollowed(output, done.knowledge)
    if done.shapes is not None:
        _say_shapes(output, done.shapes)
    output.say(f"Quality report: {done.quality}")
    output.document(asdict(done) | asdict(fresh))


def _export(settings: "Settings", output: Output, file: Path, names: "Names", snapshot: Path | None) -> None:
    from api.rdf import export_rdf
    from graph.rdf import write_rdf
    from schema.snapshot import open_snapshot

    with output.progress() as report:
        if snapshot is not None:
            written = write_rdf(open_snapshot(snapshot), file, names=names, report=report)
        else:
            with open_store(settings) as graph:
                written = export_rdf(graph, file, names=names, report=report)
    output.say(f"{file}: {written.triples:,} triples")
    output.document(asdict(written))


def _write_vocabulary(
    settings: "Settings", output: Output, action: str, file: Path, names: "Names", ontology: "Ontology | None"
) -> None:
    from api.rdf import write_ontology, write_shapes

    if ontology is None:
        with open_store(settings) as graph:
            ontology = graph.ontology
    (write_shapes if action == "shapes" else write_ontology)(ontology, file, names)
    output.say(f"{file}: {action} of {ontology.name}")
    output.document({"path": str(file), "name": ontology.name, "hash": ontology.hash})


def _validate(
    settings: "Settings", output: Output, names: "Names", shapes: Path | None, snapshot: Path | None, *, every: bool
) -> None:
    from api.rdf import check_snapshot, check_store

    with output.progress() as report:
        if snapshot is not None:
            found = check_snapshot(snapshot, home=settings.home, names=names, shapes=shapes, every=every, report=report)
        else:
            with open_store(settings) as graph:
                found = check_store(graph, home=settings.home, names=names, shapes=shapes, every=every, report=report)
    _say_shapes(output, found)
    output.document(asdict(found) | {"conforms": found.conforms})
    if not found.conforms:
        raise typer.Exit(1)


def _say_shapes(output: Output, found: "ShapeQuality") -> None:
    output.say(f"{found.checked:,} of {found.of:,} nodes and events held against the shapes")
    if found.violations:
        rows = [(f"{one.path}: {one.message}", f"{one.count:,}") for one in found.violations]
        output.table("Not as the shapes ask", ("what", "nodes"), rows)
    for reason in found.left_out:
        output.say(reason)

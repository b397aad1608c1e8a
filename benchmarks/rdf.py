"""How fast RDF goes in and out, and in how much memory, beside the bare parsers and serialisers.

    python -m benchmarks.rdf --data DATA [--triples 10000000] [--load] [--json rdf.json]

DATA holds `amazon_beauty/kg.tsv.gz`, which becomes a snapshot and is written and read as N-Triples and Turtle. With
`--triples`, a catalogue of that many triples in the words of schema.org is made, the triples of each product spread
over the whole file, and read. Every step runs in a process of its own, whose peak memory is told.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
from rich.console import Console
from rich.table import Table

from schema.iris import Names
from schema.ontology import Ontology, parse_ontology
from schema.snapshot import SnapshotManifest, edge_file, node_file, open_snapshot, write_manifest, writing_snapshot
from schema.tables import SNAPSHOT_EDGES, SNAPSHOT_EVENTS, conform, node_schema

NAMES = Names("https://beauty.example/")
RELATIONS = {
    "PRODUCED_BY": "MADE_BY",
    "BELONGS_TO": "IN_CATEGORY",
    "BOUGHT_TOGETHER": "BOUGHT_TOGETHER",
    "ALSO_BOUGHT": "ALSO_BOUGHT",
    "ALSO_VIEWED": "ALSO_VIEWED",
}
"""Relations of the file, and what they are called in the ontology."""

RDFLIB_TRIPLES = 100_000
"""rdflib keeps what it reads in memory and takes its time: it is given so many."""

KEYS = ("triples", "seconds", "cpu_seconds", "per_second", "peak_mib")

Figures = dict[str, Any]
Taken = tuple[int, float, float]
"""Triples, seconds, and seconds of processor time of this process; a busy machine stretches the former only."""


def main() -> None:
    """Runs one step, or all of them in processes of their own."""
    options = _parse()
    if options.step:
        print(json.dumps(_measured(STEPS[options.step], options.file)))
        return
    from benchmarks.machine import machine, write_json

    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        figures = _all(options, Path(folder))
    show(figures)
    if options.json:
        write_json({"machine": machine() | {"packages": _versions()}, "figures": figures}, options.json)


def _all(options: argparse.Namespace, folder: Path) -> list[Figures]:
    figures = []

    def run(step: str, file: Path, of: str) -> None:
        figures.append({"data": of, "what": NAMED[step], "format": file.suffix[1:]} | _in_process(step, file))
        Console(stderr=True).print(figures[-1], highlight=False)

    if options.data:
        make_beauty(options.data / "amazon_beauty" / "kg.tsv.gz", folder / "snapshot")
        for suffix in (".nt", ".ttl"):
            for step in ("export", "serialize", "read", "parse", "rdflib"):
                run(step, folder / f"beauty{suffix}", "Beauty")
        if options.load:
            run("load", folder / "beauty.nt", "Beauty")
    if options.triples:
        file = folder / "made.nt"
        make_catalogue(file, options.triples)
        of = f"{options.triples:,} made"
        for step in ("parse", "read-schema-org"):
            run(step, file, of)
    return figures


def _in_process(step: str, file: Path) -> Figures:
    # Not by benchmarks.machine: what it imports would be in the memory that is told.
    command = [sys.executable, "-m", "benchmarks.rdf", "--step", step, "--file", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"error": f"its process ended with code {done.returncode}"}
    return dict(json.loads(done.stdout.strip().rpartition("\n")[2]))


def _measured(step: Callable[[Path], Taken], file: Path) -> Figures:
    triples, seconds, cpu = step(file)
    figures = {"triples": triples, "seconds": round(seconds, 1), "per_second": round(triples / seconds)}
    return figures | {"cpu_seconds": round(cpu, 1), "peak_mib": _peak_memory()}


def _timed(work: Callable[[], int]) -> Taken:
    begin, before = time.perf_counter(), time.process_time()
    triples = work()
    return triples, time.perf_counter() - begin, time.process_time() - before


def _peak_memory() -> int:
    """Of this process, in MiB; not of the one that started it, as `getrusage` might tell."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def _export(file: Path) -> Taken:
    from graph.rdf import write_rdf

    snapshot = open_snapshot(file.parent / "snapshot", verify=False)
    return _timed(lambda: write_rdf(snapshot, file, names=NAMES).triples)


def _serialize(file: Path) -> Taken:
    """What pyoxigraph takes for triples that are there already."""
    triples = [quad.triple for quad in ox.parse(path=file)]
    form = ox.RdfFormat.from_extension(file.suffix[1:])

    def write() -> int:
        ox.serialize(triples, file.with_name(f"bare{file.suffix}"), form)
        return len(triples)

    return _timed(write)


def _read(file: Path, mapping: str = "pathrec", ontology: Ontology | None = None) -> Taken:
    """Our import, up to the tables that a store loads."""
    from ingestion.rdf import load_rdf_mapping, read_rdf

    known = ontology or open_snapshot(file.parent / "snapshot", verify=False).ontology
    rules = load_rdf_mapping(mapping, ontology=known, names=NAMES)

    def read() -> int:
        with read_rdf(file, rules, ontology=known, names=NAMES, workdir=file.parent / "work") as staged:
            return staged.quality.rows_in

    return _timed(read)


def _read_schema_org(file: Path) -> Taken:
    return _read(file, "schema-org", parse_ontology({}, where="made"))


def _parsed(file: Path) -> Taken:
    """What pyoxigraph takes to parse, nothing being done with the triples."""
    return _timed(lambda: sum(1 for _ in ox.parse(path=file)))


def _rdflib(file: Path) -> Taken:
    """What rdflib takes to parse a part of it into a graph in memory."""
    from rdflib import Graph

    part = file.with_name(f"part{file.suffix}")
    some = islice((quad.triple for quad in ox.parse(path=file)), RDFLIB_TRIPLES)
    ox.serialize(some, part, ox.RdfFormat.from_extension(file.suffix[1:]))
    return _timed(lambda: len(Graph().parse(part)))


def _load(file: Path) -> Taken:
    """The whole import into an embedded engine, whose own rate it is."""
    from api.rdf import import_rdf
    from graph import connect

    ontology = open_snapshot(file.parent / "snapshot", verify=False).ontology
    with connect(f"embedded:{file.parent / 'graph'}", ontology=ontology) as store:
        home = file.parent / "home"
        return _timed(lambda: import_rdf(store, file, mapping="pathrec", home=home, names=NAMES, check="none").triples)


STEPS: dict[str, Callable[[Path], Taken]] = {
    "export": _export,
    "serialize": _serialize,
    "read": _read,
    "read-schema-org": _read_schema_org,
    "parse": _parsed,
    "rdflib": _rdflib,
    "load": _load,
}
NAMED = {
    "export": "export of a snapshot",
    "serialize": "pyoxigraph alone: write",
    "read": "import, up to tables",
    "read-schema-org": "import by schema-org, up to tables",
    "parse": "pyoxigraph alone: parse",
    "rdflib": f"rdflib alone: parse {RDFLIB_TRIPLES:,}",
    "load": "import into the embedded engine",
}


def make_beauty(kg: Path, path: Path) -> None:
    """The Beauty graph as a snapshot: its products, those that they list, brands and categories."""
    more = {"from": "Product", "to": "Product"}
    document = {"name": "beauty", "relations": {"ALSO_BOUGHT": more, "ALSO_VIEWED": more}}
    ontology = parse_ontology(document, where="beauty")
    rows = pl.read_csv(kg, separator="\t", quote_char=None).filter(pl.col("tail").is_not_null())
    tails = {kind: part["tail"] for (kind,), part in rows.partition_by("tail_type", as_dict=True).items()}
    ids = {
        "Product": pl.concat([rows["asin"], tails["product"]]).unique().sort(),
        "Brand": tails["brand"].unique().sort(),
        "Category": tails["category"].unique().sort(),
    }
    edges = {RELATIONS[str(name)]: part for (name,), part in rows.partition_by("relation", as_dict=True).items()}
    with writing_snapshot(path) as folder:
        for label in ontology.nodes:
            table = pa.table({"id": ids.get(label, pl.Series([], dtype=pl.String)).to_arrow()})
            pq.write_table(conform(table, node_schema(ontology, label), what=label), folder / node_file(label))
        counts = {}
        for relation, ends in ontology.relations.items():
            placed = _placed(
                edges.get(relation, rows.clear()), ids["Product"], ids.get(ends.target, rows["tail"].clear())
            )
            pq.write_table(placed, folder / edge_file(ontology, relation))
            counts[relation] = placed.num_rows
        pq.write_table(SNAPSHOT_EVENTS.empty_table(), folder / "events.parquet")
        write_manifest(
            folder, _manifest(ontology, {label: len(ids.get(label, ())) for label in ontology.nodes}, counts)
        )


def _placed(rows: pl.DataFrame, sources: pl.Series, targets: pl.Series) -> pa.Table:
    pairs = rows.select("asin", "tail").unique().sort("asin", "tail")
    position = [
        pairs.join(pl.DataFrame({name: ids}).with_row_index("at"), on=name, how="left", maintain_order="left")["at"]
        for name, ids in (("asin", sources), ("tail", targets))
    ]
    columns = [position[0].to_arrow(), position[1].to_arrow(), pa.repeat(1.0, len(pairs)), pa.nulls(len(pairs))]
    return pa.table(columns, names=SNAPSHOT_EDGES.names).cast(SNAPSHOT_EDGES)


def _manifest(ontology: Ontology, nodes: dict[str, int], edges: dict[str, int]) -> SnapshotManifest:
    now = datetime.now(UTC)
    return SnapshotManifest(
        ontology=ontology,
        ontology_hash=ontology.hash,
        created_at=now,
        as_of=now,
        change_number=0,
        nodes=nodes,
        features={},
        edges=edges,
        events=0,
        files={},
    )


def make_catalogue(path: Path, triples: int) -> None:
    """Products of schema.org with an offer each, eight triples together, in eight shuffled runs over all of them."""
    products = triples // 8
    rng = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for written in range(8):
            order = list(range(products))
            rng.shuffle(order)
            file.writelines(_line(written, number) for number in order)


def _line(written: int, number: int) -> str:
    product, offer, vocabulary = f"<https://shop.example/p/{number}>", f"_:o{number}", "http://schema.org/"
    name, value = (
        ("http://www.w3.org/1999/02/22-rdf-syntax-ns#type", f"<{vocabulary}Product>"),
        (f"{vocabulary}sku", f'"sku-{number}"'),
        (f"{vocabulary}name", f'"A thing of kind {number % 9973}, number {number}"@en'),
        (f"{vocabulary}brand", f'"Brand {number % 4001}"'),
        (f"{vocabulary}isSimilarTo", f"<https://shop.example/p/{number // 2}>"),
        (f"{vocabulary}offers", offer),
        (f"{vocabulary}price", f'"{number % 997}.50"'),
        (f"{vocabulary}priceCurrency", '"EUR"'),
    )[written]
    return f"{offer if written >= 6 else product} <{name}> {value} .\n"


def show(figures: list[Figures]) -> None:
    """A row for each step."""
    table = Table("data", "format", "what", title="RDF")
    for name in ("triples", "seconds", "of a core", "triples/s", "peak MiB"):
        table.add_column(name, justify="right")
    for one in figures:
        numbers = [f"{one[key]:,}" if key in one else "" for key in KEYS]
        table.add_row(one["data"], one["format"], one.get("error", one["what"]), *numbers)
    Console().print(table)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("pyoxigraph", "rdflib", "polars", "pyarrow")}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--triples", type=int, default=0, help="size of the catalogue that is made")
    parser.add_argument("--load", action="store_true", help="also load Beauty into the embedded engine")
    parser.add_argument("--workdir", type=Path, help="where there is room for files")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--step", choices=sorted(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

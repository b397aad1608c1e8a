"""A snapshot as CSV files for `neo4j-admin database import`: the fastest way into an empty Neo4j.

What is imported is a store as Pathrec makes it: events as nodes, times in milliseconds, embeddings as lists, and the
shop's own node with the ontology. `pathrec` works with it as it is.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from graph import shop
from graph.features import embedding
from graph.times import to_ms
from schema.files import replacing_folder
from schema.ontology import EVENT_NODE, ON, PERFORMED
from schema.snapshot import Snapshot, edge_file, node_file

ARGUMENTS = "neo4j-admin.args"
"""Names all files: `neo4j-admin @neo4j-admin.args`, run in the folder."""
# Texts are quoted and what is not known is not, so that an empty text stays one.
_CSV = csv.WriteOptions(quoting_style="all_valid")
_ROWS = 50_000


def write_admin_csv(snapshot: Snapshot, path: Path) -> None:
    """Writes a folder of CSV files; it appears when it is complete."""
    with replacing_folder(path, marker=ARGUMENTS) as folder:
        for part in ("nodes", "relationships"):
            (folder / part).mkdir()
        nodes = {label: _write_nodes(snapshot, label, folder) for label in snapshot.ontology.nodes}
        nodes["Shop"] = _write(folder, "nodes/Shop.csv", iter([_shop(snapshot)]))
        relationships = {name: _write_relation(snapshot, name, folder) for name in snapshot.ontology.relations}
        nodes[EVENT_NODE], relationships[PERFORMED], relationships[ON] = _write_events(snapshot, folder)
        lines = ["database", "import", "full", "neo4j", "--multiline-fields=true"]
        lines += [f"--nodes={label}={file}" for label, file in nodes.items()]
        lines += [f"--relationships={name}={file}" for name, file in relationships.items()]
        (folder / ARGUMENTS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_nodes(snapshot: Snapshot, label: str, folder: Path) -> str:
    matrices = {
        modality: matrix
        for modality in snapshot.ontology.nodes[label].features
        if (matrix := snapshot.features(label, modality)) is not None
    }

    def tables() -> Iterator[pa.Table]:
        start = 0
        for batch in _batches(snapshot.path / node_file(label)):
            rows = slice(start, start := start + batch.num_rows)
            table = _typed(batch, id_of=label)
            for modality, matrix in matrices.items():
                table = table.append_column(f"{embedding(modality)}:float[]", _joined(np.asarray(matrix[rows])))
            yield table

    return _write(folder, f"nodes/{label}.csv", tables())


def _write_relation(snapshot: Snapshot, name: str, folder: Path) -> str:
    ends = snapshot.ontology.relations[name]
    sources, targets = _ids(snapshot, ends.source), _ids(snapshot, ends.target)

    def tables() -> Iterator[pa.Table]:
        for batch in _batches(snapshot.path / edge_file(snapshot.ontology, name)):
            ends_of = [sources.take(batch["source"]), targets.take(batch["target"])]
            rest = _typed(batch.drop_columns(["source", "target"]))
            names = [f":START_ID({ends.source})", f":END_ID({ends.target})"]
            yield pa.table([*ends_of, *rest.columns], names=[*names, *rest.column_names])

    return _write(folder, f"relationships/{name}.csv", tables())


def _write_events(snapshot: Snapshot, folder: Path) -> tuple[str, str, str]:
    users, products = _ids(snapshot, "User"), _ids(snapshot, "Product")

    def of(batch: pa.Table) -> tuple[pa.Table, pa.Table, pa.Table]:
        known = batch.filter(pc.is_valid(batch["user"]))
        performed = [users.take(known["user"]), known["id"]]
        on = [batch["id"], products.take(batch["product"])]
        return (
            _typed(batch.drop_columns(["user", "product"]), id_of=EVENT_NODE),
            pa.table(performed, names=[":START_ID(User)", f":END_ID({EVENT_NODE})"]),
            pa.table(on, names=[f":START_ID({EVENT_NODE})", ":END_ID(Product)"]),
        )

    names = f"nodes/{EVENT_NODE}.csv", f"relationships/{PERFORMED}.csv", f"relationships/{ON}.csv"
    for number, name in enumerate(names):
        _write(folder, name, (of(batch)[number] for batch in _batches(snapshot.path / "events.parquet")))
    return names


def _shop(snapshot: Snapshot) -> pa.Table:
    """The shop's own node as `graph.shop` keeps it; the log of changes begins anew."""
    manifest = snapshot.manifest
    texts = {"ontology": json.dumps(snapshot.ontology.as_dict()), "ontology_hash": snapshot.ontology.hash}
    numbers = {"changes": 0, "clock_offset": to_ms(manifest.as_of) - to_ms(manifest.created_at)}
    numbers |= {
        shop.width_key(label, modality): width
        for label, modalities in manifest.features.items()
        for modality, width in modalities.items()
    }
    columns = {"id:ID(Shop)": ["shop"], **{name: [text] for name, text in texts.items()}}
    return pa.table(columns | {f"{name}:long": [number] for name, number in numbers.items()})


def _typed(table: pa.Table, *, id_of: str | None = None) -> pa.Table:
    """Columns with names that say their type, in the form in which the store keeps them."""
    columns, names = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.int64())
        columns.append(column)
        names.append(f"{name}:ID({id_of})" if name == "id" and id_of else name + _suffix(kind))
    return pa.table(columns, names=names)


def _suffix(kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return ":double"
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        return ":long"
    return ":boolean" if pa.types.is_boolean(kind) else ""


def _joined(matrix: npt.NDArray[np.floating]) -> pa.Array:
    """(n, d) as texts of numbers with semicolons between them; null where a node has no vector."""
    numbers = pa.array(np.asarray(matrix, np.float32).ravel()).cast(pa.string())
    texts = pc.binary_join(pa.FixedSizeListArray.from_arrays(numbers, matrix.shape[1]).cast(pa.list_(pa.string())), ";")
    return pc.if_else(pa.array(np.any(matrix, axis=1)), texts, None)


def _write(folder: Path, name: str, tables: Iterable[pa.Table]) -> str:
    """Writes tables one after the other into a file, and says its name."""
    rows = iter(tables)
    first = next(rows)
    with csv.CSVWriter(folder / name, first.schema, write_options=_CSV) as writer:
        for table in chain([first], rows):
            writer.write(table)
    return name


def _batches(file: Path) -> Iterator[pa.Table]:
    """Rows of a file, at least one table of none."""
    parquet = pq.ParquetFile(file)
    yield parquet.schema_arrow.empty_table()
    for batch in parquet.iter_batches(_ROWS):
        yield pa.Table.from_batches([batch])


def _ids(snapshot: Snapshot, label: str) -> pa.Array:
    return snapshot.nodes(label).column("id").combine_chunks()

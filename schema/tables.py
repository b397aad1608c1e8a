"""Arrow schemas of the records that move between the rooms, derived from the ontology.

Three shapes of table go into a store: nodes of one type, relations of one name, events. A snapshot
holds the same with the ends of edges as int32 positions instead of ids.
"""

import pyarrow as pa

from schema.errors import RecordError, suggestion
from schema.ontology import Ontology, PropertyType

TIME = pa.timestamp("ms", tz="UTC")

_ARROW: dict[PropertyType, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": TIME,
}

EVENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("user", pa.string()),  # null: somebody known by the session only
        pa.field("product", pa.string(), nullable=False),
        pa.field("behaviour", pa.string(), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("value", pa.float64()),  # a quantity or a rating
        pa.field("basket", pa.string()),
        pa.field("session", pa.string()),
    ]
)
"""Events as they go into a store: one row for each thing that somebody did with a product."""

RELATIONS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("weight", pa.float32()),  # null counts as 1
        pa.field("time", TIME),
    ]
)
"""Relations of one name as they go into a store; (source, target) is the identity."""

SNAPSHOT_EDGES = pa.schema(
    [
        pa.field("source", pa.int32(), nullable=False),
        pa.field("target", pa.int32(), nullable=False),
        pa.field("weight", pa.float32(), nullable=False),
        pa.field("time", TIME),
    ]
)
"""Edges in a snapshot: positions in `nodes/<Type>.parquet`."""

SNAPSHOT_EVENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("user", pa.int32()),
        pa.field("product", pa.int32(), nullable=False),
        pa.field("behaviour", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("basket", pa.dictionary(pa.int32(), pa.string())),
        pa.field("session", pa.dictionary(pa.int32(), pa.string())),
    ]
)
"""Events in a snapshot, ordered by time, then id."""


def node_schema(ontology: Ontology, node_type: str) -> pa.Schema:
    """Columns of a table of nodes: `id`, then the properties of the type.

    Raises:
        RecordError: the ontology has no such type.
    """
    if node_type not in ontology.nodes:
        raise RecordError(f"no node type {node_type} in the ontology; {suggestion(node_type, ontology.nodes)}")
    properties = ontology.nodes[node_type].properties
    fields = [pa.field(name, _ARROW[prop.type]) for name, prop in properties.items()]
    return pa.schema([pa.field("id", pa.string(), nullable=False), *fields])


def conform(table: pa.Table, expected: pa.Schema, *, what: str) -> pa.Table:
    """The table with exactly the expected columns: cast where lossless, absent optional ones null.

    Raises:
        RecordError: a required column is missing or holds nulls, a column is unknown or of a type
            that cannot be cast.
    """
    for name in table.column_names:
        if name not in expected.names:
            raise RecordError(f"{what}: unknown column {name}; {suggestion(name, expected.names)}")
    return pa.table([_column(table, field, what) for field in expected], schema=expected)


def _column(table: pa.Table, field: pa.Field, what: str) -> pa.ChunkedArray | pa.Array:
    if field.name not in table.column_names:
        if not field.nullable:
            raise RecordError(f"{what}: column {field.name} is missing; it is required")
        return pa.nulls(table.num_rows, field.type)
    column = table.column(field.name)
    try:
        cast = column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise RecordError(f"{what}: column {field.name} must be {field.type}: {error}") from error
    if not field.nullable and cast.null_count:
        raise RecordError(f"{what}: column {field.name} has {cast.null_count} empty values; each row needs one")
    return cast

"""Answers of a store as Arrow, some thousand rows at a time, so that few of them are ever Python objects."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from graph.connection import Connection
from graph.cypher import Query
from graph.errors import StoreError

READERS = 2
"""Connections that read side by side: an engine answers each with one thread."""

T = TypeVar("T")
Row = list[Any]


def read_pieces(
    connection: Connection,
    text: str,
    ids: Sequence[str],
    size: int,
    gather: Callable[[Iterator[Row]], T],
    parameters: Mapping[str, object] | None = None,
) -> Iterator[T]:
    """What a query answers for some ids at a time, in the order of the ids.

    An engine holds what it collects until a query is answered, so that one for all would need its whole memory. A row
    of a result costs the driver as much as a hundred values in a list, so that an answer is one row.

    Args:
        connection: where.
        text: query that begins with the ids of a piece as `$ids` and returns one list, whose elements are lists.
        ids: all of them.
        size: ids of a piece.
        gather: makes something of these elements.
        parameters: further values of the query.
    """

    def read(start: int) -> T:
        query = Query(text, {"ids": list(ids[start : start + size]), **(parameters or {})})
        return gather(element for (found,) in connection.stream(query) for element in found)

    with ThreadPoolExecutor(READERS) as pool:
        starts = iter(range(0, len(ids), size))
        waiting = [pool.submit(read, start) for start in islice(starts, 2 * READERS)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(read, start) for start in islice(starts, 1)]


def as_table(what: str, columns: Sequence[Sequence[object]], schema: pa.Schema) -> pa.Table:
    """Columns of plain values as a table.

    Raises:
        StoreError: a value is not of its column's type.
    """
    arrays = []
    for values, field in zip(columns, schema, strict=True):
        try:
            arrays.append(_column(values, field.type))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise StoreError(
                f"{what}.{field.name}: the store holds something that is no {field.type} ({error}); "
                "somebody wrote it with Cypher: correct it there, then export again"
            ) from error
    return pa.table(arrays, schema=schema)


def _column(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if pa.types.is_float32(kind):
        return pa.array(values, pa.float64()).cast(kind)
    return pa.array(values, kind)

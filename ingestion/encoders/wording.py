"""Which words describe a node: the named text properties, one rule for bulk and for live encoding."""

from collections.abc import Iterable, Sequence

import pyarrow as pa


def joined(values: Iterable[str | None]) -> str:
    """One text of several properties, in their order; empty where none says anything."""
    return ". ".join(text for value in values if value and (text := value.strip().rstrip(".")))


def texts_of(nodes: pa.Table, properties: Sequence[str]) -> list[str]:
    """The text of each node of a table, row by row, as the ontology's `from: [title, description]` names it."""
    columns = [nodes.column(name).to_pylist() for name in properties]
    return [joined(values) for values in zip(*columns, strict=True)]

"""Which words and which picture describe a node: one rule for bulk and for live encoding."""

from collections.abc import Iterable, Sequence

import pyarrow as pa


def joined(values: Iterable[str | None]) -> str:
    """One text of several properties, in their order; empty where none says anything."""
    return ". ".join(text for value in values if value and (text := value.strip().rstrip(".")))


def first_named(values: Iterable[str | None]) -> str | None:
    """The picture of a node with several properties that may name one; None where none does."""
    return next((name for value in values if value and (name := value.strip())), None)


def texts_of(nodes: pa.Table, properties: Sequence[str]) -> list[str]:
    """The text of each node of a table, row by row, as the ontology's `from: [title, description]` names it."""
    columns = [nodes.column(name).to_pylist() for name in properties]
    return [joined(values) for values in zip(*columns, strict=True)]

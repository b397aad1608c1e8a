"""Values of a query's rows as JSON holds them, the same for both engines.

A node is `{"kind": "node", "element", "labels", "properties"}`, a relationship `{"kind": "relationship", "element",
"type", "source", "target", "properties"}`, a path `{"kind": "path", "nodes", "relationships"}`. `element` is the
engine's own name, by which `source` and `target` point to nodes; it lasts no longer than the answer. Times and
durations are texts as ISO 8601 has them. Numbers that JSON lacks are the texts NaN, Infinity and -Infinity.
"""

import base64
import math
from collections.abc import Iterable, Mapping
from typing import Any

import neo4j.spatial
import neo4j.time
from neo4j import graph as bolt

VECTOR = 32
"""A property of more numbers than this is an embedding, which is left out unless it is asked for."""


class TooLargeError(Exception):
    """The values of one row are larger than all may be."""


class Reader:
    """Makes values plain, and counts what they take.

    Args:
        vectors: whether nodes come with their embeddings.
        most: how many bytes one row may take.
    """

    def __init__(self, *, vectors: bool, most: int) -> None:
        self._vectors = vectors
        self._most = most
        self.bytes = 0

    def row(self, values: Iterable[object]) -> tuple[Any, ...]:
        """The values of a row; `bytes` says about how many they take as JSON.

        Raises:
            TooLargeError: they take too many.
        """
        self.bytes = 0
        return tuple(self._plain(value) for value in values)

    def _plain(self, value: object) -> Any:
        self._count(value)
        if isinstance(value, list):
            return [self._plain(each) for each in value]
        if isinstance(value, bolt.Node):
            return self._node(value.element_id, sorted(value.labels), value)
        if isinstance(value, bolt.Relationship):
            source, target = (None if end is None else end.element_id for end in (value.start_node, value.end_node))
            return self._relationship(value.element_id, value.type, source, target, value)
        if isinstance(value, bolt.Path):
            return self._path(value.nodes, value.relationships)
        if isinstance(value, dict):
            return self._of_engine(value)
        if isinstance(value, neo4j.spatial.Point):
            return {"srid": value.srid, **dict(zip("xyz", map(_number, value), strict=False))}
        return _scalar(value)

    def _of_engine(self, value: dict[str, Any]) -> dict[str, Any]:
        """A mapping, or what the embedded engine's HTTP API makes of a node, a relationship or a path."""
        if value.get("_type") == "path":
            return self._path(value["nodes"], value["relationships"])
        if is_element(value):
            element, name = value["@rid"], str(value["@type"])
            properties = {key: each for key, each in value.items() if not key.startswith("@")}
            if value["@cat"] == "v":
                return self._node(element, name.split("~"), properties)
            return self._relationship(element, name, value.get("@out"), value.get("@in"), properties)
        return {str(key): self._plain(each) for key, each in value.items()}

    def _node(self, element: str, labels: list[str], properties: Mapping[str, Any]) -> dict[str, Any]:
        return {"kind": "node", "element": element, "labels": labels, "properties": self._properties(properties)}

    def _relationship(
        self, element: str, name: str, source: str | None, target: str | None, properties: Mapping[str, Any]
    ) -> dict[str, Any]:
        ends = {"source": source, "target": target}
        found = self._properties(properties)
        return {"kind": "relationship", "element": element, "type": name, **ends, "properties": found}

    def _path(self, nodes: Iterable[object], relationships: Iterable[object]) -> dict[str, Any]:
        plain = {"nodes": list(map(self._plain, nodes)), "relationships": list(map(self._plain, relationships))}
        return {"kind": "path", **plain}

    def _properties(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        wanted = ((name, each) for name, each in properties.items() if self._vectors or not _is_vector(each))
        return {name: self._plain(each) for name, each in wanted}

    def _count(self, value: object) -> None:
        if isinstance(value, str | bytes | bytearray):
            self.bytes += len(value)
        elif isinstance(value, list):
            self.bytes += 2 * len(value)
        self.bytes += 2
        if self.bytes > self._most:
            raise TooLargeError


def is_element(value: object) -> bool:
    """Whether a value of the embedded engine is a node or relationship."""
    return isinstance(value, dict) and "@rid" in value and value.get("@cat") in {"v", "e"}


def _is_vector(value: object) -> bool:
    return isinstance(value, list) and len(value) > VECTOR and isinstance(value[0], float | int)


def _scalar(value: object) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, neo4j.time.Date | neo4j.time.Time | neo4j.time.DateTime | neo4j.time.Duration):
        return value.iso_format()
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return str(value)


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")

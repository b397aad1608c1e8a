"""A snapshot as files that graph tools read: GraphML, and networkx's node-link JSON.

Both hold what `graph.views.whole_graph` holds and are written node by node and edge by edge.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from graph.views import graph_edges, graph_nodes
from schema.files import replacing_file
from schema.ontology import Ontology, PropertyType
from schema.snapshot import Snapshot

_TYPES: dict[PropertyType, str] = {
    "string": "string",
    "integer": "long",
    "float": "double",
    "boolean": "boolean",
    "datetime": "string",
}
_EVENT = {"behaviour": "string", "time": "string", "value": "double", "basket": "string", "session": "string"}
_OF_NODES = {"type": "string", "id": "string"} | _EVENT
_OF_EDGES = {"type": "string", "id": "string", "weight": "double"} | _EVENT
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Keys = Mapping[tuple[str, str], str]
"""Id of a key by the name of an attribute and its GraphML type."""


def write_graphml(snapshot: Snapshot, path: Path) -> None:
    """Writes the whole graph as GraphML; the file appears when it is complete.

    Edges have no ids of their own; the `id` among their attributes is that of the event.
    """
    of_nodes, of_edges = _keys("n", _node_attributes(snapshot.ontology)), _keys("e", list(_OF_EDGES.items()))
    with replacing_file(path) as aside, aside.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write('<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        file.writelines(_declared("node", of_nodes))
        file.writelines(_declared("edge", of_edges))
        file.write('<graph edgedefault="directed">\n')
        for key, attributes in graph_nodes(snapshot):
            _write(file, "node", f'id="{_text(key)}"', attributes, of_nodes)
        for source, target, _, attributes in graph_edges(snapshot):
            _write(file, "edge", f'source="{_text(source)}" target="{_text(target)}"', attributes, of_edges)
        file.write("</graph>\n</graphml>\n")


def write_node_link(snapshot: Snapshot, path: Path) -> None:
    """Writes the whole graph as JSON for `networkx.node_link_graph(…, edges="edges")`.

    The file appears when it is complete. The `id` of a node is its key, `Product:tea`.
    """
    nodes = (attributes | {"id": key} for key, attributes in graph_nodes(snapshot))
    edges = (
        attributes | {"source": source, "target": target, "key": key}
        for source, target, key, attributes in graph_edges(snapshot)
    )
    with replacing_file(path) as aside, aside.open("w", encoding="utf-8") as file:
        file.write('{"directed": true, "multigraph": true, "graph": {},\n"nodes": [')
        file.writelines(_listed(nodes))
        file.write('],\n"edges": [')
        file.writelines(_listed(edges))
        file.write("]}\n")


def _node_attributes(ontology: Ontology) -> list[tuple[str, str]]:
    """Names and types of what nodes have; a name may have a type of its own in each type of node."""
    own = [(name, _TYPES[prop.type]) for node in ontology.nodes.values() for name, prop in node.properties.items()]
    return list(dict.fromkeys([*_OF_NODES.items(), *own]))


def _keys(prefix: str, attributes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    return {attribute: f"{prefix}{number}" for number, attribute in enumerate(attributes)}


def _declared(domain: str, keys: Keys) -> Iterator[str]:
    for (name, kind), key in keys.items():
        yield f'<key id="{key}" for="{domain}" attr.name="{name}" attr.type="{kind}"/>\n'


def _write(file: TextIO, element: str, named: str, attributes: Mapping[str, Any], keys: Keys) -> None:
    file.write(f"<{element} {named}>")
    file.writelines(
        f'<data key="{keys[name, _kind(value)]}">{_text(value)}</data>' for name, value in attributes.items()
    )
    file.write(f"</{element}>\n")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    return "double" if isinstance(value, float) else "string"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # What XML cannot hold at all, such as control characters, is shown as what it is: unreadable.
    return html.escape(_NOT_XML.sub("\ufffd", str(value)))


def _listed(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=False)

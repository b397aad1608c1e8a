"""Nodes and relationships of a query's answer as a drawing: SVG that any browser shows, or DOT for Graphviz."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from graph import Table

MOST_NODES = 300
_STEP, _MARGIN, _RADIUS, _LABEL = 110, 70, 16, 28
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#bab0ac")
_NAMES = ("title", "name", "id")


@dataclass
class Drawn:
    """What an answer has of a graph; `left_out` counts nodes beyond the most that a drawing shows."""

    nodes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    relationships: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: int = 0


def drawn(found: Table) -> Drawn:
    """Every node and relationship of the rows, once each; relationships whose ends are not there are left out."""
    graph, others = Drawn(), set[str]()
    for value in _parts(list(found.rows)):
        if value["kind"] == "relationship":
            graph.relationships[value["element"]] = value
        elif value["element"] in graph.nodes or len(graph.nodes) < MOST_NODES:
            graph.nodes[value["element"]] = value
        else:
            others.add(value["element"])
    graph.left_out = len(others)
    ends = graph.nodes.keys()
    graph.relationships = {
        name: each for name, each in graph.relationships.items() if each["source"] in ends and each["target"] in ends
    }
    return graph


def as_dot(graph: Drawn) -> str:
    """The graph in Graphviz's language."""
    lines = ["digraph {", "  node [shape=ellipse, style=filled, fillcolor=white];"]
    for name, node in graph.nodes.items():
        label = f"{called(node)}\n:{':'.join(node['labels'])}"
        lines.append(f"  {_quoted(name)} [label={_quoted(label)}, color={_quoted(_colour(graph, node))}];")
    for each in graph.relationships.values():
        label = _quoted(each["type"])
        lines.append(f"  {_quoted(each['source'])} -> {_quoted(each['target'])} [label={label}];")
    return "\n".join([*lines, "}"]) + "\n"


def as_svg(graph: Drawn) -> str:
    """The graph as a picture of its own, with no script and nothing from elsewhere."""
    places, width, height = _layout(graph)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#888"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    parts += [_arrow(each, places) for each in graph.relationships.values()]
    parts += [_circle(graph, node, *places[name]) for name, node in graph.nodes.items()]
    return "\n".join([*parts, "</svg>"]) + "\n"


def called(node: Mapping[str, Any]) -> str:
    """What a node is called in a drawing."""
    properties = node["properties"]
    found = next((properties[name] for name in _NAMES if properties.get(name)), ":".join(node["labels"]))
    text = str(found)
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Nodes and relationships at any depth of a value."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _parts(each)
    elif isinstance(value, Mapping):
        if value.get("kind") in {"node", "relationship"} and "element" in value:
            yield value
        else:
            yield from _parts(list(value.values()))


def _layout(graph: Drawn) -> tuple[dict[str, tuple[float, float]], int, int]:
    """Where each node stands, and how large the picture is."""
    import networkx as nx

    net = nx.Graph()
    net.add_nodes_from(graph.nodes)
    net.add_edges_from((each["source"], each["target"]) for each in graph.relationships.values())
    side = int(_STEP * max(2.0, len(net) ** 0.5))
    # One kind of node spreads like a spring; the seed makes the same answer the same picture.
    found = nx.spring_layout(net, seed=1, k=2.0 / max(1.0, len(net) ** 0.5), iterations=100)
    half = side / 2
    places = {name: (_MARGIN + half * (1 + x), _MARGIN + half * (1 + y)) for name, (x, y) in found.items()}
    return places, side + 2 * _MARGIN, side + 2 * _MARGIN


def _arrow(each: Mapping[str, Any], places: Mapping[str, tuple[float, float]]) -> str:
    (x, y), (u, v) = places[each["source"]], places[each["target"]]
    length = max(((u - x) ** 2 + (v - y) ** 2) ** 0.5, 1.0)
    u, v = u - (u - x) / length * _RADIUS, v - (v - y) / length * _RADIUS
    name, tip = escape(each["type"]), escape(json.dumps(each["properties"], ensure_ascii=False))
    return (
        f'<g><title>{name} {tip}</title><line x1="{x:.0f}" y1="{y:.0f}" x2="{u:.0f}" y2="{v:.0f}" stroke="#888" '
        f'marker-end="url(#arrow)"/><text x="{(x + u) / 2:.0f}" y="{(y + v) / 2 - 3:.0f}" fill="#666" font-size="8" '
        f'text-anchor="middle">{name}</text></g>'
    )


def _circle(graph: Drawn, node: Mapping[str, Any], x: float, y: float) -> str:
    labels = ":".join(node["labels"])
    tip = escape(f":{labels} {json.dumps(node['properties'], ensure_ascii=False)}")
    return (
        f'<g><title>{tip}</title><circle cx="{x:.0f}" cy="{y:.0f}" r="{_RADIUS}" fill="{_colour(graph, node)}" '
        f'stroke="white"/><text x="{x:.0f}" y="{y + _RADIUS + 12:.0f}" text-anchor="middle" fill="#222">'
        f"{escape(called(node))}</text></g>"
    )


def _colour(graph: Drawn, node: Mapping[str, Any]) -> str:
    kinds = list(dict.fromkeys(":".join(each["labels"]) for each in graph.nodes.values()))
    return _COLOURS[kinds.index(":".join(node["labels"])) % len(_COLOURS)]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

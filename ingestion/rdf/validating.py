"""A graph held against SHACL shapes with pySHACL, piece by piece, so that memory does not grow with it.

A piece knows of a node what is said of it and what its neighbours are, not what is said of those. A shape
that reaches further is checked only where the whole graph is one piece.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import pyoxigraph as ox
import pyshacl
from rdflib import RDF, SH, XSD, Graph, Literal, URIRef
from rdflib.term import Node

from ingestion.account import ShapeQuality, Violation
from ingestion.rdf.graphs import plain, term
from ingestion.rdf.neighbourhoods import MOST, Neighbourhoods, Piece
from schema.progress import Report, silent

SOME = 20_000
"""Subjects that are looked at unless all are to be."""

_EXAMPLES = 3
_HERE = ".here"
"""After the IRI of a class: the nodes of the class that a piece is about, not those that they lead to."""
_FAR = {
    SH.sparql: "asks in SPARQL",
    SH.node: "asks what neighbours are like",
    SH.qualifiedValueShape: "asks what neighbours are like",
    SH.targetObjectsOf: "is about what others lead to",
    SH.target: "finds its nodes in SPARQL",
}


@dataclass
class _Found:
    message: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


def validate(graph: Neighbourhoods, shapes: Graph, *, every: bool = False, report: Report = silent) -> ShapeQuality:
    """What of a graph is not as shapes ask.

    Args:
        graph: in pieces.
        shapes: what it is held against.
        every: whether all of a large graph is looked at, or `SOME` of its subjects, taken by a hash of their ids.
        report: told how many were looked at.
    """
    pieces: Iterable[Piece] = graph.pieces()
    left_out: list[str] = []
    if graph.subjects <= MOST:
        pieces = _as_one(pieces)
    else:
        shapes, left_out = near_only(shapes)
    shapes = _about_subjects(shapes)
    found: dict[tuple[str, str, str], _Found] = {}
    checked = 0
    for piece in pieces:
        if checked >= SOME and not every:
            break
        _check(piece, shapes, found)
        checked += piece.subjects
        report("check shapes", checked, graph.subjects)
    violations = [
        Violation(path, constraint, severity, one.message, one.count, tuple(one.examples))
        for (path, constraint, severity), one in found.items()
    ]
    violations.sort(key=lambda one: (-one.count, one.path, one.constraint))
    return ShapeQuality(checked, graph.subjects, tuple(violations), tuple(left_out))


def _as_one(pieces: Iterable[Piece]) -> list[Piece]:
    every = list(pieces)
    said = [triple for piece in every for triple in piece.said]
    ends = [triple for piece in every for triple in piece.ends]
    return [Piece(sum(piece.subjects for piece in every), said, ends)] if every else []


def _about_subjects(shapes: Graph) -> Graph:
    """The shapes with other names for the classes that they are about: only the subjects of a piece have these."""
    renamed = Graph()
    for subject, predicate, value in shapes:
        named = URIRef(f"{value}{_HERE}") if predicate == SH.targetClass else value
        renamed.add((subject, predicate, named))
    return renamed


def _check(piece: Piece, shapes: Graph, found: dict[tuple[str, str, str], _Found]) -> None:
    data = Graph()
    for triple in chain(piece.said, piece.ends):
        data.add(plain(triple))
    for triple in piece.said:
        if triple.predicate.value == str(RDF.type) and isinstance(triple.object, ox.NamedNode):
            data.add((term(triple.subject), RDF.type, URIRef(f"{triple.object.value}{_HERE}")))
    conforms, results, _ = pyshacl.validate(data, shacl_graph=shapes, inference="none", inplace=True)
    if conforms or not isinstance(results, Graph):
        return
    for result in results.subjects(RDF.type, SH.ValidationResult):
        path, constraint, severity = (
            _local(results.value(result, each))
            for each in (SH.resultPath, SH.sourceConstraintComponent, SH.resultSeverity)
        )
        path = path or _local(results.value(result, SH.sourceShape))
        focus, value = results.value(result, SH.focusNode), results.value(result, SH.value)
        one = found.setdefault((path, constraint, severity), _Found(_message(results, result, focus)))
        one.count += 1
        if len(one.examples) < _EXAMPLES:
            one.examples.append(f"{focus}" + (f": {value}" if value is not None else ""))


def _message(results: Graph, result: Node, focus: Node | None) -> str:
    """What is wrong, without the node in whose case it is."""
    text = str(results.value(result, SH.resultMessage) or "")
    return text.replace(f"<{focus}>", "a node").splitlines()[0] if text else ""


def _local(term: Node | None) -> str:
    """The last part of an IRI; nothing for a blank node."""
    if not isinstance(term, URIRef):
        return ""
    name = term.rpartition("#")[2].rpartition("/")[2]
    return name.removesuffix("ConstraintComponent")


def near_only(shapes: Graph) -> tuple[Graph, list[str]]:
    """The shapes that pieces can be held against, and why others are left out."""
    kept, left_out = Graph(), []
    for triple in shapes:
        kept.add(triple)
    targets = (SH.targetClass, SH.targetSubjectsOf, SH.targetObjectsOf, SH.target)
    for top in dict.fromkeys(chain.from_iterable(shapes.subjects(each) for each in targets)):
        for far, reason in _far(shapes, top, top):
            kept.add((far, SH.deactivated, Literal(lexical_or_value="true", datatype=XSD.boolean)))
            left_out.append(f"{_said(shapes, far)} {reason}: not checked, as the graph is looked at in pieces")
    return kept, list(dict.fromkeys(left_out))


def _far(shapes: Graph, shape: Node, around: Node) -> Iterator[tuple[Node, str]]:
    """Shapes in a shape that reach further than to the types of neighbours, and why."""
    reasons = [reason for predicate, reason in _FAR.items() if (shape, predicate, None) in shapes]
    path = shapes.value(shape, SH.path)
    if path is not None and not _near(shapes, path):
        reasons.append("follows a path of several steps")
    if path is not None and (shape, SH.property, None) in shapes:
        reasons.append("asks what neighbours are like")
    if reasons:
        yield around, reasons[0]
        return
    for prop in shapes.objects(shape, SH.property):
        yield from _far(shapes, prop, prop)
    for member in _members(shapes, shape):
        yield from _far(shapes, member, around)


def _near(shapes: Graph, path: Node) -> bool:
    return isinstance(path, URIRef) or isinstance(shapes.value(path, SH.zeroOrOnePath), URIRef)


def _members(shapes: Graph, shape: Node) -> Iterator[Node]:
    """The shapes that one is put together from."""
    yield from shapes.objects(shape, SH["not"])
    for logical in (SH["or"], SH["and"], SH.xone):
        for head in shapes.objects(shape, logical):
            yield from shapes.items(head)


def _said(shapes: Graph, shape: Node) -> str:
    if isinstance(shape, URIRef):
        return f"shape {shape}"
    path = shapes.value(shape, SH.path)
    return f"the shape of {path}" if isinstance(path, URIRef) else "a shape without a name"

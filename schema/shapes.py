"""What an ontology asks of a graph, as SHACL; and a shop's own shapes, held against it before anything is loaded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rdflib import RDF, SH, XSD, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.term import BNode, Node

from schema.errors import PathrecError, suggestion
from schema.iris import META, Names
from schema.ontology import EVENT_NODE, Ontology
from schema.rdf import DATATYPES, EVENT_PROPERTIES, META_NS, prefixes

_NUMBERS = {XSD.integer, XSD.double, XSD.float, XSD.decimal, XSD.int, XSD.long, XSD.short, XSD.nonNegativeInteger}
_BOUNDS = (SH.minInclusive, SH.maxInclusive, SH.minExclusive, SH.maxExclusive)


class ShapesError(PathrecError):
    """Shapes that contradict the ontology: no graph of it could ever be what they ask for."""


@dataclass(frozen=True)
class Term:
    """What the ontology says of a property or relation, in the words of shapes.

    Attributes:
        domain: classes whose nodes have it.
        datatype: of its literals; None if it leads to nodes.
        target: the class of the nodes that it leads to; None if that is not said.
        most: how many values a node has of it.
    """

    domain: frozenset[str]
    datatype: URIRef | None = None
    target: str | None = None
    most: int | None = None


def shapes_graph(ontology: Ontology, names: Names) -> Graph:
    """A shape for each node type, for events, and for what is said of links."""
    graph = Graph()
    for prefix, namespace in (prefixes(names) | {"sh": str(SH), "shape": f"{names.base}shapes#"}).items():
        graph.bind(prefix, namespace, override=True)
    for node_type, node in ontology.nodes.items():
        shape = _shape(graph, names, node_type, URIRef(names.term(node_type)))
        for name, prop in node.properties.items():
            path = names.property(node_type, name)
            _literal(graph, names, shape, path, name, DATATYPES[prop.type])
        for name, relation in ontology.relations.items():
            if relation.source == node_type:
                most = 1 if relation.tree else None
                term = names.term(name)
                _object(graph, names, shape, term, name, names.term(relation.target), most=most)
                if relation.tree:
                    _no_loop(graph, shape, URIRef(term), name)
    _event(graph, ontology, names)
    _statement(graph, ontology, names)
    return graph


def check_shapes(shapes: Graph, ontology: Ontology, names: Names, *, where: str) -> None:
    """Refuses shapes that nothing in a graph of this ontology could be or should be held against.

    Args:
        shapes: a shop's own.
        ontology: what they are held against.
        names: the IRIs that its terms have.
        where: what to call them in messages.

    Raises:
        ShapesError: a class or property is not there, or a datatype, class or number of values cannot be;
            the message lists all of them.
    """
    known, classes = terms(ontology, names), {names.term(name) for name in (*ontology.nodes, EVENT_NODE)}
    mistakes = []
    for shape in dict.fromkeys([*shapes.subjects(SH.targetClass), *shapes.subjects(RDF.type, SH.NodeShape)]):
        targets = [str(target) for target in shapes.objects(shape, SH.targetClass)]
        lost = [target for target in targets if target not in classes | {str(RDF.Statement)}]
        said = f"{where}: {_name(shapes, shape)}"
        mistakes += [f"{said}: no class {t} in the ontology; {_near(t, classes, names)}" for t in lost]
        for prop in shapes.objects(shape, SH.property):
            mistakes += [f"{said}, {text}" for text in _property(shapes, prop, targets, known, names)]
    if not mistakes and not any(shapes.triples((None, SH.targetClass, None))):
        mistakes = [
            f"{where}: no shape has a sh:targetClass, so nothing would be checked; `pathrec rdf shapes` shows how"
        ]
    if mistakes:
        raise ShapesError("\n".join(dict.fromkeys(mistakes)))


def terms(ontology: Ontology, names: Names) -> dict[str, Term]:
    """Every property and relation by its IRI."""
    every = frozenset(names.term(name) for name in (*ontology.nodes, EVENT_NODE))
    event = frozenset([names.term(EVENT_NODE)])
    found = {f"{META}id": Term(every, XSD.string, most=1), str(RDF.type): Term(every)}
    for node_type, node in ontology.nodes.items():
        domain = frozenset([names.term(node_type)])
        for name, prop in node.properties.items():
            found[names.property(node_type, name)] = Term(domain, DATATYPES[prop.type], most=1)
    for name, relation in ontology.relations.items():
        domain, target = frozenset([names.term(relation.source)]), names.term(relation.target)
        found[names.term(name)] = Term(domain, target=target, most=1 if relation.tree else None)
    for name, kind in EVENT_PROPERTIES.items():
        found[names.property(EVENT_NODE, name)] = Term(event, DATATYPES[kind], most=1)
    for name, end in (("product", "Product"), ("user", "User")):
        found[names.property(EVENT_NODE, name)] = Term(event, target=names.term(end), most=1)
    found[names.property(EVENT_NODE, "behaviour")] = Term(event, most=1)
    statement = frozenset([str(RDF.Statement)])
    for part in (RDF.subject, RDF.predicate, RDF.object):
        found[str(part)] = Term(statement, most=1)
    found[f"{META}weight"] = Term(statement, XSD.float, most=1)
    found[f"{META}time"] = Term(statement, XSD.dateTime, most=1)
    return found


def _shape(graph: Graph, names: Names, name: str, target: URIRef) -> URIRef:
    shape = URIRef(f"{names.base}shapes#{name}")
    graph.add((shape, RDF.type, SH.NodeShape))
    graph.add((shape, SH.targetClass, target))
    if target != RDF.Statement:
        _literal(graph, names, shape, f"{META}id", "id", XSD.string, least=1)
    return shape


def _add(graph: Graph, names: Names, shape: URIRef, path: str, name: str, least: int, most: int | None) -> URIRef:
    prop = URIRef(f"{shape}.{name}")
    graph.add((shape, SH.property, prop))
    graph.add((prop, SH.path, URIRef(path)))
    graph.add((prop, SH.name, Literal(name)))
    if least:
        graph.add((prop, SH.minCount, Literal(least)))
    if most is not None:
        graph.add((prop, SH.maxCount, Literal(most)))
    return prop


def _literal(
    graph: Graph, names: Names, shape: URIRef, path: str, name: str, datatype: URIRef, *, least: int = 0
) -> None:
    prop = _add(graph, names, shape, path, name, least, 1)
    graph.add((prop, SH.datatype, datatype))


def _object(
    graph: Graph, names: Names, shape: URIRef, path: str, name: str, target: str, *, least: int = 0, most: int | None
) -> None:
    prop = _add(graph, names, shape, path, name, least, most)
    graph.add((prop, SH.nodeKind, SH.IRI))
    graph.add((prop, SH["class"], URIRef(target)))


def _no_loop(graph: Graph, shape: URIRef, relation: URIRef, name: str) -> None:
    """No node is above itself: it has none above it, or itself and the one above it are two."""
    none, way, two, choice = (BNode(f"{name}{number}") for number in range(4))
    graph.add((none, SH.path, relation))
    graph.add((none, SH.maxCount, Literal(0)))
    graph.add((way, SH.zeroOrOnePath, relation))
    graph.add((two, SH.path, way))
    graph.add((two, SH.minCount, Literal(2)))
    tree = URIRef(f"{shape}.{name}.tree")
    graph.add((tree, RDF.type, SH.NodeShape))
    for target in graph.objects(shape, SH.targetClass):
        graph.add((tree, SH.targetClass, target))
    graph.add((tree, SH["or"], choice))
    Collection(graph, choice, [none, two])
    graph.add((tree, SH.message, Literal(f"{name} leads from a node to itself")))


def _event(graph: Graph, ontology: Ontology, names: Names) -> None:
    shape = _shape(graph, names, EVENT_NODE, URIRef(names.term(EVENT_NODE)))
    for name, kind in EVENT_PROPERTIES.items():
        path = names.property(EVENT_NODE, name)
        _literal(graph, names, shape, path, name, DATATYPES[kind], least=1 if name == "time" else 0)
    for name, end, least in (("product", "Product", 1), ("user", "User", 0)):
        path = names.property(EVENT_NODE, name)
        _object(graph, names, shape, path, name, names.term(end), least=least, most=1)
    behaviour = _add(graph, names, shape, names.property(EVENT_NODE, "behaviour"), "behaviour", 1, 1)
    _among(graph, behaviour, [names.behaviour(name) for name in ontology.behaviours])


def _statement(graph: Graph, ontology: Ontology, names: Names) -> None:
    shape = _shape(graph, names, "Link", RDF.Statement)
    for name in ("subject", "object"):
        _add(graph, names, shape, str(RDF[name]), name, 1, 1)
    predicate = _add(graph, names, shape, str(RDF.predicate), "predicate", 1, 1)
    _among(graph, predicate, [names.term(name) for name in ontology.relations])
    _literal(graph, names, shape, str(META_NS.weight), "weight", XSD.float)
    _literal(graph, names, shape, str(META_NS.time), "time", XSD.dateTime)


def _among(graph: Graph, prop: URIRef, iris: list[str]) -> None:
    choice = BNode(f"{prop.rpartition('#')[2]}In")
    graph.add((prop, SH["in"], choice))
    Collection(graph, choice, [URIRef(iri) for iri in iris])


def _property(shapes: Graph, prop: Node, targets: list[str], known: dict[str, Term], names: Names) -> Iterator[str]:
    """What a property shape asks for that cannot be."""
    path = shapes.value(prop, SH.path)
    if not isinstance(path, URIRef):
        yield from (
            f"path {iri}: not in the ontology; {_near(iri, known, names)}"
            for iri in _iris(shapes, path)
            if iri not in known
        )
        return
    term, said = known.get(str(path)), f"path {path}"
    if term is None:
        yield f"{said}: not in the ontology; {_near(str(path), known, names)}"
        return
    for target in targets:
        if target not in term.domain:
            yield f"{said}: {_short(target, names)} does not have it; {_short(min(term.domain), names)} does"
    yield from (f"{said}: {text}" for text in _ends(shapes, prop, term, names))
    least, most = (shapes.value(prop, each) for each in (SH.minCount, SH.maxCount))
    if isinstance(least, Literal):
        bound = most.toPython() if isinstance(most, Literal) else term.most
        if bound is not None and least.toPython() > bound:
            yield f"{said}: asks for at least {least} values, but there can be only {bound}"


def _ends(shapes: Graph, prop: Node, term: Term, names: Names) -> Iterator[str]:
    """Datatypes, classes and kinds of values that cannot be."""
    for datatype in shapes.objects(prop, SH.datatype):
        if term.datatype is None:
            yield f"asks for {_short(str(datatype), names)}, but it leads to nodes"
        elif datatype != term.datatype:
            asked, there = _short(str(datatype), names), _short(str(term.datatype), names)
            yield f"asks for {asked}, but the ontology says {there}; change the one or the other"
    for target in shapes.objects(prop, SH["class"]):
        if str(target) != term.target:
            there = _short(term.target or str(term.datatype), names)
            yield f"asks for nodes of {_short(str(target), names)}, but it leads to {there}"
    kind = shapes.value(prop, SH.nodeKind)
    if (kind == SH.Literal and term.datatype is None) or (kind in (SH.IRI, SH.BlankNode) and term.datatype is not None):
        yield f"asks for {_short(str(kind), names)}, but it leads to {'literals' if term.datatype else 'nodes'}"
    for bound in _BOUNDS:
        for value in shapes.objects(prop, bound):
            if isinstance(value, Literal) and not _comparable(value.datatype, term.datatype):
                yield f"compares with {value.n3()}, but its values are {_short(str(term.datatype), names)}"


def _comparable(one: URIRef | None, other: URIRef | None) -> bool:
    return one == other or (one in _NUMBERS and other in _NUMBERS)


def _iris(shapes: Graph, path: Node | None) -> Iterable[str]:
    """The predicates in a path of several."""
    if isinstance(path, URIRef):
        return [] if path == RDF.nil else [str(path)]
    return [iri for part in shapes.objects(path) for iri in _iris(shapes, part)] if path is not None else []


def _name(shapes: Graph, shape: Node) -> str:
    return f"shape {shape}" if isinstance(shape, URIRef) else f"the shape of {shapes.value(shape, SH.targetClass)}"


def _short(iri: str, names: Names) -> str:
    spaces = prefixes(names) | {"sh": str(SH), "rdf": str(RDF)}
    return next((f"{prefix}:{iri[len(s) :]}" for prefix, s in spaces.items() if iri.startswith(s)), iri)


def _near(iri: str, known: Iterable[str], names: Names) -> str:
    return suggestion(_short(iri, names), (_short(each, names) for each in known))

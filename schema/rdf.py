"""An ontology as OWL, and back without loss.

Node types are classes, their properties functional datatype properties, relations object properties with
domain, range and, as label, what they say. Behaviours and meetings are individuals. What OWL has no word for
is said with annotation properties of `schema.iris.META`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from rdflib import OWL, RDF, RDFS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.term import BNode, Node

from schema.errors import OntologyError
from schema.iris import META, Names
from schema.ontology import EVENT_NODE, ON, PERFORMED, Ontology, PropertyType, parse_ontology

META_NS = Namespace(META)

DATATYPES: dict[PropertyType, URIRef] = {
    "string": XSD.string,
    "integer": XSD.integer,
    "float": XSD.double,
    "boolean": XSD.boolean,
    "datetime": XSD.dateTime,
}
"""Property type and its datatype."""

EVENT_PROPERTIES: dict[str, PropertyType] = {
    "time": "datetime",
    "value": "float",
    "basket": "string",
    "session": "string",
}
"""Properties of an event that are literals; besides, it has a behaviour, a product and perhaps a user."""

_ALIASES = {XSD.float: "float", XSD.decimal: "float", XSD.double: "float", XSD.int: "integer", XSD.long: "integer"}
_TYPE_OF = {datatype: kind for kind, datatype in DATATYPES.items()} | _ALIASES
_ANNOTATIONS = (
    "format", "position", "search", "context", "tree", "model", "target", "by", "behaviours", "madeFrom"
)  # fmt: skip


def ontology_graph(ontology: Ontology, names: Names) -> Graph:
    """The ontology as OWL."""
    graph = Graph()
    for prefix, namespace in prefixes(names).items():
        graph.bind(prefix, namespace, override=True)
    head = URIRef(names.ontology)
    _say(graph, head, {RDF.type: OWL.Ontology, RDFS.label: ontology.name, META_NS["format"]: ontology.format})
    for annotation in _ANNOTATIONS:
        graph.add((META_NS[annotation], RDF.type, OWL.AnnotationProperty))
    _say(graph, META_NS.id, {RDF.type: OWL.DatatypeProperty, RDFS.label: "id", RDFS.range: XSD.string})
    graph.add((META_NS.id, RDF.type, OWL.FunctionalProperty))
    _add_nodes(graph, ontology, names)
    _add_relations(graph, ontology, names)
    _add_behaviours(graph, ontology, names)
    _add_events(graph, names)
    return graph


def ontology_of(graph: Graph, names: Names, *, where: str) -> Ontology:
    """The ontology that an OWL graph describes, held against itself as one from YAML is.

    Args:
        graph: the OWL; statements about other things are passed over.
        names: the IRIs that its terms have.
        where: what to call it in messages.

    Raises:
        OntologyError: it has no terms under the base, or mistakes; all are listed.
    """
    classes = _terms(graph, OWL.Class, names)
    if not classes:
        raise OntologyError(
            f"{where}: has no owl:Class whose IRI begins with {names.terms}; name the base that it was written with"
        )
    head = URIRef(names.ontology)
    document = {
        "format": _value(graph, head, META_NS["format"], 1),
        "name": _value(graph, head, RDFS.label, "shop"),
        "nodes": {name: {"properties": {}, "features": {}} for name in classes if name != EVENT_NODE},
        "relations": dict(_relations(graph, names)),
        "behaviours": dict(_behaviours(graph, names)),
        "meetings": dict(_meetings(graph, names)),
    }
    mistakes = list(_read_properties(graph, names, document["nodes"]))
    if mistakes:
        raise OntologyError("\n".join(f"{where}: {mistake}" for mistake in mistakes))
    return parse_ontology(document, where=where)


def prefixes(names: Names) -> dict[str, str]:
    """Short names of namespaces, the same in every file that is written."""
    return {"shop": names.terms, "pathrec": META, "owl": str(OWL), "rdfs": str(RDFS), "xsd": str(XSD)}


def _say(graph: Graph, subject: URIRef, facts: dict[URIRef, Any]) -> None:
    for predicate, value in facts.items():
        graph.add((subject, predicate, value if isinstance(value, URIRef | BNode) else Literal(value)))


def _add_nodes(graph: Graph, ontology: Ontology, names: Names) -> None:
    for position, (node_type, node) in enumerate(ontology.nodes.items()):
        label = URIRef(names.term(node_type))
        _say(graph, label, {RDF.type: OWL.Class, RDFS.label: node_type, META_NS.position: position})
        for place, (name, prop) in enumerate(node.properties.items()):
            term = URIRef(names.property(node_type, name))
            _add_literal(graph, term, name, label, DATATYPES[prop.type])
            facts = {META_NS.position: place, META_NS.search: prop.search, META_NS.context: prop.context}
            _say(graph, term, facts)
        for place, (name, feature) in enumerate(node.features.items()):
            term = URIRef(names.feature(node_type, name))
            _add_literal(graph, term, name, label, XSD.base64Binary)
            _say(graph, term, {RDF.type: META_NS.Feature, META_NS.position: place})
            made = [URIRef(names.property(node_type, source)) for source in feature.source]
            graph.add((term, META_NS.madeFrom, _collection(graph, made)))


def _add_literal(graph: Graph, term: URIRef, name: str, domain: URIRef, datatype: URIRef) -> None:
    _say(graph, term, {RDF.type: OWL.DatatypeProperty, RDFS.label: name, RDFS.domain: domain, RDFS.range: datatype})
    graph.add((term, RDF.type, OWL.FunctionalProperty))


def _add_relations(graph: Graph, ontology: Ontology, names: Names) -> None:
    for position, (name, relation) in enumerate(ontology.relations.items()):
        term = URIRef(names.term(name))
        _add_object(graph, term, relation.says, names.term(relation.source), names.term(relation.target))
        facts = {META_NS.position: position, META_NS.tree: relation.tree, META_NS.model: relation.model}
        _say(graph, term, facts)
        if relation.tree:
            for kind in (OWL.FunctionalProperty, OWL.IrreflexiveProperty, OWL.AsymmetricProperty):
                graph.add((term, RDF.type, kind))


def _add_object(graph: Graph, term: URIRef, label: str, domain: str, target: str) -> None:
    ends = {RDFS.domain: URIRef(domain), RDFS.range: URIRef(target)}
    _say(graph, term, {RDF.type: OWL.ObjectProperty, RDFS.label: label} | ends)


def _add_behaviours(graph: Graph, ontology: Ontology, names: Names) -> None:
    for kind in (META_NS.Behaviour, META_NS.Meeting):
        graph.add((kind, RDF.type, OWL.Class))
    for position, (name, behaviour) in enumerate(ontology.behaviours.items()):
        facts = {RDF.type: META_NS.Behaviour, RDFS.label: name, META_NS.position: position}
        _say(graph, URIRef(names.behaviour(name)), facts | {META_NS.target: behaviour.target})
    for position, (name, meeting) in enumerate(ontology.meetings.items()):
        term = URIRef(names.meeting(name))
        facts = {RDF.type: META_NS.Meeting, RDFS.label: meeting.says, META_NS.position: position}
        _say(graph, term, facts | {META_NS.by: meeting.by})
        of = [URIRef(names.behaviour(behaviour)) for behaviour in meeting.behaviours]
        graph.add((term, META_NS.behaviours, _collection(graph, of)))


def _add_events(graph: Graph, names: Names) -> None:
    """The class of events, which every ontology has and none can change."""
    event = names.term(EVENT_NODE)
    _say(graph, URIRef(event), {RDF.type: OWL.Class, RDFS.label: EVENT_NODE})
    for name, kind in EVENT_PROPERTIES.items():
        _add_literal(graph, URIRef(names.property(EVENT_NODE, name)), name, URIRef(event), DATATYPES[kind])
    for name, target in (("product", "Product"), ("user", "User")):
        _add_object(graph, URIRef(names.property(EVENT_NODE, name)), name, event, names.term(target))
    _add_object(graph, URIRef(names.property(EVENT_NODE, "behaviour")), "behaviour", event, META_NS.Behaviour)
    # What the graph itself calls the ways between a user, an event and a product.
    same = {PERFORMED: ("user", OWL.inverseOf), ON: ("product", OWL.equivalentProperty)}
    for name, (prop, relates) in same.items():
        facts = {RDF.type: OWL.ObjectProperty, RDFS.label: name, relates: URIRef(names.property(EVENT_NODE, prop))}
        _say(graph, URIRef(names.term(name)), facts)


def _collection(graph: Graph, members: list[URIRef]) -> Node:
    """The head of an RDF list, whose order is kept."""
    if not members:
        return RDF.nil
    head = BNode()
    Collection(graph, head, cast(list[Node], members))
    return head


def _terms(graph: Graph, kind: URIRef, names: Names, start: str = "") -> dict[str, URIRef]:
    """Local name and IRI of the terms of a kind, in the order that they were given, the rest by name."""
    start = names.terms + start
    found = [term for term in graph.subjects(RDF.type, kind) if isinstance(term, URIRef) and term.startswith(start)]
    last = len(found)
    found.sort(key=lambda term: (_value(graph, term, META_NS.position, last), str(term)))
    return {str(term)[len(start) :]: term for term in dict.fromkeys(found)}


def _value(graph: Graph, term: Node, predicate: URIRef, default: Any) -> Any:
    value = graph.value(term, predicate)
    return value.toPython() if isinstance(value, Literal) else default


def _members(graph: Graph, term: Node, predicate: URIRef) -> Iterable[str]:
    head = graph.value(term, predicate)
    return [str(member) for member in graph.items(head)] if head is not None else []


def _local(graph: Graph, term: Node, predicate: URIRef, names: Names) -> str:
    """The name of the class that a term points to; an IRI of others stays whole, so that a message can show it."""
    return str(graph.value(term, predicate) or "nothing").removeprefix(names.terms)


def _read_properties(graph: Graph, names: Names, nodes: dict[str, Any]) -> Iterator[str]:
    """Puts properties and features into their node types; yields what is wrong with the others."""
    features = set(graph.subjects(RDF.type, META_NS.Feature))
    for name, term in _terms(graph, OWL.DatatypeProperty, names).items():
        node_type = _local(graph, term, RDFS.domain, names)
        if node_type == EVENT_NODE:
            continue
        if node_type not in nodes:
            yield f"{term}: its rdfs:domain is {node_type}, which is no class of this ontology; name one of its classes"
        elif term in features:
            start = names.property(node_type, "")
            made = [source.removeprefix(start) for source in _members(graph, term, META_NS.madeFrom)]
            nodes[node_type]["features"][name.removeprefix(f"{node_type}.feature.")] = {"from": made}
        else:
            kind = _TYPE_OF.get(cast(URIRef, graph.value(term, RDFS.range)))
            if kind is None:
                known = ", ".join(f"xsd:{datatype.fragment}" for datatype in DATATYPES.values())
                yield f"{term}: its rdfs:range is {graph.value(term, RDFS.range)}; properties can be {known}"
            flags = {flag: _value(graph, term, META_NS[flag], default=False) for flag in ("search", "context")}
            nodes[node_type]["properties"][name.removeprefix(f"{node_type}.")] = {"type": kind} | flags


def _relations(graph: Graph, names: Names) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, term in _terms(graph, OWL.ObjectProperty, names).items():
        if name in (PERFORMED, ON) or name.startswith(f"{EVENT_NODE}."):
            continue
        ends = {"from": _local(graph, term, RDFS.domain, names), "to": _local(graph, term, RDFS.range, names)}
        flags = {
            "tree": _value(graph, term, META_NS.tree, default=False),
            "model": _value(graph, term, META_NS.model, default=True),
        }
        yield name, ends | flags | {"says": _value(graph, term, RDFS.label, "is related to")}


def _behaviours(graph: Graph, names: Names) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, term in _terms(graph, META_NS.Behaviour, names, "behaviour.").items():
        yield name, {"target": _value(graph, term, META_NS.target, default=False)}


def _meetings(graph: Graph, names: Names) -> Iterator[tuple[str, dict[str, Any]]]:
    start = names.behaviour("")
    for name, term in _terms(graph, META_NS.Meeting, names, "meeting.").items():
        of = [member.removeprefix(start) for member in _members(graph, term, META_NS.behaviours)]
        by, says = _value(graph, term, META_NS.by, None), _value(graph, term, RDFS.label, "was met together with")
        yield name, {"by": by, "behaviours": of, "says": says}

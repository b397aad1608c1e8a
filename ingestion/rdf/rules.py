"""The form of a mapping from RDF to the ontology; docs/rdf.md describes it for those who write one."""

from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from ingestion.errors import MappingError
from ingestion.places import Mistake, lines_of_places, listed, place
from ingestion.rdf.paths import Path as Way
from ingestion.rdf.paths import parse_path
from ingestion.rules import Part
from schema.errors import suggestion
from schema.iris import META, Names
from schema.ontology import EVENT_NODE, Ontology

OWN = "pathrec"
SHIPPED = {"schema-org": "schema_org.yaml", "good-relations": "good_relations.yaml"}
"""Mappings that come with Pathrec, besides that of its own exports."""

_WELL_KNOWN = {"rdf": ("http://www.w3.org/1999/02/22-rdf-syntax-ns#",), "pathrec": (META,)}


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _value(value: object) -> object:
    return {"path": value} if isinstance(value, str | list) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_several)]
Scalar = str | float | bool


class Value(Part):
    """What a property takes: the first of these paths that leads to something, perhaps through a table of values."""

    path: Paths = Field(min_length=1)
    values: dict[str, Scalar] = Field(default_factory=dict)


AnyValue = Annotated[Value, BeforeValidator(_value)]


class _Subjects(Part):
    """Which subjects are meant, and what their ids are.

    `id` lists alternatives, each a path, or several of which all are needed. Without any the IRI is the id:
    whole, or what follows `iri`, decoded.
    """

    classes: Paths = ()
    id: Annotated[tuple[Annotated[tuple[str, ...], BeforeValidator(_several)], ...], BeforeValidator(_several)] = ()
    iri: str | None = None


class NodeRule(_Subjects):
    """Subjects that become nodes of a type: of a class, or at the end of a predicate.

    With `text`, a literal at the end of a relation is such a node too, with that property.
    """

    type: str
    objects_of: Paths = ()
    text: str | None = None
    properties: dict[str, AnyValue] = Field(default_factory=dict)


class RelationRule(Part):
    """Paths that become relations; weight and time are said by an `rdf:Statement` about the triple."""

    name: str
    path: Paths = Field(min_length=1)
    weight: str | None = None
    time: str | None = None


class EventRule(_Subjects):
    """Subjects that become events."""

    product: Paths = Field(min_length=1)
    behaviour: AnyValue
    time: Paths = Field(min_length=1)
    user: Paths = ()
    value: Paths = ()
    basket: Paths = ()
    session: Paths = ()


class RdfMapping(Part):
    """The whole mapping."""

    format: Literal[1]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$")
    prefixes: dict[str, Paths] = Field(default_factory=dict)
    language: Paths = ()
    nodes: tuple[NodeRule, ...] = ()
    relations: tuple[RelationRule, ...] = ()
    events: EventRule | None = None

    @cached_property
    def spaces(self) -> dict[str, tuple[str, ...]]:
        """Prefix and the namespaces that it stands for; of several the first names them all."""
        return _WELL_KNOWN | self.prefixes

    def iris(self, short: str) -> tuple[str, ...]:
        """The IRIs that a short or full one stands for, the one that names them all first.

        Raises:
            ValueError: the prefix is unknown.
        """
        if short.startswith("<") and short.endswith(">"):
            return (short[1:-1],)
        prefix, colon, local = short.partition(":")
        if not colon or prefix not in self.spaces:
            raise ValueError(f"no prefix of {short}; {suggestion(prefix, self.spaces)} Or write <IRI>")
        return tuple(space + local for space in self.spaces[prefix])

    def way(self, text: str) -> Way:
        """A path with full IRIs."""
        return parse_path(text, lambda short: self.iris(short)[0])

    def rules_of(self, node_type: str) -> list[NodeRule]:
        return [rule for rule in self.nodes if rule.type == node_type]


def load_rdf_mapping(path_or_name: str | Path, *, ontology: Ontology, names: Names) -> RdfMapping:
    """A mapping from its file, or one that comes with Pathrec by its name.

    Args:
        path_or_name: path of a YAML file, a name in `SHIPPED`, or `pathrec` for Pathrec's own exports.
        ontology: what the mapping may name.
        names: IRIs of the shop, for its own exports.

    Raises:
        MappingError: the file cannot be read or has mistakes; the message lists all of them.
    """
    if str(path_or_name) == OWN:
        return own_mapping(ontology, names)
    document, text = _text(path_or_name)
    try:
        content = yaml.safe_load(text)
        lines, mistakes = lines_of_places(text)
    except yaml.YAMLError as error:
        raise MappingError(f"{document}: is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise MappingError(f"{document}: must be a mapping with format, name and nodes; see docs/rdf.md")
    mapping = None
    try:
        mapping = RdfMapping.model_validate(content)
        mistakes += _contradictions(mapping, ontology)
    except ValidationError as error:
        mistakes += [(place(e["loc"]), str(e["msg"]).removeprefix("Value error, ")) for e in error.errors()]
    if mistakes or mapping is None:
        raise MappingError(listed(document, mistakes, lines))
    return mapping


def own_mapping(ontology: Ontology, names: Names) -> RdfMapping:
    """The mapping of what `graph.rdf.write_rdf` writes."""
    key = "pathrec:id"

    def full(iri: str) -> str:
        return f"<{iri}>"

    nodes = [
        {
            "type": label,
            "classes": full(names.term(label)),
            "id": [key],
            "iri": names.nodes(label),
            "properties": {name: full(names.property(label, name)) for name in node.properties},
        }
        for label, node in ontology.nodes.items()
    ]
    relations = [
        {"name": name, "path": full(names.term(name)), "weight": "pathrec:weight", "time": "pathrec:time"}
        for name in ontology.relations
    ]
    parts = {name: full(names.property(EVENT_NODE, name)) for name in EventRule.model_fields.keys() - {"classes", "id"}}
    values = {full(names.behaviour(name)): name for name in ontology.behaviours}
    events = parts | {
        "classes": full(names.term(EVENT_NODE)),
        "id": [key],
        "iri": names.nodes(EVENT_NODE),
        "behaviour": {"path": parts["behaviour"], "values": values},
    }
    document = {"format": 1, "name": OWN, "nodes": nodes, "relations": relations, "events": events}
    return RdfMapping.model_validate(document)


def _text(path_or_name: str | Path) -> tuple[str, str]:
    shipped = SHIPPED.get(str(path_or_name))
    if shipped:
        return shipped, files("ingestion").joinpath("mappings", shipped).read_text(encoding="utf-8")
    path = Path(path_or_name)
    try:
        return str(path), path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        known = ", ".join([OWN, *SHIPPED])
        raise MappingError(
            f"{path}: cannot be read ({reason}); give the path of a UTF-8 YAML file or a name: {known}"
        ) from error


def _contradictions(mapping: RdfMapping, ontology: Ontology) -> Iterator[Mistake]:
    yield from _bad_paths(mapping)
    for number, rule in enumerate(mapping.nodes):
        yield from ((f"nodes[{number}]{where}", message) for where, message in _bad_node(rule, ontology))
    for number, relation in enumerate(mapping.relations):
        yield from ((f"relations[{number}].name", message) for message in _bad_relation(relation, mapping, ontology))
    for value in mapping.events.behaviour.values.values() if mapping.events else ():
        if value not in ontology.behaviours:
            yield "events.behaviour", f"no behaviour {value}; {suggestion(str(value), ontology.behaviours)}"
    if not (mapping.nodes or mapping.events):
        yield "nodes", "nothing becomes anything; say which classes are which nodes"


def _bad_node(rule: NodeRule, ontology: Ontology) -> Iterator[Mistake]:
    if rule.type not in ontology.nodes:
        yield ".type", f"no node type {rule.type}; {suggestion(rule.type, ontology.nodes)}"
        return
    if not (rule.classes or rule.objects_of):
        yield "", "no subject can be such a node; give classes or objects_of"
    known = ontology.nodes[rule.type].properties
    for name in [*rule.properties, *([rule.text] if rule.text else [])]:
        if name not in known:
            yield f".properties.{name}", f"{rule.type} has no property {name}; {suggestion(name, known)}"


def _bad_relation(relation: RelationRule, mapping: RdfMapping, ontology: Ontology) -> Iterator[str]:
    if relation.name not in ontology.relations:
        yield f"no relation {relation.name}; {suggestion(relation.name, ontology.relations)}"
        return
    ends = ontology.relations[relation.name]
    for end in dict.fromkeys((ends.source, ends.target)):
        if not mapping.rules_of(end):
            yield f"{relation.name} joins {ends.source} and {ends.target}, but no rule under nodes makes a {end}"


def _bad_paths(mapping: RdfMapping) -> Iterator[Mistake]:
    for where, text in _written(mapping.model_dump(include={"nodes", "relations", "events"}), ()):
        try:
            mapping.way(text)
        except ValueError as error:
            yield place(where), str(error)


_IRIS = {"classes", "objects_of", "id", "path", "weight", "time", "product", "user", "value", "basket", "session"}


def _written(part: Any, where: tuple[int | str, ...]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Every path and class of a mapping with its place."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _written(value, (*where, key))
    elif isinstance(part, tuple):
        for number, value in enumerate(part):
            yield from _written(value, (*where, number))
    elif isinstance(part, str) and _IRIS.intersection(where[1 if where[0] == "events" else 2 :]):
        yield where, part

"""The vocabulary of a shop's graph, read from YAML and checked as a whole.

Everything that depends on which types and relations exist derives from an `Ontology`: constraints,
Arrow schemas, the layout of a snapshot, the terms of the model, the wording of explanations.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schema.errors import OntologyError, suggestion

PropertyType = Literal["string", "integer", "float", "boolean", "datetime"]
TermKind = Literal["self", "meeting", "next", "shared", "common", "forward", "reverse"]

# Types and properties that the code itself relies on; an ontology cannot take them away.
CORE_NODES = ("User", "Product", "Category")
EVENT_NODE = "Event"
PERFORMED = "PERFORMED"
ON = "ON"
SELF_TERM = "SAME_PRODUCT"
NEXT_TERM = "NEXT_PRODUCT"
REJECTED_LABEL = "REJECTED_LABEL"
RULE_NODE = "Rule"
APPLIES_TO = "APPLIES_TO"
MOVED_FROM = "MOVED_FROM"
MOVABLE = ("IN_CATEGORY", "CHILD_OF")
"""Relations to a category that a rule can move; a MOVED_FROM stands for what was moved."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
RESERVED_NODES = {EVENT_NODE, RULE_NODE, "Change", "Feedback", "Impression", "Shop"}
RESERVED_RELATIONS = {
    *(PERFORMED, ON, "GAVE", "ABOUT", "WAS_SHOWN", APPLIES_TO, MOVED_FROM),
    *(SELF_TERM, NEXT_TERM, REJECTED_LABEL),
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Property(_Part):
    """One property of a node type.

    `search` puts it into the full-text index; `context`, of a user's text, makes what is liked among those who
    have the same value a part of the prior.
    """

    type: PropertyType
    search: bool = False
    context: bool = False


class Feature(_Part):
    """An embedding of a node type, made from the named properties, or of none: then its vectors are brought along."""

    source: tuple[str, ...] = Field((), alias="from")


def _short_property(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


class NodeType(_Part):
    """A label of the graph with its properties and embeddings."""

    properties: dict[str, Annotated[Property, BeforeValidator(_short_property)]] = {}
    features: dict[str, Feature] = {}

    @property
    def searchable(self) -> tuple[str, ...]:
        return tuple(name for name, prop in self.properties.items() if prop.search)

    @property
    def contexts(self) -> tuple[str, ...]:
        return tuple(name for name, prop in self.properties.items() if prop.context)


class Relation(_Part):
    """A relation between two node types; `model: false` keeps it out of the model."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    tree: bool = False
    model: bool = True
    says: str = "is related to"


class Behaviour(_Part):
    """Something that people do with products. Exactly one behaviour is the target of the model."""

    target: bool = False


class Meeting(_Part):
    """Products that meet in the events of one user, one basket or one session."""

    by: Literal["user", "basket", "session"]
    behaviours: tuple[str, ...] = Field(min_length=1)
    says: str = "was met together with"


class Term(_Part):
    """An explicit term of the model: a kind of path from one product to another.

    `self` is the product itself, `meeting` goes through a user, basket or session, `next` through somebody
    who came to one product right after the other, `shared` through a node that both products point to,
    `common` through a product that points to both, `forward` and `reverse` along a relation between products.
    """

    name: str
    kind: TermKind
    relation: str
    says: str

    @property
    def two_steps(self) -> bool:
        return self.through_people or self.through_nodes

    @property
    def through_people(self) -> bool:
        """Whether people, or what is theirs, are in the middle."""
        return self.kind in ("meeting", "next")

    @property
    def through_nodes(self) -> bool:
        """Whether nodes of the catalogue are in the middle."""
        return self.kind in ("shared", "common")

    @property
    def through_products(self) -> bool:
        """Whether what is in the middle is a product: only such a term is not called like its relation."""
        return self.through_nodes and self.name != self.relation


class Ontology(_Part):
    """Node types, relations, behaviours and meetings, consistent with each other."""

    format: Literal[1]
    name: str
    nodes: dict[str, NodeType]
    relations: dict[str, Relation]
    behaviours: dict[str, Behaviour]
    meetings: dict[str, Meeting]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical form; equal vocabularies have equal hashes."""
        canonical = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def target_behaviour(self) -> str:
        return next(name for name, behaviour in self.behaviours.items() if behaviour.target)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The explicit terms of the model, in a fixed order, the product itself first."""
        return tuple(self._derive_terms())

    def as_dict(self) -> dict[str, Any]:
        """The YAML form, as a manifest carries it; `Ontology.model_validate` reads it back."""
        return self.model_dump(by_alias=True)

    def relations_between(self, source: str, target: str) -> dict[str, Relation]:
        return {n: r for n, r in self.relations.items() if (r.source, r.target) == (source, target)}

    def _derive_terms(self) -> Iterator[Term]:
        yield Term(name=SELF_TERM, kind="self", relation=SELF_TERM, says="is the same product as")
        for name, meeting in self.meetings.items():
            yield Term(name=name, kind="meeting", relation=name, says=meeting.says)
        yield Term(name=NEXT_TERM, kind="next", relation=NEXT_TERM, says="was chosen next after")
        for name, relation in self.relations.items():
            if not relation.model or relation.source != "Product":
                continue
            if relation.target != "Product":
                yield Term(name=name, kind="shared", relation=name, says=relation.says)
                continue
            yield Term(name=name, kind="forward", relation=name, says=relation.says)
            yield Term(name=f"{name}_REVERSE", kind="reverse", relation=name, says=relation.says)
            shared = f"{relation.says} the same products as"
            yield Term(name=f"{name}_SHARED", kind="shared", relation=name, says=shared)
            yield Term(name=f"{name}_COMMON", kind="common", relation=name, says=relation.says)


@cache
def default_ontology() -> Ontology:
    """The commerce ontology that ships with Pathrec."""
    return Ontology.model_validate(_default_document())


def load_ontology(path: Path | None = None) -> Ontology:
    """The commerce ontology, with the additions of a shop's own file where one is given.

    Raises:
        OntologyError: the file cannot be read or has mistakes; the message lists every mistake with
            the file, the line and the place in the document.
    """
    if path is None:
        return default_ontology()
    try:
        text = path.read_text(encoding="utf-8")
        own = yaml.safe_load(text)
        lines = _lines_of_places(text)
    except (OSError, UnicodeDecodeError) as error:
        raise OntologyError(f"{path}: cannot be read ({error}); give the path of a UTF-8 YAML file") from error
    except yaml.YAMLError as error:
        raise OntologyError(f"{path}: is not YAML: {error}") from error
    return parse_ontology(own, where=str(path), lines=lines)


def parse_ontology(own: object, *, where: str, lines: Mapping[str, int] | None = None) -> Ontology:
    """The commerce ontology with the additions of an own document, all mistakes reported at once.

    Args:
        own: the parsed YAML of a shop's file.
        where: what to call the document in messages.
        lines: line number of each place ("relations.MADE_OF.to"), if known.
    """
    if not isinstance(own, dict):
        raise OntologyError(f"{where}: must be a mapping with nodes, relations, behaviours or meetings")
    merged, mistakes = _merge(_default_document(), own)
    ontology: Ontology | None = None
    try:
        ontology = Ontology.model_validate(merged)
    except ValidationError as error:
        mistakes += [(_place(e["loc"]), e["msg"]) for e in error.errors()]
    mistakes += list(_contradictions(ontology)) if ontology else list(_dangling_names(merged))
    if mistakes or ontology is None:
        raise OntologyError(_report(where, mistakes, lines or {}))
    return ontology


def with_relation(ontology: Ontology, name: str, says: str) -> Ontology:
    """An ontology with one more relation between products.

    Raises:
        OntologyError: the name cannot be that of a new relation.
    """
    # Read anew: a copy would keep what was worked out of the smaller one.
    document = ontology.as_dict()
    document["relations"][name] = {"from": "Product", "to": "Product", "says": says}
    grown = Ontology.model_validate(document)
    if mistakes := list(_contradictions(grown)):
        raise OntologyError(_report("the new relation", mistakes, {}))
    return grown


def _default_document() -> dict[str, Any]:
    document = yaml.safe_load(files("schema").joinpath("ontology.yaml").read_text(encoding="utf-8"))
    return dict(document)


def _merge(base: dict[str, Any], own: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Own entries over the default ones; a node type's properties and features are joined."""
    mistakes: list[tuple[str, str]] = []
    merged = dict(base)
    for section, entries in own.items():
        if section in ("format", "name"):
            merged[section] = entries
        elif section not in base:
            mistakes.append((str(section), f"unknown section; {suggestion(str(section), base)}"))
        elif not isinstance(entries, dict):
            mistakes.append((section, "must be a mapping from names to definitions"))
        else:
            merged[section] = base[section] | {
                name: _joined(base[section].get(name), entry) for name, entry in entries.items()
            }
    return merged, mistakes


def _joined(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return {} if new is None else new
    nested = {k: _joined(old[k], v) if isinstance(old.get(k), dict) else v for k, v in new.items()}
    return old | nested


def _contradictions(ontology: Ontology) -> Iterator[tuple[str, str]]:
    yield from _bad_names(ontology)
    yield from _ambiguous_terms(ontology)
    for name, node in ontology.nodes.items():
        for prop in node.contexts:
            if name != "User" or node.properties[prop].type != "string":
                yield f"nodes.{name}.properties.{prop}.context", "only a string property of User can be a context"
        for feature, made in node.features.items():
            for source in made.source:
                if source not in node.properties:
                    place = f"nodes.{name}.features.{feature}.from"
                    yield place, f"{name} has no property {source}; {suggestion(source, node.properties)}"
    yield from _dangling_names(ontology.as_dict())
    for name, relation in ontology.relations.items():
        if relation.tree and relation.source != relation.target:
            yield f"relations.{name}.tree", "a tree joins nodes of one type; from and to differ"
    targets = [name for name, behaviour in ontology.behaviours.items() if behaviour.target]
    if len(targets) != 1:
        yield "behaviours", f"exactly one behaviour is the target, here: {', '.join(targets) or 'none'}"


def _bad_names(ontology: Ontology) -> Iterator[tuple[str, str]]:
    named = [(f"nodes.{n}", n) for n in ontology.nodes]
    named += [(f"relations.{n}", n) for n in ontology.relations]
    named += [(f"behaviours.{n}", n) for n in ontology.behaviours]
    named += [(f"meetings.{n}", n) for n in ontology.meetings]
    for node, definition in ontology.nodes.items():
        named += [(f"nodes.{node}.properties.{p}", p) for p in definition.properties]
        named += [(f"nodes.{node}.features.{f}", f) for f in definition.features]
        if "id" in definition.properties:
            yield f"nodes.{node}.properties.id", "id is always there and cannot be declared"
    for place, name in named:
        if not _NAME.fullmatch(str(name)):
            yield place, "a name is letters, digits and _, beginning with a letter, at most 63 long"
    for name in RESERVED_NODES & set(ontology.nodes):
        yield f"nodes.{name}", "this name is reserved"
    for section in ("relations", "meetings"):
        for name in RESERVED_RELATIONS & set(getattr(ontology, section)):
            yield f"{section}.{name}", "this name is reserved"
    for name in set(ontology.relations) & set(ontology.meetings):
        yield f"meetings.{name}", "there is a relation of this name; choose another"


def _ambiguous_terms(ontology: Ontology) -> Iterator[tuple[str, str]]:
    """Own names that are already those of a term that the model derives."""
    for name, count in Counter(term.name for term in ontology.terms).items():
        if count > 1 and not (name in ontology.relations and name in ontology.meetings):
            section = "relations" if name in ontology.relations else "meetings"
            yield f"{section}.{name}", "the model has a term of this name for another relation; choose another"


def _dangling_names(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """References to types and behaviours that do not exist, found even in a malformed document."""
    nodes, behaviours = document.get("nodes"), document.get("behaviours")
    if isinstance(nodes, dict):
        for name, relation in _definitions(document, "relations"):
            for end in ("from", "to"):
                if isinstance(relation.get(end), str) and relation[end] not in nodes:
                    yield f"relations.{name}.{end}", f"no node type {relation[end]}; {suggestion(relation[end], nodes)}"
    if isinstance(behaviours, dict):
        for name, meeting in _definitions(document, "meetings"):
            for behaviour in meeting.get("behaviours") or ():
                if behaviour not in behaviours:
                    message = f"no behaviour {behaviour}; {suggestion(str(behaviour), behaviours)}"
                    yield f"meetings.{name}.behaviours", message


def _definitions(document: dict[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    entries = document.get(section)
    if isinstance(entries, dict):
        yield from ((name, entry) for name, entry in entries.items() if isinstance(entry, dict))


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def _report(where: str, mistakes: list[tuple[str, str]], lines: Mapping[str, int]) -> str:
    rows = []
    for place, message in dict.fromkeys(mistakes):
        line = _nearest_line(place, lines)
        rows.append(f"{where}{f':{line}' if line else ''}: {place}: {message}")
    return "\n".join(rows)


def _nearest_line(place: str, lines: Mapping[str, int]) -> int | None:
    while place:
        if place in lines:
            return lines[place]
        place = place.rpartition(".")[0]
    return None


def _lines_of_places(text: str) -> dict[str, int]:
    lines: dict[str, int] = {}

    def visit(node: yaml.Node, place: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = f"{place}.{key.value}" if place else str(key.value)
                lines[inner] = key.start_mark.line + 1
                visit(value, inner)

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        visit(root, "")
    return lines

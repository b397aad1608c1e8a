"""A mapping made ready for triples: every path and class by the number or name that it has in the rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from ingestion.rdf.paths import Path, longer, predicates
from ingestion.rdf.rules import EventRule, NodeRule, RdfMapping, Value
from schema.ontology import Ontology, PropertyType

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TYPE, STATEMENT = f"{RDF}type", f"{RDF}Statement"
SUBJECT, PREDICATE, OBJECT = (f"{RDF}{part}" for part in ("subject", "predicate", "object"))


@dataclass(frozen=True)
class Plan:
    """What to look for among triples. Predicates and paths are numbers, by their names in `numbers`."""

    mapping: RdfMapping
    ontology: Ontology
    numbers: dict[str, int] = field(default_factory=dict)

    @cached_property
    def forwards(self) -> dict[str, int]:
        """IRI of each predicate that is followed, spelled in any of its ways, and its number."""
        return self._spelled(step for step in self._steps if not step.startswith("^"))

    @cached_property
    def backwards(self) -> dict[str, int]:
        """The same for those that are followed from object to subject."""
        return self._spelled(step for step in self._steps if step.startswith("^"))

    @cached_property
    def classes(self) -> dict[str, str]:
        """IRI of each class, spelled in any of its ways, and the one that stands for all of them."""
        rules: list[NodeRule | EventRule] = [*self.mapping.nodes]
        rules += [self.mapping.events] if self.mapping.events else []
        found = {STATEMENT: STATEMENT}
        for rule in rules:
            for name in rule.classes:
                iris = self.mapping.iris(name)
                found |= dict.fromkeys(iris, iris[0])
        return found

    @cached_property
    def long_paths(self) -> list[Path]:
        """Paths of several steps with all that they begin with, the short ones first."""
        return longer(self._paths)

    def number(self, path: str | Path) -> int:
        """The number of a path, given as text or parsed."""
        way = self.mapping.way(path) if isinstance(path, str) else path
        return self.numbers.setdefault(way.name, len(self.numbers))

    def ways(self, paths: Iterable[str]) -> list[int]:
        """The numbers of alternatives, in their order."""
        return [self.number(path) for path in paths]

    def ends(self, rule: NodeRule) -> list[int]:
        """The numbers of the predicates at whose ends such nodes are, seen from there."""
        return [self.number(f"^{name}") for name in rule.objects_of]

    def class_names(self, rule: NodeRule | EventRule) -> list[str]:
        return [self.mapping.iris(name)[0] for name in rule.classes]

    def said(self, number: int) -> str:
        """The path of a number, for messages."""
        return next((name for name, known in self.numbers.items() if known == number), "")

    def values(self, value: Value) -> dict[str, str]:
        """The table of a value: how each text or IRI may be written in a file, and what it stands for."""
        found: dict[str, str] = {}
        for written, meant in value.values.items():
            text = str(meant).lower() if isinstance(meant, bool) else str(meant)
            found[written] = text
            try:
                found |= dict.fromkeys(self.mapping.iris(written), text)
            except ValueError:
                continue  # a text, not an IRI
            found[written.rpartition(":")[2]] = text
        return found

    def kind(self, node_type: str, name: str) -> PropertyType:
        return self.ontology.nodes[node_type].properties[name].type

    @cached_property
    def weighs(self) -> bool:
        """Whether statements about triples are looked at."""
        return any(rule.weight or rule.time for rule in self.mapping.relations)

    @cached_property
    def _paths(self) -> list[Path]:
        texts = [TYPE, *((SUBJECT, PREDICATE, OBJECT) if self.weighs else ())]
        paths = [Path((text,)) for text in texts]
        return paths + [self.mapping.way(text) for text in dict.fromkeys(_written(self.mapping))]

    @cached_property
    def _steps(self) -> set[str]:
        return predicates(self._paths)

    def _spelled(self, steps: Iterable[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for step in sorted(steps):
            number = self.number(Path((step,)))
            found |= dict.fromkeys(self._variants(step.removeprefix("^")), number)
        return found

    def _variants(self, iri: str) -> tuple[str, ...]:
        for spaces in self.mapping.spaces.values():
            if iri.startswith(spaces[0]):
                return tuple(space + iri[len(spaces[0]) :] for space in spaces)
        return (iri,)


def _written(mapping: RdfMapping) -> Iterable[str]:
    """Every path of a mapping."""
    for rule in mapping.nodes:
        yield from (f"^{name}" for name in rule.objects_of)
        yield from (path for alternative in rule.id for path in alternative)
        yield from (path for value in rule.properties.values() for path in value.path)
    for relation in mapping.relations:
        yield from relation.path
        yield from (path for path in (relation.weight, relation.time) if path)
    if mapping.events:
        events = mapping.events
        yield from (path for alternative in events.id for path in alternative)
        yield from (*events.product, *events.behaviour.path, *events.time, *events.user)
        yield from (*events.value, *events.basket, *events.session)

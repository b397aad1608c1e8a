"""What a mapping says, held against its own columns and against the ontology."""

from collections.abc import Iterator

from ingestion.categories import OTHER, slug, words_of
from ingestion.clean import step_name
from ingestion.places import Mistake, place
from ingestion.rules import CategoryRule, Document, EventRule, NodeRule, RelationRule, Source, Value
from schema.errors import suggestion
from schema.ontology import Ontology, PropertyType

_FITS: dict[PropertyType, tuple[PropertyType, ...]] = {
    "string": ("string", "integer", "float", "boolean"),
    "integer": ("integer",),
    "float": ("float", "integer"),
    "boolean": ("boolean",),
    "datetime": ("datetime",),
}
"""Property type and the column types whose cells it can hold."""


def contradictions(rules: Document, ontology: Ontology, *, replaced: bool = False) -> list[Mistake]:
    """Every place where a mapping names what is not there or asks for what does not fit.

    Args:
        replaced: the path of the only source was given from outside.
    """
    found: list[Mistake] = []
    if replaced and len(rules.sources) != 1:
        found.append(("sources", "a data file can be named from outside only for a mapping with one source"))
    names: dict[str, int] = {}
    for index, source in enumerate(rules.sources):
        at = f"sources[{index}]"
        if source.name in names:
            found.append((f"{at}.name", f"{source.name} is also sources[{names[source.name]}]; give each its own name"))
        names.setdefault(source.name, index)
        found += ((f"{at}.{where}", message) for where, message in _source(source, ontology))
    if rules.categories:
        found += _categories(rules)
    return found


def _source(source: Source, ontology: Ontology) -> Iterator[Mistake]:
    if source.format is None:
        yield "path", f"the suffix of {source.path.name} tells no format; add format: csv, tsv, jsonl or parquet"
    if not (source.nodes or source.relations or source.events):
        yield "nodes", "the rows become nothing; add nodes, relations or events"
    for number, step in enumerate(source.clean):
        for parameter, column, types in step.references():
            where = f"clean[{number}].{step_name(step)}.{parameter}"
            yield from _column(source, where, column, types)
            if column in source.columns and source.columns[column].split:
                yield where, f"{column} is a list; cleaning steps take single values"
    for number, node in enumerate(source.nodes):
        yield from _inside(place(("nodes", number)), _node(source, node, ontology))
    for number, relation in enumerate(source.relations):
        yield from _inside(place(("relations", number)), _relation(source, relation, ontology))
    ids = [event.id for event in source.events]
    for number, event in enumerate(source.events):
        if event.id in ids[:number] and event.id is not None:
            yield (
                f"events[{number}].id",
                f"another rule takes {event.id} too, so that two events have one id; leave it out",
            )
        yield from _inside(place(("events", number)), _event(source, event, ontology))


def _inside(at: str, mistakes: Iterator[Mistake]) -> Iterator[Mistake]:
    return ((f"{at}.{where}", message) for where, message in mistakes)


def _column(source: Source, where: str, column: str, types: tuple[str, ...] = ()) -> Iterator[Mistake]:
    if column not in source.columns:
        yield where, f'no column "{column}" under columns; {suggestion(column, source.columns)}'
    elif types and source.columns[column].type not in types:
        yield where, f"{column} is {source.columns[column].type}, not {' or '.join(types)}; give it that type"


def _single(source: Source, where: str, column: str | None, types: tuple[str, ...] = ()) -> Iterator[Mistake]:
    if column is None:
        return
    yield from _column(source, where, column, types)
    if column in source.columns and source.columns[column].split:
        yield where, f"{column} is a list; only the id of a node and the ends of a relation can be lists"


def _node(source: Source, node: NodeRule, ontology: Ontology) -> Iterator[Mistake]:
    yield from _column(source, "id", node.id, _FITS["string"])
    if node.type not in ontology.nodes:
        yield "type", f"no node type {node.type}; {suggestion(node.type, ontology.nodes)}"
        return
    known = ontology.nodes[node.type].properties
    for name, value in node.properties.items():
        where = f"properties.{name}"
        if name not in known:
            yield where, f"{node.type} has no property {name}; {suggestion(name, known)}"
            continue
        yield from _value(source, where, value, known[name].type, may_be_list=value.column == node.id)


def _value(source: Source, where: str, value: Value, wanted: PropertyType, *, may_be_list: bool) -> Iterator[Mistake]:
    if value.column is not None:
        check = _column if may_be_list else _single
        yield from check(source, where, value.column, _FITS[wanted])
        if value.choose == "median" and wanted != "float":
            yield where, "a median is a float; this property is not"
    elif not _constant_fits(value.constant, wanted):
        yield where, f"the constant {value.constant} is not {wanted}"
    if value.values:
        yield where, "values is for behaviours only"


def _constant_fits(constant: object, wanted: PropertyType) -> bool:
    if wanted == "float":
        return isinstance(constant, float | int) and not isinstance(constant, bool)
    if wanted == "integer":
        return isinstance(constant, float) and constant.is_integer()
    return isinstance(constant, {"string": str, "boolean": bool}.get(wanted, ()))


def _relation(source: Source, relation: RelationRule, ontology: Ontology) -> Iterator[Mistake]:
    if relation.name not in ontology.relations:
        yield "name", f"no relation {relation.name}; {suggestion(relation.name, ontology.relations)}"
    yield from _column(source, "source", relation.source, _FITS["string"])
    yield from _column(source, "target", relation.target, _FITS["string"])
    yield from _single(source, "weight", relation.weight, ("float", "integer"))
    yield from _single(source, "time", relation.time, ("datetime",))


def _event(source: Source, event: EventRule, ontology: Ontology) -> Iterator[Mistake]:
    for where in ("product", "user", "session", "basket", "id"):
        yield from _single(source, where, getattr(event, where), _FITS["string"])
    yield from _single(source, "time", event.time, ("datetime",))
    yield from _single(source, "value", event.value, ("float", "integer"))
    yield from _single(source, "behaviour", event.behaviour.column, ("string",))
    named = [str(event.behaviour.constant)] if event.behaviour.constant is not None else event.behaviour.values.values()
    for behaviour in named:
        if behaviour not in ontology.behaviours:
            yield "behaviour", f"no behaviour {behaviour}; {suggestion(behaviour, ontology.behaviours)}"
    if event.user is None and event.session is None and event.basket is None:
        yield "user", "an event needs a user, a session or a basket; name at least one column"


def _categories(rules: Document) -> Iterator[Mistake]:
    rule = rules.categories
    given = {name for s in rules.sources for node in s.nodes if node.type == "Product" for name in node.properties}
    if rule and rule.source not in given:
        yield "categories.from", f"no source gives products a {rule.source}; {suggestion(rule.source, given)}"
    if rule:
        yield from _tree(rule)


def _tree(rule: CategoryRule) -> Iterator[Mistake]:
    """A tree of categories in which an id or a word stands for two things."""
    ids = {OTHER: "everything else"}
    words: dict[tuple[str, ...], str] = {}
    for department, leaves in rule.tree.items():
        for where, name in [((department,), department), *(((department, leaf), leaf) for leaf in leaves)]:
            if slug(name) in ids:
                yield place(("categories", "tree", *where)), f"its id {slug(name)} is that of {ids[slug(name)]} too"
            ids.setdefault(slug(name), name)
        for leaf, phrases in leaves.items():
            for phrase in phrases:
                if words.setdefault(words_of(phrase), leaf) != leaf:
                    yield (
                        place(("categories", "tree", department, leaf)),
                        f"{phrase} is in {words[words_of(phrase)]} too",
                    )
    known = {leaf for leaves in rule.tree.values() for leaf in leaves}
    for leaf in sorted(rule.motifs.keys() - known):
        yield f"categories.motifs.{leaf}", f"no category {leaf} in the tree; {suggestion(leaf, known)}"

"""What a rule of knowledge says that it cannot say. Whether what it names is there is seen when it is applied."""

from collections.abc import Iterator

from graph.derivation import bad_link, bad_weight
from graph.knowledge import MOST_LINKS, Knowledge, KnowledgeKind
from schema.errors import OntologyError
from schema.ontology import Ontology, with_relation

_LONGEST = {"id": 200, "author": 200, "note": 2_000, "says": 200, "cypher": 20_000}


def mistakes(ontology: Ontology, rule: Knowledge) -> list[tuple[str, str]]:
    """What a rule says that it cannot say: the field, and what is wrong."""
    return [*_bad_texts(rule), *(_bad_move(rule) if rule.kind == KnowledgeKind.MOVE else _bad_links(ontology, rule))]


def _bad_texts(rule: Knowledge) -> Iterator[tuple[str, str]]:
    if not rule.id.strip():
        yield "id", "a rule has an id; give one of your own, such as its purpose"
    for name, most in _LONGEST.items():
        text = getattr(rule, name)
        if text is not None and len(text) > most:
            yield name, f"has {len(text):,} characters; use at most {most:,}"


def _bad_links(ontology: Ontology, rule: Knowledge) -> Iterator[tuple[str, str]]:
    if rule.relation is None:
        yield "relation", f"{rule.kind} needs a relation between products; name one of the shop's, or a new one"
    else:
        yield from _bad_relation(ontology, rule.relation, rule.says)
    if wrong := bad_weight(rule.weight):
        yield "weight", wrong
    if rule.move is not None:
        yield "move", f"{rule.kind} moves nothing; leave it out"
    yield from _bad_query(rule) if rule.kind == KnowledgeKind.DERIVE else _bad_pairs(rule)


def _bad_query(rule: Knowledge) -> Iterator[tuple[str, str]]:
    if not (rule.cypher or "").strip():
        yield "cypher", "DERIVE needs a query; let it end with RETURN a.id AS source, b.id AS target"
    if rule.pairs:
        yield "pairs", "DERIVE finds its pairs by its query; leave them out, or make it a RELATE"


def _bad_pairs(rule: Knowledge) -> Iterator[tuple[str, str]]:
    if rule.cypher is not None:
        yield "cypher", "RELATE has no query; leave it out, or make it a DERIVE"
    if not rule.pairs:
        yield "pairs", "RELATE needs pairs of products"
    if len(rule.pairs) > MOST_LINKS:
        yield "pairs", f"are {len(rule.pairs):,}; use at most {MOST_LINKS:,} in one rule"
    for pair, weight in rule.pairs.items():
        if wrong := bad_link(pair, weight):
            yield "pairs", f"{pair[0]}, {pair[1]}: {wrong}"


def _bad_relation(ontology: Ontology, name: str, says: str | None) -> Iterator[tuple[str, str]]:
    known = ontology.relations.get(name)
    if known is not None:
        if (known.source, known.target) != ("Product", "Product") or not known.model:
            yield "relation", f"{name} is no relation between products that the model takes; name another"
        elif says is not None and says != known.says:
            yield "says", f'{name} says "{known.says}" in this shop; leave it out'
        return
    if says is None:
        between = ", ".join(ontology.relations_between("Product", "Product"))
        yield "says", f'{name} is new (there is {between}); say how it reads, as in says: "is an accessory of"'
        return
    try:
        with_relation(ontology, name, says)
    except OntologyError as error:
        yield "relation", str(error)


def _bad_move(rule: Knowledge) -> Iterator[tuple[str, str]]:
    for name, value in (("relation", rule.relation), ("says", rule.says), ("cypher", rule.cypher)):
        if value is not None:
            yield name, "MOVE has none; leave it out"
    if rule.pairs:
        yield "pairs", "MOVE has none; leave them out"
    if rule.move is None or not rule.move.to:
        yield "move", "MOVE needs the category to which it moves"
    elif (rule.move.category is None) == (rule.move.source is None):
        yield "move", "MOVE needs a category to move, or one from which products move; give one of them"
    elif rule.move.category is not None and rule.move.products:
        yield "move", "a category moves with all that is in it; name no products"

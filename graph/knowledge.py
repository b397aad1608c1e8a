"""What experts know, as rules: links between products, links that a query derives, moves of categories.

A rule is a node beside the business rules (`graph.rules`), with all that it says in its properties. It is a draft
until it is applied: then its links stand in the graph (`graph.claims`, `graph.moves`), and whatever reads the graph
reads them. Undoing takes back exactly these. A relation that the shop's ontology has not enters it when a rule of it
is first applied, and stays there.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from graph import changes, shop
from graph.changes import Kind
from graph.claims import Pair, Settled, Weights, settle
from graph.connection import Connection, Row, Transaction
from graph.cypher import Query, quoted
from graph.errors import KnowledgeError, StoreError, StoreUnavailable
from graph.explore import Table
from graph.moves import Move, move, move_back
from graph.times import from_ms, to_ms
from schema.errors import OntologyError
from schema.ontology import RULE_NODE, Ontology, with_relation

MOST_LINKS = 50_000
HEAVIEST = 1_000.0
SOURCE, TARGET, WEIGHT = "source", "target", "weight"
_LONGEST = {"id": 200, "author": 200, "note": 2_000, "says": 200, "cypher": 20_000}
_NAMED = 5
_RULE = quoted(RULE_NODE)

Ask = Callable[[Query, int], Table]
"""Reads the graph and never changes it: the first rows of a query."""
Rows = Callable[[Query], list[Row]]


class KnowledgeKind(StrEnum):
    """What a rule of knowledge does."""

    RELATE = "RELATE"  # links pairs of products
    DERIVE = "DERIVE"  # links pairs of products that a query finds
    MOVE = "MOVE"  # moves products or a category to another category


class Status(StrEnum):
    """How far a rule is: written down, at work in the graph, or taken back."""

    DRAFT = "DRAFT"
    APPLIED = "APPLIED"
    UNDONE = "UNDONE"


@dataclass(frozen=True)
class Knowledge:
    """A rule of knowledge.

    Attributes:
        created, changed: by the shop's clock.
        relation, says: of RELATE and DERIVE: the relation between products, and its wording if it is new.
        weight: of a link, where the query says none.
        pairs: what RELATE links, with the weight of each.
        cypher: what DERIVE asks the graph.
        move: what MOVE does.
        applied: when its links were last changed.
        links: how many links stand in the graph by it.
    """

    id: str
    kind: KnowledgeKind
    created: datetime
    changed: datetime
    status: Status = Status.DRAFT
    author: str | None = None
    note: str | None = None
    relation: str | None = None
    says: str | None = None
    weight: float = 1.0
    pairs: Weights = field(default_factory=dict)
    cypher: str | None = None
    move: Move | None = None
    applied: datetime | None = None
    links: int = 0


@dataclass(frozen=True)
class Effect:
    """What applying, refreshing or undoing a rule did to the graph: links put, weighted anew and taken back."""

    put: int = 0
    changed: int = 0
    taken: int = 0

    @classmethod
    def of(cls, settled: Settled) -> "Effect":
        return cls(len(settled.put), len(settled.changed), len(settled.taken))


def mistakes(ontology: Ontology, rule: Knowledge) -> list[tuple[str, str]]:
    """What a rule says that it cannot say: the field, and what is wrong. What is in the graph is not looked at."""
    return [*_bad_texts(rule), *(_bad_move(rule) if rule.kind == KnowledgeKind.MOVE else _bad_links(ontology, rule))]


def save(connection: Connection, rule: Knowledge) -> Knowledge:
    """Keeps a rule as a draft, in place of the one of its id, whose time of creation stays.

    Raises:
        KnowledgeError: it has mistakes, the one of its id is at work, or that is a business rule.
    """
    _check(shop.stored_ontology(connection), rule)

    def work(transaction: Transaction) -> None:
        number = changes.reserve(transaction)
        known = transaction.rows(Query(f"MATCH (r:{_RULE} {{id: $id}}) RETURN r.kind, r.status", {"id": rule.id}))
        for kind, status in known:
            if status is None:
                raise KnowledgeError(f"rule {rule.id} is a business rule ({kind}); give this one another id")
            _check_idle(rule.id, status)
        text = f"MERGE (r:{_RULE} {{id: $id}}) ON CREATE SET r.created = $created SET r += $properties"
        values = {"id": rule.id, "created": to_ms(rule.created), "properties": _properties(rule)}
        transaction.run(Query(text, values))
        changes.append(transaction, Kind.RULES_WRITTEN, [rule.id], number)

    connection.write(work)
    return found(connection, rule.id)


def found(connection: Connection, rule: str) -> Knowledge:
    """A rule with all that it says.

    Raises:
        KnowledgeError: there is none of this id.
    """
    return _found(connection.rows, rule)


def all_rules(connection: Connection) -> list[Knowledge]:
    """All rules of knowledge in the order in which they were created."""
    rows = connection.rows(Query(f"MATCH (r:{_RULE}) WHERE r.status IS NOT NULL RETURN properties(r)"))
    return sorted((_knowledge(values) for (values,) in rows), key=lambda rule: (rule.created, rule.id))


def wanted(connection: Connection, ask: Ask, rule: Knowledge) -> dict[Pair, float]:
    """The links that RELATE or DERIVE would put into the graph as it is now.

    Raises:
        KnowledgeError: a product that is not there; a query that is refused or returns anything else than links.
    """
    _check(shop.stored_ontology(connection), rule)
    links = _links(ask, rule)
    _check_products(connection.rows, rule, links)
    return links


def apply(connection: Connection, ask: Ask, rule: str, moment: datetime) -> Effect:
    """Puts what a rule says into the graph; of one that is applied, what it says by now.

    Args:
        connection: the store.
        ask: reads the graph for a query that derives.
        rule: its id.
        moment: now, by the shop's clock.

    Raises:
        KnowledgeError: it cannot be applied; nothing was written.
    """
    said = found(connection, rule)
    links = _links(ask, said)

    def work(transaction: Transaction) -> Effect:
        number = changes.reserve(transaction)
        now = _found(transaction.rows, rule)
        if (now.changed, now.status) != (said.changed, said.status):
            raise KnowledgeError(f"rule {rule} was changed just now; look at it and apply it again")
        settled = _settled(transaction, connection.name, said, links)
        if said.status == Status.APPLIED and not settled.touched:
            transaction.undo()
            return Effect()
        _log(transaction, said, settled, number)
        count = said.links + len(settled.put) - len(settled.taken)
        _mark(transaction, rule, Status.APPLIED, moment, count)
        return Effect.of(settled)

    return connection.write(work)


def undo(connection: Connection, rule: str, moment: datetime) -> Effect:
    """Takes back exactly what a rule put into the graph.

    Raises:
        KnowledgeError: it is not applied, or a later rule has moved on what it moved.
    """

    def work(transaction: Transaction) -> Effect:
        number = changes.reserve(transaction)
        said = _found(transaction.rows, rule)
        if said.status != Status.APPLIED:
            raise KnowledgeError(f"rule {rule} is not applied, so there is nothing to undo")
        ontology = shop.ontology_in(transaction, connection.name)
        settled = (
            settle(transaction, ontology, said.relation, rule, {})
            if said.relation is not None
            else move_back(transaction, ontology, rule, _move(said))
        )
        _log(transaction, said, settled, number)
        _mark(transaction, rule, Status.UNDONE, moment, 0)
        return Effect.of(settled)

    return connection.write(work)


def _settled(transaction: Transaction, store: str, said: Knowledge, links: Weights) -> Settled:
    """Makes the links of a rule in the graph those that it says."""
    if said.relation is None:
        return move(transaction, shop.ontology_in(transaction, store), said.id, _move(said))
    there = links
    if said.kind == KnowledgeKind.RELATE and said.status == Status.APPLIED:
        gone = set(_missing(transaction.rows, links))
        there = {pair: weight for pair, weight in links.items() if gone.isdisjoint(pair)}
    _check_products(transaction.rows, said, there)
    ontology = shop.grow(transaction, store, said.relation, said.says)
    return settle(transaction, ontology, said.relation, said.id, there)


def _log(transaction: Transaction, said: Knowledge, settled: Settled, number: int) -> None:
    """Tells running servers what to look at again: the rule itself, since what others reach may have changed too."""
    changes.append(transaction, Kind.RULES_WRITTEN, [said.id], number)
    between = said.relation is not None
    products = {key for source, target in settled.touched for key in ((source, target) if between else (source,))}
    if between or said.move is None or said.move.category is None:
        changes.append(transaction, Kind.PRODUCTS_WRITTEN, products)


def _mark(transaction: Transaction, rule: str, status: Status, moment: datetime, links: int) -> None:
    text = f"MATCH (r:{_RULE} {{id: $id}}) SET r.status = $status, r.applied = $applied, r.links = $links"
    transaction.run(Query(text, {"id": rule, "status": status.value, "applied": to_ms(moment), "links": links}))


def _found(rows: Rows, rule: str) -> Knowledge:
    known = rows(Query(f"MATCH (r:{_RULE} {{id: $id}}) WHERE r.status IS NOT NULL RETURN properties(r)", {"id": rule}))
    if not known:
        raise KnowledgeError(f"there is no rule of knowledge {rule}; `pathrec knowledge list` shows which there are")
    return _knowledge(known[0][0])


def _properties(rule: Knowledge) -> dict[str, Any]:
    """What a draft keeps; None takes away what a rule of this id had before."""
    moved = rule.move or Move("")
    return {
        "kind": rule.kind.value,
        "status": Status.DRAFT.value,
        "changed": to_ms(rule.changed),
        "author": rule.author,
        "note": rule.note,
        "relation": rule.relation,
        "says": rule.says,
        "weight": rule.weight,
        "cypher": rule.cypher,
        "sources": [source for source, _ in rule.pairs] or None,
        "targets": [target for _, target in rule.pairs] or None,
        "weights": list(rule.pairs.values()) or None,
        "move_to": moved.to or None,
        "move_category": moved.category,
        "move_from": moved.source,
        "move_products": list(moved.products) or None,
        "applied": None,
        "links": 0,
    }


def _knowledge(values: Mapping[str, Any]) -> Knowledge:
    ends = zip(values.get("sources") or (), values.get("targets") or (), strict=True)
    to, applied = values.get("move_to"), values.get("applied")
    return Knowledge(
        id=values["id"],
        kind=KnowledgeKind(values["kind"]),
        created=from_ms(values["created"]),
        changed=from_ms(values["changed"]),
        status=Status(values["status"]),
        author=values.get("author"),
        note=values.get("note"),
        relation=values.get("relation"),
        says=values.get("says"),
        weight=values["weight"],
        pairs=dict(zip(ends, values.get("weights") or (), strict=True)),
        cypher=values.get("cypher"),
        move=None
        if to is None
        else Move(to, values.get("move_category"), values.get("move_from"), tuple(values.get("move_products") or ())),
        applied=None if applied is None else from_ms(applied),
        links=values["links"],
    )


def _links(ask: Ask, rule: Knowledge) -> dict[Pair, float]:
    """What RELATE or DERIVE says; nothing of MOVE."""
    if rule.cypher is None:
        return dict(rule.pairs)
    try:
        table = ask(Query(rule.cypher), MOST_LINKS)
    except StoreUnavailable:
        raise
    except StoreError as error:
        raise KnowledgeError(f"rule {rule.id}: its query is refused: {error}") from error
    return dict(_read(rule, table))


def _read(rule: Knowledge, table: Table) -> dict[Pair, float]:
    """The links that a query returned."""
    where = f"rule {rule.id}: its query"
    if not table.complete:
        raise KnowledgeError(f"{where} returns more than {MOST_LINKS:,} rows; let it keep the strongest, with LIMIT")
    if table.rows and set(table.columns) not in ({SOURCE, TARGET}, {SOURCE, TARGET, WEIGHT}):
        raise KnowledgeError(
            f"{where} returns the columns {', '.join(table.columns)}; let it end with "
            "RETURN a.id AS source, b.id AS target, or with a number AS weight besides"
        )
    links: dict[Pair, float] = {}
    for number, row in enumerate(table.rows, start=1):
        values = dict(zip(table.columns, row, strict=True))
        pair, weight = (values[SOURCE], values[TARGET]), values.get(WEIGHT, rule.weight)
        wrong = _wrong(pair, weight)
        if wrong is None and links.get(pair, weight) != weight:
            wrong = f"{pair[0]} and {pair[1]} are there twice with different weights; return one row for each pair"
        if wrong:
            raise KnowledgeError(f"{where}, row {number}: {wrong}")
        links[pair] = float(weight)
    return links


def _wrong(pair: tuple[object, object], weight: object) -> str | None:
    """Why a row is no link."""
    for name, end in zip((SOURCE, TARGET), pair, strict=True):
        if not isinstance(end, str):
            return f"{name} is {_kind_of(end)} and no product's id; return its id, as in a.id AS {name}"
    if pair[0] == pair[1]:
        return f"{pair[0]} is related to itself; leave that out, as with WHERE a <> b"
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        return f"weight is {_kind_of(weight)} and no number; return a number above 0"
    return _bad_weight(weight)


def _bad_weight(weight: float) -> str | None:
    if math.isfinite(weight) and 0 < weight <= HEAVIEST:
        return None
    return f"the weight {weight:g} is not above 0 and at most {HEAVIEST:g}"


def _kind_of(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def _check_products(rows: Rows, rule: Knowledge, links: Weights) -> None:
    missing = _missing(rows, links)
    if missing:
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        raise KnowledgeError(
            f"rule {rule.id}: there is no product {', '.join(missing[:_NAMED])}{more}; give ids of products of the shop"
        )


def _missing(rows: Rows, links: Weights) -> list[str]:
    """Ends of links that are no products."""
    ids = list(dict.fromkeys(key for pair in links for key in pair))
    if not ids:
        return []
    there = rows(Query("UNWIND $ids AS id MATCH (p:Product {id: id}) RETURN p.id", {"ids": ids}))
    return sorted(set(ids).difference(key for (key,) in there))


def _check(ontology: Ontology | None, rule: Knowledge) -> None:
    if ontology is None:
        raise KnowledgeError("the store is empty and not prepared; run `pathrec ingest` (or Store.prepare) first")
    if wrong := mistakes(ontology, rule):
        raise KnowledgeError(f"rule {rule.id}: {'; '.join(f'{field}: {message}' for field, message in wrong)}")


def _check_idle(rule: str, status: str) -> None:
    if status == Status.APPLIED:
        raise KnowledgeError(f"rule {rule} is applied; undo it first, or give this one another id")


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
    if wrong := _bad_weight(rule.weight):
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
        if wrong := _wrong(pair, weight):
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


def _move(rule: Knowledge) -> Move:
    if rule.move is None:
        raise KnowledgeError(f"rule {rule.id} moves nothing; write it anew")
    return rule.move

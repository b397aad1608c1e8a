"""Rules of knowledge as nodes of the graph: kept, applied, refreshed, undone.

All that a rule says is in the properties of its node; rules of business, which are nodes of the same type, have no
`status`. A relation that the shop's ontology has not enters it when a rule of it is first applied, and stays there.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graph import changes, shop
from graph.changes import Kind
from graph.claims import Pair, Settled, Weights, settle
from graph.connection import Connection, Rows, Transaction
from graph.cypher import Query, quoted
from graph.derivation import Ask, check_products, links, missing_products
from graph.errors import KnowledgeError, NoSuchRule
from graph.knowledge import Effect, Knowledge, KnowledgeKind, Status
from graph.knowledge_checks import mistakes
from graph.moves import Move, movable, move, move_back
from graph.times import from_ms, to_ms
from schema.ontology import RULE_NODE, Ontology

_RULE = quoted(RULE_NODE)


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
        changes.append(transaction, Kind.KNOWLEDGE_WRITTEN, [rule.id], number)

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


def wanted_links(connection: Connection, ask: Ask, rule: Knowledge) -> dict[Pair, float]:
    """The links that RELATE or DERIVE would put into the graph as it is now.

    Raises:
        KnowledgeError: a product that is not there; a query that is refused or returns anything else than links.
    """
    _check(shop.stored_ontology(connection), rule)
    wanted = links(ask, rule)
    check_products(connection.rows, rule, wanted)
    return wanted


def wanted_moves(connection: Connection, rule: Knowledge) -> list[Pair]:
    """What MOVE would take from where, (product or category, category), as the graph is now.

    Raises:
        KnowledgeError: something is not there, not in the category, or would be below itself.
    """
    ontology = _check(shop.stored_ontology(connection), rule)
    return movable(connection.rows, ontology, rule.id, _move(rule))


def said_links(connection: Connection) -> dict[tuple[str, str, str], str]:
    """(relation, source, target) -> rule that has the last word on it, of all links between products that rules say."""
    known = f"MATCH (r:{_RULE}) WHERE r.status = $applied AND r.relation IS NOT NULL RETURN DISTINCT r.relation"
    links = {}
    for (relation,) in connection.rows(Query(known, {"applied": Status.APPLIED.value})):
        text = (
            f"MATCH (a:Product)-[r:{quoted(relation)}]->(b:Product) WHERE r.rule IS NOT NULL RETURN a.id, b.id, r.rule"
        )
        links.update({(relation, source, target): rule for source, target, rule in connection.rows(Query(text))})
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
    if said.status != Status.APPLIED:
        _check(shop.stored_ontology(connection), said)
    wanted = links(ask, said)

    def work(transaction: Transaction) -> Effect:
        number = changes.reserve(transaction)
        now = _found(transaction.rows, rule)
        if (now.changed, now.status) != (said.changed, said.status):
            raise KnowledgeError(f"rule {rule} was changed just now; look at it and apply it again")
        settled = _settled(transaction, connection.name, said, wanted, moment)
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


def _settled(transaction: Transaction, store: str, said: Knowledge, wanted: Weights, moment: datetime) -> Settled:
    """Makes the links of a rule in the graph those that it says; what is new of a relation holds from a moment on."""
    if said.relation is None:
        # Without a moment: as of an earlier one a product would be in no category.
        return move(transaction, shop.ontology_in(transaction, store), said.id, _move(said))
    if said.kind == KnowledgeKind.RELATE and said.status == Status.APPLIED:
        gone = set(missing_products(transaction.rows, wanted))
        wanted = {pair: weight for pair, weight in wanted.items() if gone.isdisjoint(pair)}
    check_products(transaction.rows, said, wanted)
    ontology = shop.grow(transaction, store, said.relation, said.says)
    return settle(transaction, ontology, said.relation, said.id, wanted, moment)


def _log(transaction: Transaction, said: Knowledge, settled: Settled, number: int) -> None:
    """Tells running servers what to look at again: the rule itself, since what others reach may have changed too."""
    changes.append(transaction, Kind.KNOWLEDGE_WRITTEN, [said.id], number)
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
        raise NoSuchRule(f"there is no rule of knowledge {rule}; `pathrec knowledge list` shows which there are")
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


def _check(ontology: Ontology | None, rule: Knowledge) -> Ontology:
    if ontology is None:
        raise KnowledgeError("the store is empty and not prepared; run `pathrec ingest` (or Store.prepare) first")
    if wrong := mistakes(ontology, rule):
        raise KnowledgeError(f"rule {rule.id}: {'; '.join(f'{field}: {message}' for field, message in wrong)}")
    return ontology


def _check_idle(rule: str, status: str) -> None:
    if status == Status.APPLIED:
        raise KnowledgeError(f"rule {rule} is applied; undo it first, or give this one another id")


def _move(rule: Knowledge) -> Move:
    if rule.move is None:
        raise KnowledgeError(f"rule {rule.id} moves nothing; write it anew")
    return rule.move

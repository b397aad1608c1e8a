"""Business rules of the shop: nodes beside its catalogue, linked to the products, categories and brands they are for.

A rule is no part of the shop's ontology: it is neither exported nor learned from. A product, category or brand that is
deleted takes the link with it, so that no rule names what is not there.
"""

from collections.abc import Iterable, Sequence

from graph import changes
from graph.changes import Kind
from graph.connection import Connection, Row, Rows, Transaction
from graph.cypher import Query, quoted
from graph.errors import KnowledgeError
from graph.moves import Move, move
from graph.records import Rule
from graph.serving import category_products, category_trees
from graph.times import from_ms, to_ms
from schema.ontology import APPLIES_TO, RULE_NODE, Ontology

_PROPERTIES = ("kind", "author", "note", "weight", "position", "created", "changed", "start", "end")
APPLIED = "APPLIED"
_RULE, _APPLIES = quoted(RULE_NODE), quoted(APPLIES_TO)


def upsert_rule(connection: Connection, rule: Rule) -> list[tuple[str, str]]:
    """Writes a rule in place of the one of its id, whose time of creation stays.

    Returns:
        Type and id of what it names and is not there; then nothing was written.
    """

    def work(transaction: Transaction) -> list[tuple[str, str]]:
        number = changes.reserve(transaction)
        _check_no_knowledge(transaction, rule.id)
        missing = [(label, key) for label, ids in _ends(rule) for key in _missing(transaction, label, ids)]
        if missing:
            transaction.undo()
            return missing
        transaction.run(_written(rule))
        transaction.run(Query(f"MATCH (:{_RULE} {{id: $id}})-[a:{_APPLIES}]->() DELETE a", {"id": rule.id}))
        for label, ids in _ends(rule):
            ends = f"MATCH (r:{_RULE} {{id: $id}}) UNWIND $ids AS key MATCH (n:{label} {{id: key}})"
            transaction.run(Query(f"{ends} CREATE (r)-[:{_APPLIES}]->(n)", {"id": rule.id, "ids": list(ids)}))
        changes.append(transaction, Kind.RULES_WRITTEN, [rule.id], number)
        return []

    return connection.write(work)


def delete_rule(connection: Connection, rule: str) -> bool:
    """Deletes a rule; False if there is none of this id.

    Raises:
        KnowledgeError: it is one of knowledge and at work.
    """

    def work(transaction: Transaction) -> bool:
        number = changes.reserve(transaction)
        known = transaction.rows(Query(f"MATCH (r:{_RULE} {{id: $id}}) RETURN r.status", {"id": rule}))
        if not known:
            transaction.undo()
            return False
        if known[0][0] == APPLIED:
            raise KnowledgeError(f"rule {rule} is applied; undo it first")
        transaction.run(Query(f"MATCH (r:{_RULE} {{id: $id}}) DETACH DELETE r", {"id": rule}))
        changes.append(transaction, Kind.RULES_WRITTEN, [rule], number)
        return True

    return connection.write(work)


def rules(connection: Connection, ontology: Ontology) -> list[Rule]:
    """All rules with the products that they reach now, in the order in which they were created. Two queries."""
    return _rules(connection.rows, ontology)


def after_move(
    connection: Connection, ontology: Ontology, rule: str, wanted: Move, categories: Sequence[str]
) -> tuple[list[Rule], dict[str, list[str]]]:
    """What a move would leave, of which nothing is kept.

    Returns:
        All rules with the products that they would reach, and the products that would be in each of some categories.

    Raises:
        KnowledgeError: as of `graph.moves.movable`.
    """

    def work(transaction: Transaction) -> tuple[list[Rule], dict[str, list[str]]]:
        transaction.undo()
        move(transaction, ontology, rule, wanted)
        return _rules(transaction.rows, ontology), category_products(transaction.rows, ontology, categories)

    return connection.write(work)


def _rules(ask: Rows, ontology: Ontology) -> list[Rule]:
    reached: dict[str, set[str]] = {}
    rows = ask(_all_rules())
    if any(categories or brands for *_, categories, brands in rows):
        for key, products in ask(_reached(ontology)):
            reached.setdefault(key, set()).update(products)
    found = [_rule(row, reached.get(row[0], set())) for row in rows]
    return sorted(found, key=lambda rule: (rule.created, rule.id))


def _rule(row: Row, reached: set[str]) -> Rule:
    key, values, *ends = row
    known = dict(zip(_PROPERTIES, values, strict=True))
    products, categories, brands = (tuple(sorted(ids)) for ids in ends)
    return Rule(
        id=key,
        kind=known["kind"],
        author=known["author"],
        note=known["note"],
        weight=known["weight"],
        position=known["position"],
        created=from_ms(known["created"]),
        changed=from_ms(known["changed"]),
        start=None if known["start"] is None else from_ms(known["start"]),
        end=None if known["end"] is None else from_ms(known["end"]),
        products=products,
        categories=categories,
        brands=brands,
        reaches=tuple(sorted(reached.union(products))),
    )


def _check_no_knowledge(transaction: Transaction, rule: str) -> None:
    """Rules of knowledge, which alone have a status, are not written over."""
    known = transaction.rows(Query(f"MATCH (r:{_RULE} {{id: $id}}) WHERE r.status IS NOT NULL RETURN 1", {"id": rule}))
    if known:
        raise KnowledgeError(f"rule {rule} is one of knowledge; give this one another id, or delete that first")


def _ends(rule: Rule) -> list[tuple[str, tuple[str, ...]]]:
    named = [("Product", rule.products), ("Category", rule.categories), ("Brand", rule.brands)]
    return [(label, tuple(dict.fromkeys(ids))) for label, ids in named if ids]


def _missing(transaction: Transaction, label: str, ids: Iterable[str]) -> list[str]:
    query = Query(f"UNWIND $ids AS key MATCH (n:{label} {{id: key}}) RETURN n.id", {"ids": list(ids)})
    found = {key for (key,) in transaction.rows(query)}
    return [key for key in ids if key not in found]


def _written(rule: Rule) -> Query:
    values = {
        "kind": rule.kind,
        "author": rule.author,
        "note": rule.note,
        "weight": rule.weight,
        "position": rule.position,
        "changed": to_ms(rule.changed),
        "start": None if rule.start is None else to_ms(rule.start),
        "end": None if rule.end is None else to_ms(rule.end),
    }
    settings = ", ".join(f"r.{quoted(name)} = ${name}" for name in values)
    text = f"MERGE (r:{_RULE} {{id: $id}}) ON CREATE SET r.created = $created SET {settings}"
    return Query(text, {"id": rule.id, "created": to_ms(rule.created), **values})


def _all_rules() -> Query:
    values = ", ".join(f"r.{quoted(name)}" for name in _PROPERTIES)
    ends = ", ".join(f"[(r)-[:{_APPLIES}]->(n:{label}) | n.id]" for label in ("Product", "Category", "Brand"))
    return Query(f"MATCH (r:{_RULE}) RETURN r.id, [{values}], {ends}")


def _reached(ontology: Ontology) -> Query:
    """A row for each category and brand of a rule, with the products that are in it or below it."""
    starts = f"MATCH (r:{_RULE})-[:{_APPLIES}]->"
    by_category = (
        f"(:Category)<-[:{category_trees(ontology)}*0..]-(c:Category) WITH DISTINCT r, c MATCH (c)<-[:IN_CATEGORY]-"
    )
    each = "(p:Product) RETURN r.id AS rule, collect(DISTINCT p.id) AS products"
    return Query(f"{starts}{by_category}{each} UNION ALL {starts}(:Brand)<-[:MADE_BY]-{each}")

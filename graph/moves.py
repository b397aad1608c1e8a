"""Category moves: products from one category to another, or a category below another one.

What is moved keeps a MOVED_FROM to where it was, with all that the relation there held, so that undoing puts back
exactly that. Loads read it as the relation it stands for: what the shop's data say again does not undo a move.
"""

from dataclasses import dataclass

from graph.claims import Pair, Settled, settle
from graph.connection import Transaction
from graph.cypher import Query, quoted
from graph.errors import KnowledgeError
from graph.serving import category_trees
from schema.ontology import MOVED_FROM, Ontology

IN_CATEGORY, CHILD_OF = "IN_CATEGORY", "CHILD_OF"
_NAMED = 5
_MOVED = quoted(MOVED_FROM)


@dataclass(frozen=True)
class Move:
    """What is moved to the category `to`: a `category` with all below it, or products that are in `source`.

    `products` are those; all that are directly in it, where none are named.
    """

    to: str
    category: str | None = None
    source: str | None = None
    products: tuple[str, ...] = ()


def move(transaction: Transaction, ontology: Ontology, rule: str, wanted: Move) -> Settled:
    """Moves what is not moved yet, in a transaction that has a change number.

    Raises:
        KnowledgeError: something is not there, not in the category, or would be below itself.
    """
    _check_category(transaction, wanted.to)
    if wanted.category is not None:
        _check_category(transaction, wanted.category)
        _check_circle(transaction, ontology, wanted.category, wanted.to)
        above = f"MATCH (a:Category {{id: $category}})-[r:{CHILD_OF}]->(b:Category) WHERE b.id <> $to RETURN a.id, b.id"
        rows = transaction.rows(Query(above, {"category": wanted.category, "to": wanted.to}))
        return _moved(transaction, ontology, CHILD_OF, rule, rows, wanted, [wanted.category])
    if wanted.source == wanted.to:
        raise KnowledgeError(f"products cannot move from {wanted.to} to itself; name another category")
    _check_category(transaction, wanted.source or "")
    inside = f"MATCH (a:Product)-[:{IN_CATEGORY}]->(b:Category {{id: $source}}) RETURN a.id, b.id"
    rows = transaction.rows(Query(inside, {"source": wanted.source}))
    if wanted.products:
        named, known = set(wanted.products), _moved_by(transaction, IN_CATEGORY, rule)
        _check_inside(named, {row[0] for row in rows} | {row[0] for row in known}, wanted.source or "")
        rows = [row for row in rows if row[0] in named]
    return _moved(transaction, ontology, IN_CATEGORY, rule, rows, wanted, [row[0] for row in rows])


def move_back(transaction: Transaction, ontology: Ontology, rule: str, done: Move) -> Settled:
    """Puts all that a rule moved back where it was.

    Raises:
        KnowledgeError: a later rule has moved it on.
    """
    relation = IN_CATEGORY if done.category is None else CHILD_OF
    label = quoted(ontology.relations[relation].source)
    later = transaction.rows(
        Query(
            f"MATCH (:{label})-[m:{_MOVED}]->(:Category) "
            "WHERE m.moved = $relation AND m.rule IS NOT NULL AND $rule IN m.rules RETURN DISTINCT m.moved_by",
            {"relation": relation, "rule": rule},
        )
    )
    if later:
        names = ", ".join(sorted(name for (name,) in later))
        raise KnowledgeError(f"rule {rule}: what it moved was moved on by {names}; undo that first")
    moved = f"MATCH (a:{label})-[m:{_MOVED}]->(b:Category) WHERE m.moved = $relation AND m.moved_by = $rule "
    parameters = {"relation": relation, "rule": rule}
    back = (
        f"{moved}AND NOT EXISTS {{ (a)-[:{relation}]->(b) }} CREATE (a)-[r:{relation}]->(b) "
        "SET r = properties(m) REMOVE r.moved, r.moved_by"
    )
    transaction.run(Query(back, parameters))
    transaction.run(Query(f"{moved}DELETE m", parameters))
    return settle(transaction, ontology, relation, rule, {})


def _moved(
    transaction: Transaction,
    ontology: Ontology,
    relation: str,
    rule: str,
    rows: list[list[str]],
    wanted: Move,
    fresh: list[str],
) -> Settled:
    """Turns links into memories of them, and puts those that are wanted in their place."""
    label = quoted(ontology.relations[relation].source)
    text = (
        f"UNWIND $rows AS row MATCH (a:{label} {{id: row[0]}})-[r:{relation}]->(b:Category {{id: row[1]}}) "
        f"CREATE (a)-[m:{_MOVED}]->(b) SET m = properties(r), m.moved = $relation, m.moved_by = $rule DELETE r"
    )
    if rows:
        transaction.run(Query(text, {"rows": rows, "relation": relation, "rule": rule}))
    before = [row[0] for row in _moved_by(transaction, relation, rule)]
    ends: dict[Pair, float] = {(key, wanted.to): 1.0 for key in (*before, *fresh)}
    return settle(transaction, ontology, relation, rule, ends)


def _moved_by(transaction: Transaction, relation: str, rule: str) -> list[list[str]]:
    text = f"MATCH (a)-[m:{_MOVED}]->(b:Category) WHERE m.moved = $relation AND m.moved_by = $rule RETURN a.id, b.id"
    return transaction.rows(Query(text, {"relation": relation, "rule": rule}))


def _check_category(transaction: Transaction, category: str) -> None:
    if not transaction.rows(Query("MATCH (c:Category {id: $id}) RETURN 1", {"id": category})):
        raise KnowledgeError(f"there is no category {category}; give the shop's own keys")


def _check_circle(transaction: Transaction, ontology: Ontology, category: str, to: str) -> None:
    text = (
        f"MATCH (t:Category {{id: $to}})-[:{category_trees(ontology)}*0..]->(c:Category {{id: $id}}) RETURN 1 LIMIT 1"
    )
    if transaction.rows(Query(text, {"to": to, "id": category})):
        raise KnowledgeError(f"category {to} is {category} or below it; name one that is not")


def _check_inside(named: set[str], inside: set[str], category: str) -> None:
    outside = sorted(named - inside)
    if outside:
        more = f" and {len(outside) - _NAMED:,} more" if len(outside) > _NAMED else ""
        raise KnowledgeError(
            f"there is no product {', '.join(outside[:_NAMED])}{more} in the category {category}; "
            "name products that are in it, or none for all"
        )

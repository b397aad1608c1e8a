"""Category moves: products from one category to another, or a category below another one.

What is moved keeps a MOVED_FROM to where it was, with all that the relation there held, so that undoing puts back
exactly that. Loads read it as the relation it stands for: what the shop's data say again does not undo a move.
"""

from dataclasses import dataclass

from graph.claims import Pair, Settled, settle
from graph.connection import Row, Rows, Transaction
from graph.cypher import Query, quoted
from graph.errors import KnowledgeError
from graph.serving import category_trees
from schema.ontology import MOVABLE, MOVED_FROM, Ontology

IN_CATEGORY, CHILD_OF = MOVABLE
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


def movable(rows: Rows, ontology: Ontology, rule: str, wanted: Move) -> list[Pair]:
    """What a rule would move from where, (id, category), as the graph is now; of a rule at work, what it has not yet.

    Raises:
        KnowledgeError: something is not there, not in the category, or would be below itself.
    """
    _check_category(rows, wanted.to)
    if wanted.category is not None:
        _check_category(rows, wanted.category)
        _check_circle(rows, ontology, wanted.category, wanted.to)
        above = f"MATCH (a:Category {{id: $id}})-[:{CHILD_OF}]->(b:Category) WHERE b.id <> $to RETURN a.id, b.id"
        return _pairs(rows(Query(above, {"id": wanted.category, "to": wanted.to})))
    if wanted.source is None or wanted.source == wanted.to:
        raise KnowledgeError(f"products cannot move from {wanted.to} to itself; name another category")
    _check_category(rows, wanted.source)
    inside = f"MATCH (a:Product)-[:{IN_CATEGORY}]->(b:Category {{id: $source}}) RETURN a.id, b.id"
    found = _pairs(rows(Query(inside, {"source": wanted.source})))
    if wanted.products:
        named = set(wanted.products)
        known = {key for key, _ in (*found, *_moved_by(rows, IN_CATEGORY, rule))}
        _check_inside(named, known, wanted.source)
        found = [pair for pair in found if pair[0] in named]
    return found


def move(transaction: Transaction, ontology: Ontology, rule: str, wanted: Move) -> Settled:
    """Moves what is not moved yet, in a transaction that has a change number.

    Raises:
        KnowledgeError: as of `movable`.
    """
    found = movable(transaction.rows, ontology, rule, wanted)
    relation = relation_of(wanted)
    label = quoted(ontology.relations[relation].source)
    # A memory of each link takes its place, with all that it held.
    text = (
        f"UNWIND $rows AS row MATCH (a:{label} {{id: row[0]}})-[r:{relation}]->(b:Category {{id: row[1]}}) "
        f"CREATE (a)-[m:{_MOVED}]->(b) SET m = properties(r), m.moved = $relation, m.moved_by = $rule DELETE r"
    )
    if found:
        rows = [list(pair) for pair in found]
        transaction.run(Query(text, {"rows": rows, "relation": relation, "rule": rule}))
    moved = [key for key, _ in _moved_by(transaction.rows, relation, rule)]
    everything = moved if wanted.category is None else [wanted.category]
    return settle(transaction, ontology, relation, rule, {(key, wanted.to): 1.0 for key in everything})


def move_back(transaction: Transaction, ontology: Ontology, rule: str, done: Move) -> Settled:
    """Puts all that a rule moved back where it was.

    Raises:
        KnowledgeError: a later rule has moved it on.
    """
    relation = relation_of(done)
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


def relation_of(wanted: Move) -> str:
    """The relation whose links a move changes."""
    return IN_CATEGORY if wanted.category is None else CHILD_OF


def _moved_by(rows: Rows, relation: str, rule: str) -> list[Pair]:
    text = f"MATCH (a)-[m:{_MOVED}]->(b:Category) WHERE m.moved = $relation AND m.moved_by = $rule RETURN a.id, b.id"
    return _pairs(rows(Query(text, {"relation": relation, "rule": rule})))


def _pairs(rows: list[Row]) -> list[Pair]:
    return [(key, category) for key, category in rows]


def _check_category(rows: Rows, category: str) -> None:
    if not rows(Query("MATCH (c:Category {id: $id}) RETURN 1", {"id": category})):
        raise KnowledgeError(f"there is no category {category}; give the shop's own keys")


def _check_circle(rows: Rows, ontology: Ontology, category: str, to: str) -> None:
    text = (
        f"MATCH (t:Category {{id: $to}})-[:{category_trees(ontology)}*0..]->(c:Category {{id: $id}}) RETURN 1 LIMIT 1"
    )
    if rows(Query(text, {"to": to, "id": category})):
        raise KnowledgeError(f"category {to} is {category} or below it; name one that is not")


def _check_inside(named: set[str], inside: set[str], category: str) -> None:
    outside = sorted(named - inside)
    if outside:
        more = f" and {len(outside) - _NAMED:,} more" if len(outside) > _NAMED else ""
        raise KnowledgeError(
            f"there is no product {', '.join(outside[:_NAMED])}{more} in the category {category}; "
            "name products that are in it, or none for all"
        )

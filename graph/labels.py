"""Labels that a model gave to products, and what experts make of them.

A predicted label is a relation of the ontology with `source: 'predicted'`, its confidence, and the confidence as its
weight. An accepted one has `source: 'accepted'` and weight 1. A rejected one is no such relation any more but a
REJECTED_LABEL between the same ends, which nothing but this module reads: it counts nowhere and is not written again.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from graph import changes
from graph.changes import Kind
from graph.connection import Connection, Transaction
from graph.cypher import Query, quoted
from graph.load import Values, batches
from graph.records import ACCEPTED, PREDICTED, Label, LabelCounts
from schema.errors import RecordError, suggestion
from schema.ontology import REJECTED_LABEL, Ontology
from schema.progress import Report, silent

LABEL_BATCH = 1000

_Pair = tuple[str, str]
_Said = dict[str, tuple[str | None, float | None]]  # node -> source and confidence


def label_relations(ontology: Ontology) -> list[str]:
    """Relations that can hold labels: from products to what is no product."""
    return [name for name, ends in ontology.relations.items() if ends.source == "Product" and ends.target != "Product"]


def write_labels(
    connection: Connection,
    ontology: Ontology,
    relation: str,
    nodes: Iterable[str],
    products: Sequence[str],
    labels: Iterable[Label],
    report: Report = silent,
) -> LabelCounts:
    """Makes the labels of some products those that are given, as far as nobody knows better.

    A product that has one of the labels by the shop's own word or an expert's keeps it and gets no other. A label
    that was rejected is not written. A predicted one that is not given any more is taken away.

    Args:
        connection: the store.
        ontology: its ontology.
        relation: from products to the labels.
        nodes: ids of all labels that products were asked about.
        products: ids of all products that were asked.
        labels: one or none of each of these products.
        report: told how far it is.

    Raises:
        RecordError: the relation holds no labels.
    """
    target = _target(ontology, relation)
    given = {label.product: label for label in labels}
    asked = sorted(set(nodes))
    rows: list[Values] = [[product] for product in products]
    counts = LabelCounts()
    for start, batch in batches(rows, LABEL_BATCH):
        some = {product: given.get(product) for (product,) in batch}
        work = partial(_write, relation=relation, target=target, nodes=asked, given=some)
        counts += connection.write(work)
        report(f"labels {relation}", start + len(batch), len(rows))
    return counts


def accept_labels(connection: Connection, ontology: Ontology, relation: str, pairs: Iterable[_Pair]) -> list[_Pair]:
    """Makes predicted or rejected labels an expert's word; says which there were."""
    return _judge(connection, relation, pairs, _accept_queries(relation, _target(ontology, relation)))


def reject_labels(connection: Connection, ontology: Ontology, relation: str, pairs: Iterable[_Pair]) -> list[_Pair]:
    """Takes predicted or accepted labels away for good; says which there were."""
    return _judge(connection, relation, pairs, [_reject_query(relation, _target(ontology, relation))])


@dataclass
class _Plan:
    """What is to be done to the labels of some products: rows of product, node and what is said."""

    fresh: list[Values] = field(default_factory=list)
    changed: list[Values] = field(default_factory=list)
    gone: list[Values] = field(default_factory=list)
    unchanged: int = 0
    known: int = 0
    rejected: int = 0

    @property
    def counts(self) -> LabelCounts:
        written = len(self.fresh) + len(self.changed)
        return LabelCounts(written, self.unchanged, self.known, self.rejected, len(self.gone))


def _write(
    transaction: Transaction, relation: str, target: str, nodes: Sequence[str], given: Mapping[str, Label | None]
) -> LabelCounts:
    number = changes.reserve(transaction)
    ends = {"products": list(given), "nodes": list(nodes), "relation": relation}
    stored: dict[str, _Said] = {product: {} for product in given}
    for product, node, source, confidence in transaction.rows(_stored(relation, target, ends)):
        stored[product][node] = (source, confidence)
    rejected = {(product, node) for product, node in transaction.rows(_rejected(target, ends))}
    plan = _Plan()
    for product, label in given.items():
        kept = None if label is None else _keep(plan, label, stored[product], rejected)
        plan.gone += [[product, n] for n, (source, _) in stored[product].items() if source == PREDICTED and n != kept]
    for query, rows in ((_create, plan.fresh), (_change, plan.changed), (_withdraw, plan.gone)):
        if rows:
            transaction.run(query(relation, target, rows))
    touched = {row[0] for row in plan.fresh + plan.changed + plan.gone}
    if touched:
        changes.append(transaction, Kind.PRODUCTS_WRITTEN, touched, number)
    else:
        transaction.undo()
    return plan.counts


def _keep(plan: _Plan, label: Label, stored: _Said, rejected: Container[_Pair]) -> str | None:
    """Plans one label and returns its node, or None where people know better."""
    row = [label.product, label.node, label.source, label.confidence]
    if any(source != PREDICTED for source, _ in stored.values()):
        plan.known += 1
        return None
    if (label.product, label.node) in rejected:
        plan.rejected += 1
        return None
    if label.node not in stored:
        plan.fresh.append(row)
    elif stored[label.node] != (label.source, label.confidence):
        plan.changed.append(row)
    else:
        plan.unchanged += 1
    return label.node


def _judge(connection: Connection, relation: str, pairs: Iterable[_Pair], queries: Sequence[Query]) -> list[_Pair]:
    wanted = sorted(set(pairs))

    def work(transaction: Transaction) -> list[_Pair]:
        number = changes.reserve(transaction)
        done = []
        for query in queries:
            values = {"relation": relation, "pairs": [list(pair) for pair in wanted]}
            done += [(row[0], row[1]) for row in transaction.rows(Query(query.text, values))]
        if done:
            changes.append(transaction, Kind.PRODUCTS_WRITTEN, {product for product, _ in done}, number)
        else:
            transaction.undo()
        return done

    return sorted(connection.write(work)) if wanted else []


def _target(ontology: Ontology, relation: str) -> str:
    possible = label_relations(ontology)
    if relation not in possible:
        raise RecordError(f"{relation} can hold no labels of products; {suggestion(relation, possible)}")
    return ontology.relations[relation].target


def _stored(relation: str, target: str, ends: Mapping[str, object]) -> Query:
    return Query(
        f"UNWIND $products AS id MATCH (p:Product {{id: id}})-[r:{quoted(relation)}]->(n:{quoted(target)}) "
        "WHERE n.id IN $nodes RETURN p.id, n.id, r.source, r.confidence",
        ends,
    )


def _rejected(target: str, ends: Mapping[str, object]) -> Query:
    return Query(
        f"UNWIND $products AS id MATCH (p:Product {{id: id}})-[r:{quoted(REJECTED_LABEL)}]->(n:{quoted(target)}) "
        "WHERE r.relation = $relation AND n.id IN $nodes RETURN DISTINCT p.id, n.id",
        ends,
    )


def _ends(target: str, pair: str) -> str:
    return (
        f"UNWIND ${pair}s AS {pair} MATCH (p:Product {{id: {pair}[0]}}) MATCH (n:{quoted(target)} {{id: {pair}[1]}}) "
    )


def _create(relation: str, target: str, rows: Sequence[Values]) -> Query:
    text = f"CREATE (p)-[:{quoted(relation)} {{source: row[2], confidence: row[3], weight: row[3]}}]->(n)"
    return Query(_ends(target, "row") + text, {"rows": rows})


def _change(relation: str, target: str, rows: Sequence[Values]) -> Query:
    text = f"MATCH (p)-[r:{quoted(relation)}]->(n) SET r.source = row[2], r.confidence = row[3], r.weight = row[3]"
    return Query(_ends(target, "row") + text, {"rows": rows})


def _withdraw(relation: str, target: str, rows: Sequence[Values]) -> Query:
    return Query(_ends(target, "row") + f"MATCH (p)-[r:{quoted(relation)}]->(n) DELETE r", {"rows": rows})


def _accept_queries(relation: str, target: str) -> list[Query]:
    name = quoted(relation)
    return [
        Query(
            _ends(target, "pair") + f"MATCH (p)-[r:{name}]->(n) WHERE r.source = '{PREDICTED}' "
            f"SET r.source = '{ACCEPTED}', r.weight = 1.0 RETURN p.id, n.id"
        ),
        Query(
            _ends(target, "pair") + f"MATCH (p)-[x:{quoted(REJECTED_LABEL)}]->(n) WHERE x.relation = $relation "
            f"CREATE (p)-[:{name} {{source: '{ACCEPTED}', confidence: x.confidence, weight: 1.0}}]->(n) "
            "DELETE x RETURN p.id, n.id"
        ),
    ]


def _reject_query(relation: str, target: str) -> Query:
    return Query(
        _ends(target, "pair") + f"MATCH (p)-[r:{quoted(relation)}]->(n) "
        f"WHERE r.source IN ['{PREDICTED}', '{ACCEPTED}'] "
        f"CREATE (p)-[:{quoted(REJECTED_LABEL)} {{relation: $relation, confidence: r.confidence}}]->(n) "
        "DELETE r RETURN p.id, n.id"
    )

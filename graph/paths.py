"""The Cypher behind an explanation: exactly the paths of a term between two products.

A query runs verbatim on either engine and returns one row for each path product - middle - product. What is
in the middle may be there more than once: somebody who took the same step twice is two paths.
"""

from collections.abc import Sequence

import numpy as np

from graph.connection import Connection
from graph.cypher import Query, any_of, quoted
from graph.features import embedding
from graph.records import ProductLinks
from schema.errors import OntologyError, suggestion
from schema.ontology import Ontology, Term


def path_query(
    ontology: Ontology, term: Term, source: str, target: str, *, viewer: str | None = None, limit: int = 100
) -> Query:
    """The paths of a term from one product to another.

    Args:
        ontology: where the term is from.
        term: an explicit term of the model.
        source: the product in the history.
        target: the product that is recommended.
        viewer: a user who is not the middle of their own path, nor are their steps, baskets and sessions.
        limit: the most rows.

    Returns:
        Columns `middle` (the node or basket in the middle, null where there is none) and, by kind
        of term, the events or the weights on both sides. Rows are ordered by `middle`, the steps of one
        person by when they were taken.
    """
    parameters: dict[str, object] = {"source": source, "target": target, "limit": limit}
    if term.kind == "meeting":
        return _meeting(ontology, term, parameters, viewer)
    if term.kind == "next":
        return _next(parameters, viewer)
    if term.through_nodes:
        return Query(_through_node(ontology, term), parameters)
    if term.kind == "self":
        return Query(
            "MATCH (p:Product {id: $source}) WHERE p.id = $target RETURN null AS middle, p.id AS product LIMIT $limit",
            parameters,
        )
    start, end = ("$source", "$target") if term.kind == "forward" else ("$target", "$source")
    return Query(
        f"MATCH (:Product {{id: {start}}})-[r:{quoted(term.relation)}]->(:Product {{id: {end}}})\n"
        "RETURN null AS middle, coalesce(r.weight, 1.0) AS weight LIMIT $limit",
        parameters,
    )


def liked_query(ontology: Ontology, relation: str, node: str, target: str, *, limit: int = 100) -> Query:
    """The paths from a node that somebody likes to a product.

    Args:
        ontology: where the relation is from.
        relation: from products to the node.
        node: its id.
        target: the product that is recommended.
        limit: the most rows.

    Returns:
        Columns `middle`, the node that the product is linked to: the one that is liked, or one below it in a tree,
        and `weight`. Rows are ordered by `middle`.
    """
    label = ontology.relations[relation].target
    trees = [name for name, other in ontology.relations_between(label, label).items() if other.tree]
    below = f"<-[:{any_of(trees)}*0..]-(n:{quoted(label)})\nWITH DISTINCT n\nMATCH (n)" if trees else ""
    text = (
        f"MATCH ({'' if trees else 'n'}:{quoted(label)} {{id: $node}}){below}"
        f"<-[r:{quoted(relation)}]-(:Product {{id: $target}})\n"
        "RETURN n.id AS middle, coalesce(r.weight, 1.0) AS weight ORDER BY middle LIMIT $limit"
    )
    return Query(text, {"node": node, "target": target, "limit": limit})


def _through_node(ontology: Ontology, term: Term) -> str:
    """Paths through a node that both products point to (shared) or that points to both (common)."""
    relation, ends = quoted(term.relation), ontology.relations[term.relation]
    label, before, after = (ends.target, "-", "->") if term.kind == "shared" else (ends.source, "<-", "-")
    # Two patterns, since within one no relation counts twice: from a product to itself both are the same.
    return (
        f"MATCH (:Product {{id: $source}}){before}[r:{relation}]{after}(n:{quoted(label)})\n"
        f"MATCH (:Product {{id: $target}}){before}[s:{relation}]{after}(n)\n"
        "RETURN n.id AS middle, coalesce(r.weight, 1.0) AS source_weight, coalesce(s.weight, 1.0) AS target_weight\n"
        "ORDER BY middle LIMIT $limit"
    )


def _next(parameters: dict[str, object], viewer: str | None) -> Query:
    """Who came to the target right after the source: events of any kind, nothing at any moment between them."""
    others = "" if viewer is None else "WHERE n.id <> $viewer\n"
    if viewer is not None:
        parameters["viewer"] = viewer
    text = (
        f"MATCH (:Product {{id: $source}})<-[:ON]-(e:Event)<-[:PERFORMED]-(n:User)\n{others}"
        "WITH n, e ORDER BY e.id WITH n, e.time AS left, collect(e.id) AS source_events\n"
        "MATCH (n)-[:PERFORMED]->(g:Event) WHERE g.time > left\n"
        "WITH n, left, source_events, min(g.time) AS came\n"
        "MATCH (n)-[:PERFORMED]->(f:Event)-[:ON]->(:Product {id: $target}) WHERE f.time = came\n"
        "WITH n, left, source_events, f ORDER BY f.id\n"
        "RETURN n.id AS middle, left, source_events, collect(f.id) AS target_events\n"
        "ORDER BY middle, left LIMIT $limit"
    )
    return Query(text, parameters)


def _meeting(ontology: Ontology, term: Term, parameters: dict[str, object], viewer: str | None) -> Query:
    meeting = ontology.meetings.get(term.relation)
    if meeting is None:
        raise OntologyError(
            f"no meeting {term.relation} in the ontology; {suggestion(term.relation, ontology.meetings)}"
        )
    parameters["behaviours"] = list(meeting.behaviours)
    if viewer is not None:
        parameters["viewer"] = viewer
    text = _by_user(viewer) if meeting.by == "user" else _by_key(meeting.by, viewer)
    return Query(text, parameters)


def _by_user(viewer: str | None) -> str:
    others = "" if viewer is None else " AND n.id <> $viewer"
    return (
        f"MATCH (:Product {{id: $source}})<-[:ON]-(e:Event)<-[:PERFORMED]-(n:User)\n"
        f"WHERE e.behaviour IN $behaviours{others}\n"
        "WITH n, e ORDER BY e.id WITH n, collect(e.id) AS source_events\n"
        "MATCH (n)-[:PERFORMED]->(f:Event)-[:ON]->(:Product {id: $target}) WHERE f.behaviour IN $behaviours\n"
        "WITH n, source_events, f ORDER BY f.id\n"
        "RETURN n.id AS middle, source_events, collect(f.id) AS target_events\n"
        "ORDER BY middle LIMIT $limit"
    )


def _by_key(key: str, viewer: str | None) -> str:
    others = (
        ""
        if viewer is None
        else f"AND NOT EXISTS {{ MATCH (:User {{id: $viewer}})-[:PERFORMED]->(own:Event) WHERE own.{key} = middle }}\n"
    )
    return (
        f"MATCH (:Product {{id: $source}})<-[:ON]-(e:Event)\n"
        f"WHERE e.behaviour IN $behaviours AND e.{key} IS NOT NULL\n"
        f"WITH e ORDER BY e.id WITH e.{key} AS middle, collect(e.id) AS source_events\n"
        f"MATCH (f:Event {{{key}: middle}})-[:ON]->(:Product {{id: $target}})\n"
        f"WHERE f.behaviour IN $behaviours\n{others}"
        "WITH middle, source_events, f ORDER BY f.id\n"
        "RETURN middle, source_events, collect(f.id) AS target_events\n"
        "ORDER BY middle LIMIT $limit"
    )


def product_links(connection: Connection, ontology: Ontology, ids: Sequence[str]) -> dict[str, ProductLinks]:
    """Neighbours of products along the model's relations, and their embeddings, in one query."""
    out = [n for n, r in ontology.relations.items() if r.model and r.source == "Product"]
    into = [n for n in out if ontology.relations[n].target == "Product"]
    modalities = list(ontology.nodes["Product"].features)
    vectors = ", ".join(f"p.{quoted(embedding(modality))}" for modality in modalities)
    query = Query(
        "UNWIND $ids AS id MATCH (p:Product {id: id}) RETURN p.id, "
        f"[(p)-[r:{any_of(out)}]->(n) | [type(r), n.id, coalesce(r.weight, 1.0)]], "
        f"[(p)<-[r:{any_of(into)}]-(n:Product) | [type(r), n.id, coalesce(r.weight, 1.0)]], [{vectors}]",
        {"ids": list(dict.fromkeys(ids))},
    )
    return {
        key: ProductLinks(
            _by_relation(out_links),
            _by_relation(into_links),
            {m: np.asarray(v, np.float32) for m, v in zip(modalities, stored, strict=True) if v is not None},
        )
        for key, out_links, into_links, stored in connection.rows(query)
    }


def _by_relation(links: Sequence[tuple[str, str, float]]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = {}
    for relation, other, weight in sorted((r, o, w) for r, o, w in links):
        found.setdefault(relation, []).append((other, weight))
    return found

"""What a running shop asks: histories, product cards, categories. Milliseconds each."""

from collections.abc import Sequence
from datetime import datetime

from graph.connection import Connection
from graph.cypher import Query, quoted
from graph.records import CategoryRow, HistoryRow, Moment, Named, ProductCard
from graph.times import from_ms, to_ms
from schema.ontology import Ontology


def history(connection: Connection, *, user: str | None, session: str | None, as_of: datetime) -> Moment:
    """What a user and a session did until a moment, and the change number, in one round trip."""
    query = history_query(user=user, session=session, as_of_ms=to_ms(as_of))
    number, rows = connection.rows(query)[0]
    return Moment([HistoryRow(p, b, n, from_ms(last)) for p, b, n, last in rows], number or 0)


def history_query(*, user: str | None, session: str | None, as_of_ms: int) -> Query:
    """Rows of product, behaviour, number of events and last time. An event of both counts once."""
    sources = []
    if user is not None:
        sources.append("MATCH (:User {id: $user})-[:PERFORMED]->(e:Event) RETURN e")
    if session is not None:
        sources.append("MATCH (e:Event {session: $session}) RETURN e")
    shop = "OPTIONAL MATCH (s:Shop {id: 'shop'}) WITH max(s.changes) AS number "
    if not sources:
        return Query(shop + "RETURN number, []")
    text = (
        f"{shop}CALL () {{ CALL () {{ {' UNION ALL '.join(sources)} }} "
        "WITH e WHERE e.time <= $as_of MATCH (e)-[:ON]->(p:Product) "
        "WITH p.id AS product, e.behaviour AS behaviour, count(DISTINCT e.id) AS events, max(e.time) AS last "
        "RETURN collect([product, behaviour, events, last]) AS rows } RETURN number, rows"
    )
    parameters: dict[str, object] = {"as_of": as_of_ms}
    parameters |= {"user": user} if user is not None else {}
    parameters |= {"session": session} if session is not None else {}
    return Query(text, parameters)


def product_cards(connection: Connection, ontology: Ontology, ids: Sequence[str]) -> dict[str, ProductCard]:
    """Cards of the products that exist, by id, in the order asked for."""
    names = list(ontology.nodes["Product"].properties)
    values = ", ".join(f"p.{quoted(name)}" for name in names)
    query = Query(
        f"UNWIND $ids AS id MATCH (p:Product {{id: id}}) RETURN p.id, [{values}], "
        "[(p)-[:IN_CATEGORY]->(c:Category) | [c.id, c.name]], [(p)-[:MADE_BY]->(b:Brand) | [b.id, b.name]]",
        {"ids": list(dict.fromkeys(ids))},
    )
    return {
        key: ProductCard(
            key,
            _properties(ontology, names, properties),
            tuple(sorted(Named(*c) for c in categories)),
            min((Named(*b) for b in brands), default=None),
        )
        for key, properties, categories, brands in connection.rows(query)
    }


def _properties(ontology: Ontology, names: Sequence[str], values: Sequence[object]) -> dict[str, object]:
    types = ontology.nodes["Product"].properties
    return {
        name: from_ms(value) if types[name].type == "datetime" and isinstance(value, int) else value
        for name, value in zip(names, values, strict=True)
        if value is not None
    }


def categories(connection: Connection, ontology: Ontology) -> list[CategoryRow]:
    """All categories with the one above them, by id."""
    query = Query(f"MATCH (c:Category) RETURN c.id, c.name, [(c)-[:{_tree(ontology)}]->(parent:Category) | parent.id]")
    return sorted(CategoryRow(key, name, min(parents, default=None)) for key, name, parents in connection.rows(query))


def category_products(connection: Connection, ontology: Ontology, category: str) -> list[str]:
    """Ids of the products in a category or anywhere below it, sorted."""
    query = Query(
        f"MATCH (:Category {{id: $id}})<-[:{_tree(ontology)}*0..]-(c:Category) WITH DISTINCT c "
        "MATCH (c)<-[:IN_CATEGORY]-(p:Product) RETURN DISTINCT p.id",
        {"id": category},
    )
    return sorted(key for (key,) in connection.rows(query))


def _tree(ontology: Ontology) -> str:
    trees = [n for n, r in ontology.relations_between("Category", "Category").items() if r.tree]
    return "|".join(quoted(name) for name in trees or ["CHILD_OF"])

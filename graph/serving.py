"""What a running shop asks: histories, product cards, categories. Milliseconds each."""

from collections.abc import Sequence
from datetime import datetime

from graph.connection import Connection, Rows
from graph.cypher import Query, quoted
from graph.feedback import READ, feedback_of
from graph.records import CategoryRow, HistoryRow, Met, Moment, Named, ProductCard
from graph.times import from_ms, to_ms
from schema.ontology import Ontology

_DID, _SAID = "did", "said"


def history(
    connection: Connection, ontology: Ontology, *, user: str | None, session: str | None, as_of: datetime
) -> Moment:
    """What a user and a session did and said, the user's context and the change number, in one round trip."""
    names = ontology.nodes["User"].contexts
    ((number, values, sources),) = connection.rows(_history(names, user=user, session=session, as_of_ms=to_ms(as_of)))
    context = {name: value for name, value in zip(names, values, strict=False) if value}
    did, said = ({tuple(row) for kind, rows in sources if kind == wanted for row in rows} for wanted in (_DID, _SAID))
    # Grouping here takes half the time that it takes the engines.
    units: dict[tuple[str, str], list[int]] = {}
    titles = {}
    for _, product, behaviour, time, title in did:
        units.setdefault((product, behaviour), []).append(time)
        if title:
            titles[product] = title
    found = [HistoryRow(*unit, len(times), from_ms(max(times))) for unit, times in sorted(units.items())]
    feedback = sorted(map(feedback_of, said), key=lambda given: (given.time, given.kind, given.target))
    return Moment(found, number or 0, context, tuple(feedback), titles)


def _history(contexts: Sequence[str], *, user: str | None, session: str | None, as_of_ms: int) -> Query:
    """One row with a list for each source of events and of feedback; what is of both comes twice."""
    parameters: dict[str, object] = {"as_of": as_of_ms}
    did, said, viewer = [], [], "WITH number, [] AS context "
    if user is not None:
        values = ", ".join(f"v.{quoted(name)}" for name in contexts)
        viewer = f"OPTIONAL MATCH (v:User {{id: $user}}) WITH number, [{values}] AS context "
        did.append("MATCH (:User {id: $user})-[:PERFORMED]->(e:Event)")
        said.append("MATCH (:User {id: $user})-[:GAVE]->(f:Feedback)")
        parameters["user"] = user
    if session is not None:
        did.append("MATCH (e:Event {session: $session})")
        said.append("MATCH (f:Feedback {session: $session})")
        parameters["session"] = session
    shop = "OPTIONAL MATCH (s:Shop {id: 'shop'}) WITH max(s.changes) AS number "
    if not did:
        return Query(shop + "RETURN number, [] AS context, []")
    each = "collect([e.id, p.id, e.behaviour, e.time, p.title])"
    found = [f"{source}-[:ON]->(p:Product) WHERE e.time <= $as_of RETURN ['{_DID}', {each}] AS found" for source in did]
    found += [f"{source}-[:ABOUT]->(n) RETURN ['{_SAID}', {READ}] AS found" for source in said]
    call = f"CALL () {{ {' UNION ALL '.join(found)} }} RETURN number, context, collect(found)"
    return Query(shop + viewer + call, parameters)


def recorded_between(connection: Connection, after: datetime, until: datetime) -> list[Met]:
    """What was met in the events that were written after one moment and until another."""
    query = Query(
        "MATCH (e:Event) WHERE e.recorded > $after AND e.recorded <= $until "
        "MATCH (e)-[:ON]->(p:Product) RETURN p.id, collect([e.time, e.recorded])",
        {"after": to_ms(after), "until": to_ms(until)},
    )
    return [Met(product, *event) for product, events in connection.rows(query) for event in events]


def product_cards(connection: Connection, ontology: Ontology, ids: Sequence[str]) -> dict[str, ProductCard]:
    """Cards of the products that exist, by id, in the order asked for."""
    names = list(ontology.nodes["Product"].properties)
    values = ", ".join(f"p.{quoted(name)}" for name in names)
    query = Query(
        f"UNWIND $ids AS id MATCH (p:Product {{id: id}}) WITH p.id AS key, [{values}] AS properties, "
        "[(p)-[:IN_CATEGORY]->(c:Category) | [c.id, c.name]] AS categories, "
        "[(p)-[:MADE_BY]->(b:Brand) | [b.id, b.name]] AS brands "
        # One row: each row is several reads from a socket, and at each another thread may take its turn.
        "RETURN collect([key, properties, categories, brands])",
        {"ids": list(dict.fromkeys(ids))},
    )
    return {
        key: ProductCard(
            key,
            _properties(ontology, names, properties),
            tuple(sorted(Named(*c) for c in categories)),
            min((Named(*b) for b in brands), default=None),
        )
        for (found,) in connection.rows(query)
        for key, properties, categories, brands in found
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
    query = Query(
        f"MATCH (c:Category) RETURN c.id, c.name, [(c)-[:{category_trees(ontology)}]->(parent:Category) | parent.id]"
    )
    return sorted(CategoryRow(key, name, min(parents, default=None)) for key, name, parents in connection.rows(query))


def category_products(ask: Rows, ontology: Ontology, ids: Sequence[str]) -> dict[str, list[str]]:
    """Category -> ids of the products in it or anywhere below it, sorted; none for one that does not exist."""
    query = Query(
        f"UNWIND $ids AS id MATCH (:Category {{id: id}})<-[:{category_trees(ontology)}*0..]-(c:Category) "
        "WITH DISTINCT id, c MATCH (c)<-[:IN_CATEGORY]-(p:Product) RETURN id, collect(DISTINCT p.id)",
        {"ids": list(ids)},
    )
    return {key: [] for key in ids} | {key: sorted(products) for key, products in ask(query)}


def linked_products(
    connection: Connection, ontology: Ontology, relation: str, nodes: Sequence[str]
) -> dict[str, list[str]]:
    """Node -> ids of the products that a relation links to it, of the nodes that exist."""
    target = quoted(ontology.relations[relation].target)
    query = Query(
        f"UNWIND $ids AS id MATCH (n:{target} {{id: id}}) RETURN n.id, [(n)<-[:{quoted(relation)}]-(p:Product) | p.id]",
        {"ids": list(dict.fromkeys(nodes))},
    )
    return {key: sorted(set(products)) for key, products in connection.rows(query)}


def category_trees(ontology: Ontology) -> str:
    """The relations from a category to the one above, as a pattern takes them."""
    trees = [n for n, r in ontology.relations_between("Category", "Category").items() if r.tree]
    return "|".join(quoted(name) for name in trees or ["CHILD_OF"])

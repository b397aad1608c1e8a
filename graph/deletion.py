"""Taking out events, products and people, with what the running servers must forget for it.

A product leaves a meeting (a user's purchases, a basket) when no event supports it there any more.
The change log names the group by its pseudonym only.
"""

from collections.abc import Iterable, Sequence

from graph import changes
from graph.changes import Kind, meeting_key
from graph.connection import Connection, Transaction
from graph.cypher import Query
from graph.load import Values
from graph.sessions import OF_A_USER
from schema.ontology import Meeting, Ontology
from schema.pseudonym import pseudonym

# Positions in a row of `_traces`.
_USER, _PRODUCT, _BEHAVIOUR, _BASKET, _SESSION = range(5)
_GROUP = {"user": _USER, "basket": _BASKET, "session": _SESSION}

# What is left of pairs of a group and a product, for each way to meet.
_LEFT = {
    "user": "MATCH (:User {id: pair[0]})-[:PERFORMED]->(e:Event)-[:ON]->(:Product {id: pair[1]})",
    "basket": "MATCH (e:Event {basket: pair[0]})-[:ON]->(:Product {id: pair[1]})",
    "session": "MATCH (e:Event {session: pair[0]})-[:ON]->(:Product {id: pair[1]})",
}


def delete_events(connection: Connection, ontology: Ontology, ids: Sequence[str]) -> list[str]:
    """Deletes events; says which there were."""

    def work(transaction: Transaction) -> list[str]:
        found = transaction.rows(_events_by_id(ids))
        if not found:
            return []
        number = changes.reserve(transaction)
        keys = [row[0] for row in found]
        transaction.run(Query("UNWIND $ids AS id MATCH (e:Event {id: id}) DETACH DELETE e", {"ids": keys}))
        removed = _removed(transaction, ontology, [row[1:] for row in found])
        if removed:
            changes.append(transaction, Kind.MEETINGS_REMOVED, removed, number)
        return keys

    return connection.write(work)


def delete_user(connection: Connection, ontology: Ontology, user: str) -> bool:
    """Deletes a person with all they did; False if there is nobody of this id."""

    def work(transaction: Transaction) -> bool:
        if not transaction.rows(Query("MATCH (u:User {id: $id}) RETURN 1", {"id": user})):
            return False
        number = changes.reserve(transaction)
        traces = transaction.rows(_traces("MATCH (u:User {id: $id})-[:PERFORMED]->(e:Event)", {"id": user}))
        for relation in OF_A_USER.values():
            transaction.run(Query(f"MATCH (:User {{id: $id}})-[:{relation}]->(n) DETACH DELETE n", {"id": user}))
        _delete_rest(transaction, sorted({row[_SESSION] for row in traces if row[_SESSION] is not None}))
        transaction.run(Query("MATCH (u:User {id: $id}) DETACH DELETE u", {"id": user}))
        changes.append(transaction, Kind.USER_DELETED, [pseudonym("user", user)], number)
        changes.append(transaction, Kind.MEETINGS_REMOVED, _removed(transaction, ontology, traces))
        return True

    return connection.write(work)


def delete_products(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Deletes products and the events with them; says which there were."""

    def work(transaction: Transaction) -> list[str]:
        query = Query("UNWIND $ids AS id MATCH (p:Product {id: id}) RETURN p.id", {"ids": list(dict.fromkeys(ids))})
        keys = [key for (key,) in transaction.rows(query)]
        if not keys:
            return []
        number = changes.reserve(transaction)
        parameters = {"ids": keys}
        transaction.run(
            Query("UNWIND $ids AS id MATCH (e:Event)-[:ON]->(:Product {id: id}) DETACH DELETE e", parameters)
        )
        transaction.run(
            Query("UNWIND $ids AS id MATCH (f:Feedback)-[:ABOUT]->(:Product {id: id}) DETACH DELETE f", parameters)
        )
        transaction.run(Query("UNWIND $ids AS id MATCH (p:Product {id: id}) DETACH DELETE p", parameters))
        changes.append(transaction, Kind.PRODUCTS_DELETED, keys, number)
        return keys

    return connection.write(work)


def _delete_rest(transaction: Transaction, sessions: Sequence[str]) -> None:
    """What was said and shown in a person's sessions before anybody knew whose they are."""
    for label in ("Feedback", "Impression"):
        nobodys = f"WHERE NOT EXISTS {{ (n)<-[:{OF_A_USER[label]}]-() }}"
        text = f"UNWIND $sessions AS session MATCH (n:{label} {{session: session}}) {nobodys} DETACH DELETE n"
        transaction.run(Query(text, {"sessions": list(sessions)}))


def _removed(transaction: Transaction, ontology: Ontology, traces: Iterable[Values]) -> list[str]:
    """Keys of the meetings that the deleted events held and nothing holds any more."""
    rows = list(traces)
    keys: list[str] = []
    for name, meeting in ontology.meetings.items():
        group = _GROUP[meeting.by]
        pairs = {
            (row[group], row[_PRODUCT])
            for row in rows
            if row[group] is not None and row[_BEHAVIOUR] in meeting.behaviours
        }
        left = {tuple(row) for row in transaction.rows(_left(meeting, sorted(pairs)))} if pairs else set()
        keys += [meeting_key(name, pseudonym(meeting.by, key), product) for key, product in pairs - left]
    return keys


def _events_by_id(ids: Sequence[str]) -> Query:
    return Query(
        "UNWIND $ids AS id MATCH (e:Event {id: id})-[:ON]->(p:Product) OPTIONAL MATCH (u:User)-[:PERFORMED]->(e) "
        "RETURN e.id, u.id, p.id, e.behaviour, e.basket, e.session",
        {"ids": list(dict.fromkeys(ids))},
    )


def _traces(match: str, parameters: dict[str, object]) -> Query:
    return Query(f"{match}-[:ON]->(p:Product) RETURN u.id, p.id, e.behaviour, e.basket, e.session", parameters)


def _left(meeting: Meeting, pairs: Sequence[tuple[str, str]]) -> Query:
    return Query(
        f"UNWIND $pairs AS pair {_LEFT[meeting.by]} WHERE e.behaviour IN $behaviours RETURN DISTINCT pair[0], pair[1]",
        {"pairs": [list(pair) for pair in pairs], "behaviours": list(meeting.behaviours)},
    )

"""Whose a session is: what was done and said in it moves to a user."""

from graph.connection import Connection, Transaction
from graph.cypher import Query

OF_A_USER = {"Event": "PERFORMED", "Feedback": "GAVE", "Impression": "WAS_SHOWN"}
"""What a session leaves behind, and the relation that makes it a user's."""


def link_session(connection: Connection, session: str, user: str) -> int:
    """Gives a user all of a session that is nobody's yet; says how many events.

    The session itself still finds what it did, and what is done in it later is nobody's until it is linked again.
    """

    def work(transaction: Transaction) -> int:
        transaction.run(Query("MERGE (:User {id: $user})", {"user": user}))
        moved = {label: _move(transaction, label, session, user) for label in OF_A_USER}
        return moved["Event"]

    return connection.write(work)


def _move(transaction: Transaction, label: str, session: str, user: str) -> int:
    parameters = {"session": session, "user": user}
    # Written to before they are looked at, so that of two users who are linked at a time one comes second.
    transaction.run(Query(f"MATCH (n:{label} {{session: $session}}) SET n.session = $session", parameters))
    relation = OF_A_USER[label]
    rows = transaction.rows(
        Query(
            f"MATCH (u:User {{id: $user}}) MATCH (n:{label} {{session: $session}}) "
            f"WHERE NOT EXISTS {{ (n)<-[:{relation}]-() }} CREATE (u)-[:{relation}]->(n) RETURN n.id",
            parameters,
        )
    )
    return len(rows)

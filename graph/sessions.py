"""Whose a session is: what was done and said in it is a user's, or moves to one."""

from collections.abc import Sequence

from graph.connection import Connection, Transaction
from graph.cypher import Query

MAKES_A_USERS = {"Event": "PERFORMED", "Feedback": "GAVE"}
"""What a user does or says in a session that makes it theirs, and the relation to it."""
# What was merely shown takes no session: whoever asks writes that, and it answers nobody.
OF_A_USER = {**MAKES_A_USERS, "Impression": "WAS_SHOWN"}
"""What a session leaves behind, and the relation that makes it a user's."""


def sessions_of_others(connection: Connection, sessions: Sequence[str], user: str | None) -> list[str]:
    """Which of some sessions somebody else did or said something in, in one round trip.

    Args:
        connection: where.
        sessions: by id.
        user: who is nobody else; with None every user is.
    """
    texts = (
        f"UNWIND $sessions AS session MATCH (n:{label} {{session: session}})<-[:{relation}]-(u:User) "
        "WHERE u.id <> $user RETURN DISTINCT session"
        for label, relation in MAKES_A_USERS.items()
    )
    # No user's id is empty.
    query = Query(" UNION ".join(texts), {"sessions": list(dict.fromkeys(sessions)), "user": user or ""})
    return sorted(session for (session,) in connection.rows(query))


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

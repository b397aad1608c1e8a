"""What has been written of viewers in the last moments, for those who wait for it."""

from datetime import datetime

from graph.connection import Connection
from graph.cypher import Query
from graph.records import Arrival
from graph.times import to_ms

_SOURCES = {"Event": "PERFORMED", "Feedback": "GAVE"}


def arrivals(connection: Connection, after: datetime) -> list[Arrival]:
    """Events and feedback that were written after a moment, by the wall clock."""
    texts = (
        f"MATCH (n:{label}) WHERE n.recorded > $after OPTIONAL MATCH (u:User)-[:{relation}]->(n) "
        "RETURN n.id AS id, u.id AS user, n.session AS session"
        for label, relation in _SOURCES.items()
    )
    return [Arrival(*row) for row in connection.rows(Query(" UNION ALL ".join(texts), {"after": to_ms(after)}))]

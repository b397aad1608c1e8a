"""What has been written of viewers in the last moments, for those who wait for it.

Whatever is told one by one has the second in which it was written, by the wall clock, as `second`: a question for some
seconds is answered by equality, which an index serves at once. A question for all that is later than a moment is not:
the embedded engine goes through everything for that.
"""

from datetime import datetime, timedelta

from graph.connection import Connection
from graph.cypher import Query
from graph.records import Arrival
from graph.times import now_ms, to_ms

_SOURCES = {"Event": "PERFORMED", "Feedback": "GAVE"}
# Clocks of several machines differ a little.
_AHEAD = timedelta(seconds=1)


def second_of(milliseconds: int) -> int:
    """The second that a moment is in."""
    return milliseconds // 1000


def arrivals(connection: Connection, after: datetime) -> list[Arrival]:
    """Events that were recorded and feedback that was given in the second of a moment or later, by the wall clock."""
    texts = (
        f"UNWIND $seconds AS second MATCH (n:{label} {{second: second}}) "
        f"OPTIONAL MATCH (u:User)-[:{relation}]->(n) RETURN n.id AS id, u.id AS user, n.session AS session"
        for label, relation in _SOURCES.items()
    )
    seconds = range(second_of(to_ms(after)), second_of(now_ms() + _AHEAD // timedelta(milliseconds=1)) + 1)
    return [Arrival(*row) for row in connection.rows(Query(" UNION ALL ".join(texts), {"seconds": list(seconds)}))]

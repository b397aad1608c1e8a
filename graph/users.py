"""Who the store knows: users by id, and how much of each it holds."""

from graph.connection import Connection
from graph.cypher import Query
from graph.records import KnownUser
from graph.times import from_ms


def users(connection: Connection, start: str, first: int) -> list[KnownUser]:
    """The first users by id whose id begins in some way."""
    query = Query(
        "MATCH (u:User) WHERE u.id STARTS WITH $start WITH u ORDER BY u.id LIMIT $first "
        "OPTIONAL MATCH (u)-[:PERFORMED]->(e:Event) RETURN u.id AS id, count(e), max(e.time) ORDER BY id",
        {"start": start, "first": first},
    )
    return [
        KnownUser(key, int(events), None if last is None else from_ms(last))
        for key, events, last in connection.rows(query)
    ]


def shoppers(connection: Connection) -> list[str]:
    """Ids of all users who did anything, in order."""
    query = Query("MATCH (u:User) WHERE EXISTS { (u)-[:PERFORMED]->() } RETURN u.id")
    return sorted(key for (key,) in connection.stream(query))

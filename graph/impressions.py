"""What was shown to whom: (:User)-[:WAS_SHOWN]->(:Impression).

One node is one answer. Its products are a list in the order of their ranks, and so is what is told of each: that
costs a twentieth of a relation for each product. An event that follows from an answer names it in `recommendation`.
"""

from collections.abc import Sequence
from datetime import datetime

from graph.connection import Connection, Transaction
from graph.cypher import Query
from graph.load import Values
from graph.records import Impression, ServedCount
from graph.sessions import MAKES_A_USERS
from graph.times import now_ms, to_ms

DELETE_BATCH = 2_000
# Lists hold no nulls.
_UNKNOWN = 0.0
_PROPERTIES = (
    "i.time = row[1], i.session = row[2], i.model = row[3], i.products = row[4], i.ranks = row[5], "
    "i.placements = row[6], i.propensities = row[7], i.recorded = $now"
)


def record_impressions(connection: Connection, impressions: Sequence[Impression]) -> None:
    """Keeps what was shown, in one transaction; whom the store does not know stays unnamed."""
    rows = [_row(one) for one in impressions]
    pairs = [[one.user, one.id] for one in impressions if one.user is not None]

    def work(transaction: Transaction) -> None:
        transaction.run(
            Query(
                f"UNWIND $rows AS row MERGE (i:Impression {{id: row[0]}}) SET {_PROPERTIES}",
                {"rows": rows, "now": now_ms()},
            )
        )
        if pairs:
            text = "MATCH (u:User {id: pair[0]}) MATCH (i:Impression {id: pair[1]}) MERGE (u)-[:WAS_SHOWN]->(i)"
            transaction.run(Query(f"UNWIND $pairs AS pair {text}", {"pairs": pairs}))

    connection.write(work)


def answers_of_others(connection: Connection, answers: Sequence[str], user: str | None) -> list[str]:
    """Which of some answers were given to somebody else or in a session of somebody else's, in one round trip.

    Args:
        connection: where.
        answers: by id.
        user: who is nobody else; with None every user is.
    """
    texts = [
        f"UNWIND $answers AS answer MATCH {whose} WHERE u.id <> $user RETURN DISTINCT answer"
        for whose in (
            "(:Impression {id: answer})<-[:WAS_SHOWN]-(u:User)",
            *(
                "(i:Impression {id: answer}) WHERE NOT EXISTS { (i)<-[:WAS_SHOWN]-() } "
                f"MATCH (:{label} {{session: i.session}})<-[:{relation}]-(u:User)"
                for label, relation in MAKES_A_USERS.items()
            ),
        )
    ]
    # No user's id is empty.
    query = Query(" UNION ".join(texts), {"answers": list(dict.fromkeys(answers)), "user": user or ""})
    return sorted(answer for (answer,) in connection.rows(query))


def delete_impressions(connection: Connection, before: datetime) -> int:
    """Deletes what was shown before a moment, by the wall clock; says how many answers that were."""
    query = Query(
        "MATCH (i:Impression) WHERE i.recorded < $before WITH i LIMIT $most DETACH DELETE i RETURN count(*)",
        {"before": to_ms(before), "most": DELETE_BATCH},
    )
    deleted = 0
    while batch := int(connection.rows(query, write=True)[0][0]):
        deleted += batch
    return deleted


def served_counts(connection: Connection, since: datetime, target: str) -> list[ServedCount]:
    """How often products were shown, and how often somebody did something with them, since a moment.

    Args:
        connection: where.
        since: by the wall clock.
        target: the behaviour that counts as bought.
    """
    query = Query(
        "MATCH (i:Impression) WHERE i.recorded >= $since "
        "OPTIONAL MATCH (e:Event {recommendation: i.id})-[:ON]->(p:Product) "
        "WITH i, collect(p.id) AS clicked, collect(CASE WHEN e.behaviour = $target THEN p.id END) AS bought "
        "UNWIND range(0, size(i.products) - 1) AS k "
        "RETURN i.model, i.placements[k], i.ranks[k], i.propensities[k], count(*), "
        "sum(CASE WHEN i.products[k] IN clicked THEN 1 ELSE 0 END), "
        "sum(CASE WHEN i.products[k] IN bought THEN 1 ELSE 0 END)",
        {"since": to_ms(since), "target": target},
    )
    return [
        ServedCount(model, placement, int(rank), propensity or None, int(shown), int(clicked), int(bought))
        for model, placement, rank, propensity, shown, clicked, bought in connection.rows(query)
    ]


def _row(one: Impression) -> Values:
    return [
        one.id,
        to_ms(one.time),
        one.session,
        one.model,
        [shown.product for shown in one.shown],
        [shown.rank for shown in one.shown],
        [shown.placement for shown in one.shown],
        [float(_UNKNOWN if shown.propensity is None else shown.propensity) for shown in one.shown],
    ]

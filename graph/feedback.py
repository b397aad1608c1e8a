"""What viewers say of what they are shown: (:User)-[:GAVE]->(:Feedback)-[:ABOUT]->(:Product or :Category).

Where only a session is known, the property `session` of the feedback says whose it is, as with events.
"""

from collections.abc import Mapping

from graph.arrivals import second_of
from graph.connection import Connection, Transaction
from graph.cypher import Query
from graph.records import Feedback, FeedbackKind, FeedbackRecord
from graph.times import from_ms, now_ms, to_ms
from schema.pseudonym import pseudonym

ABOUT: Mapping[FeedbackKind, str] = {
    FeedbackKind.NOT_INTERESTED: "Product",
    FeedbackKind.WRONG_REASON: "Product",
    FeedbackKind.NEVER_THIS_CATEGORY: "Category",
}
"""The node type that a kind is about."""

READ = "collect([f.id, n.id, f.behaviour, f.time, f.kind])"
"""Feedback as `feedback_of` reads it."""


def record_feedback(connection: Connection, given: FeedbackRecord) -> bool:
    """Keeps feedback; False if it was kept before, or if what it is about does not exist."""

    def work(transaction: Transaction) -> bool:
        if transaction.rows(_found(given)):
            return False
        if given.user is not None:
            transaction.run(Query("MERGE (:User {id: $user})", {"user": given.user}))
        return bool(transaction.rows(_create(given)))

    return connection.write(work)


def withdraw_feedback(connection: Connection, given: FeedbackRecord) -> bool:
    """Takes feedback back; False if there was none."""

    def work(transaction: Transaction) -> bool:
        rows = transaction.rows(_found(given))
        if rows:
            ids = {"ids": [key for (key,) in rows]}
            transaction.run(Query("UNWIND $ids AS id MATCH (f:Feedback {id: id}) DETACH DELETE f", ids))
        return bool(rows)

    return connection.write(work)


def unwanted_categories(connection: Connection) -> list[str]:
    """Categories of which somebody wants to see nothing."""
    text = "MATCH (f:Feedback {kind: $kind})-[:ABOUT]->(c:Category) RETURN DISTINCT c.id"
    rows = connection.rows(Query(text, {"kind": FeedbackKind.NEVER_THIS_CATEGORY.value}))
    return sorted(key for (key,) in rows)


def feedback_of(row: tuple[str, str, str | None, int, str]) -> Feedback:
    """Feedback from a row of `READ`."""
    _, target, behaviour, time, kind = row
    return Feedback(FeedbackKind(kind), target, behaviour, from_ms(time))


def _found(given: FeedbackRecord) -> Query:
    viewer = (
        "(:User {id: $user})-[:GAVE]->(f:Feedback)" if given.user is not None else "(f:Feedback {session: $session})"
    )
    return Query(
        f"MATCH {viewer}-[:ABOUT]->(n:{ABOUT[given.kind]} {{id: $target}}) "
        f"WHERE f.kind = $kind AND coalesce(f.behaviour, '') = $behaviour RETURN f.id",
        {
            "user": given.user,
            "session": given.session,
            "target": given.target,
            "kind": given.kind.value,
            "behaviour": given.behaviour or "",
        },
    )


def _create(given: FeedbackRecord) -> Query:
    match = "MATCH (u:User {id: $user}) " if given.user is not None else ""
    giver = "(u)-[:GAVE]->" if given.user is not None else ""
    values = {
        "kind": given.kind.value,
        "behaviour": given.behaviour,
        "session": None if given.user is not None else given.session,
        "recommendation": given.recommendation,
        "time": to_ms(given.time),
        "second": second_of(now_ms()),
        "id": _key(given),
    }
    properties = ", ".join(f"{name}: ${name}" for name in values)
    return Query(
        f"{match}MATCH (n:{ABOUT[given.kind]} {{id: $target}}) "
        f"CREATE {giver}(f:Feedback {{{properties}}})-[:ABOUT]->(n) RETURN f.id",
        {**values, "user": given.user, "target": given.target},
    )


def _key(given: FeedbackRecord) -> str:
    """One for the same feedback of the same viewer, so that two writers at a time keep it once."""
    viewer = ("user", given.user) if given.user is not None else ("session", given.session)
    return pseudonym("feedback", repr((*viewer, given.kind.value, given.target, given.behaviour)))

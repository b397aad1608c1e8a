"""The numbered log of changes that running servers follow.

A number comes from the shop's own node and is taken inside the transaction that it describes, so
numbers are in the order of the commits: who has seen number n has seen all before it.
"""

from collections.abc import Iterable
from enum import StrEnum

from graph.connection import Connection, Transaction
from graph.cypher import Query
from graph.errors import StoreError
from graph.records import Change
from graph.times import now_ms

SEPARATOR = "\x1f"


class Kind(StrEnum):
    """What a change says, and what its keys are."""

    PRODUCTS_WRITTEN = "PRODUCTS_WRITTEN"  # product ids
    PRODUCTS_DELETED = "PRODUCTS_DELETED"  # product ids
    MEETINGS_REMOVED = "MEETINGS_REMOVED"  # meeting, pseudonym of the group and product id, joined
    USER_DELETED = "USER_DELETED"  # one pseudonym
    RULES_WRITTEN = "RULES_WRITTEN"  # rule ids, deleted ones as well
    KNOWLEDGE_WRITTEN = "KNOWLEDGE_WRITTEN"  # ids of rules of knowledge, of which some may be at work now or no longer
    ONTOLOGY_GROWN = "ONTOLOGY_GROWN"  # names of relations


def meeting_key(meeting: str, group: str, product: str) -> str:
    """A product that no event supports any more in a meeting of one group."""
    return SEPARATOR.join((meeting, group, product))


def meeting_of(key: str) -> tuple[str, str, str]:
    """Meeting, pseudonym of the group and product of a key of MEETINGS_REMOVED."""
    meeting, group, product = key.split(SEPARATOR, 2)
    return meeting, group, product


def reserve(transaction: Transaction) -> int:
    """The next number. Whoever has it is alone in changing what the log follows until the commit."""
    query = Query("MATCH (s:Shop {id: 'shop'}) SET s.changes = s.changes + 1 RETURN s.changes")
    rows = transaction.rows(query)
    if not rows:
        raise StoreError("the store is empty and not prepared; run `pathrec ingest` (or Store.prepare) first")
    return int(rows[0][0])


def append(transaction: Transaction, kind: Kind, keys: Iterable[str], number: int | None = None) -> None:
    """One entry in the transaction that makes the change; nothing if there are no keys."""
    listed = sorted(set(keys))
    if not listed:
        return
    number = reserve(transaction) if number is None else number
    query = Query(
        "CREATE (:Change {number: $number, kind: $kind, keys: $keys, time: $time})",
        {"number": number, "kind": kind.value, "keys": listed, "time": now_ms()},
    )
    transaction.run(query)


def changes(connection: Connection, after: int) -> list[Change]:
    """Entries with a higher number, in order."""
    query = Query(
        "MATCH (c:Change) WHERE c.number > $after RETURN c.number, c.kind, c.keys ORDER BY c.number", {"after": after}
    )
    return [Change(number, kind, tuple(keys)) for number, kind, keys in connection.rows(query)]


def change_number(connection: Connection) -> int:
    """The last number that was given out and committed."""
    rows = connection.rows(Query("MATCH (s:Shop {id: 'shop'}) RETURN s.changes"))
    return int(rows[0][0]) if rows else 0

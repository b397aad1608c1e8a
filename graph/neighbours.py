"""Products beside a product along one relation, without any model."""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from graph.connection import Connection
from graph.cypher import Query, quoted

Way = Literal["forward", "reverse", "shared"]


class Neighbour(NamedTuple):
    """A product at the other end of a relation and the relation's weight, or the number of ends that both share."""

    product: str
    weight: float


def neighbours(
    connection: Connection,
    relation: str,
    way: Way,
    ids: Sequence[str],
    without: Collection[str],
    after: Neighbour | None,
    limit: int,
) -> dict[str, list[Neighbour]]:
    """Available products beside each of some products, the strongest first, equal ones by id; one query for all.

    Args:
        connection: to the store.
        relation: from products to products, or to what products share.
        way: `forward` and `reverse` along a relation between products, `shared` through a node that both lead to.
        ids: of products.
        without: products that are in no list.
        after: what comes before each list.
        limit: the most of each list.
    """
    rows = connection.rows(_query(relation, way, ids, without, after, limit))
    found = {
        key: sorted((Neighbour(*pair) for pair in pairs), key=lambda n: (-n.weight, n.product)) for key, pairs in rows
    }
    return {key: found.get(key, []) for key in ids}


def _query(
    relation: str, way: Way, ids: Sequence[str], without: Collection[str], after: Neighbour | None, limit: int
) -> Query:
    name = quoted(relation)
    pattern, weight = {
        "forward": (f"-[r:{name}]->(q:Product)", "max(coalesce(r.weight, 1.0))"),
        "reverse": (f"<-[r:{name}]-(q:Product)", "max(coalesce(r.weight, 1.0))"),
        "shared": (f"-[:{name}]->(n)<-[:{name}]-(q:Product)", "toFloat(count(DISTINCT n))"),
    }[way]
    parameters: dict[str, object] = {"ids": list(dict.fromkeys(ids)), "without": sorted(without), "limit": limit}
    behind = ""
    if after is not None:
        behind = "WHERE weight < $weight OR (weight = $weight AND other > $other) "
        parameters |= {"weight": after.weight, "other": after.product}
    return Query(
        "UNWIND $ids AS id CALL (id) { "
        f"MATCH (:Product {{id: id}}){pattern} "
        "WHERE q.id <> id AND coalesce(q.available, true) AND NOT q.id IN $without "
        f"WITH q.id AS other, {weight} AS weight {behind}"
        "RETURN other, weight ORDER BY weight DESC, other LIMIT $limit "
        "} RETURN id, collect([other, weight])",
        parameters,
    )

"""The links of a rule: pairs that it lists, or that its query finds, and nothing else."""

import math
from collections.abc import Callable, Mapping

from graph.claims import Pair, Weights
from graph.connection import Rows
from graph.cypher import Query
from graph.errors import KnowledgeError, StoreError, StoreUnavailable
from graph.explore import Table
from graph.knowledge import HEAVIEST, MOST_LINKS, Knowledge

SOURCE, TARGET, WEIGHT = "source", "target", "weight"
_NAMED = 5

Ask = Callable[[Query, int], Table]
"""Reads the graph and never changes it: the first rows of a query."""


def links(ask: Ask, rule: Knowledge) -> dict[Pair, float]:
    """What RELATE or DERIVE says, as the graph is now; nothing of MOVE. Whether its ends exist is not looked at.

    Raises:
        KnowledgeError: a query that would write, or that returns anything else than links.
    """
    if rule.cypher is None:
        return dict(rule.pairs)
    try:
        table = ask(Query(rule.cypher), MOST_LINKS)
    except StoreUnavailable:
        raise
    except StoreError as error:
        raise KnowledgeError(f"rule {rule.id}: its query is refused: {error}") from error
    return dict(_read(rule, table))


def _read(rule: Knowledge, table: Table) -> dict[Pair, float]:
    """The links that a query returned."""
    where = f"rule {rule.id}: its query"
    if not table.complete:
        raise KnowledgeError(f"{where} returns more than {MOST_LINKS:,} rows; let it keep the strongest, with LIMIT")
    if table.rows and set(table.columns) not in ({SOURCE, TARGET}, {SOURCE, TARGET, WEIGHT}):
        raise KnowledgeError(
            f"{where} returns the columns {', '.join(table.columns)}; let it end with "
            "RETURN a.id AS source, b.id AS target, or with a number AS weight besides"
        )
    links: dict[Pair, float] = {}
    for number, row in enumerate(table.rows, start=1):
        values = dict(zip(table.columns, row, strict=True))
        pair, weight = (values[SOURCE], values[TARGET]), values.get(WEIGHT, rule.weight)
        wrong = bad_link(pair, weight)
        if wrong is None and links.get(pair, weight) != weight:
            wrong = f"{pair[0]} and {pair[1]} are there twice with different weights; return one row for each pair"
        if wrong:
            raise KnowledgeError(f"{where}, row {number}: {wrong}")
        links[pair] = float(weight)
    return links


def bad_link(pair: tuple[object, object], weight: object) -> str | None:
    """Why a row is no link."""
    for name, end in zip((SOURCE, TARGET), pair, strict=True):
        if not isinstance(end, str):
            return f"{name} is {_kind_of(end)} and no product's id; return its id, as in a.id AS {name}"
    if pair[0] == pair[1]:
        return f"{pair[0]} is related to itself; leave that out, as with WHERE a <> b"
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        return f"weight is {_kind_of(weight)} and no number; return a number above 0"
    return bad_weight(weight)


def bad_weight(weight: float) -> str | None:
    """Why a number is no weight."""
    if math.isfinite(weight) and 0 < weight <= HEAVIEST:
        return None
    return f"the weight {weight:g} is not above 0 and at most {HEAVIEST:g}"


def _kind_of(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, Mapping) and "kind" in value:
        return f"a {value['kind']}"
    return {type(None): "null", str: "a text", bool: "a truth value"}.get(type(value), f"a {type(value).__name__}")


def check_products(rows: Rows, rule: Knowledge, links: Weights) -> None:
    """Raises:
    KnowledgeError: an end of a link is no product.
    """
    missing = missing_products(rows, links)
    if missing:
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        raise KnowledgeError(
            f"rule {rule.id}: there is no product {', '.join(missing[:_NAMED])}{more}; give ids of products of the shop"
        )


def missing_products(rows: Rows, links: Weights) -> list[str]:
    """Ends of links that are no products."""
    ids = list(dict.fromkeys(key for pair in links for key in pair))
    if not ids:
        return []
    there = rows(Query("UNWIND $ids AS id MATCH (p:Product {id: id}) RETURN p.id", {"ids": ids}))
    return sorted(set(ids).difference(key for (key,) in there))

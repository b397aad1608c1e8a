"""What an analysis says of products, as properties of their nodes; the shop's own node says which run it was.

The properties begin with `analysis_`. All of a run is written in one transaction and takes the place of the run before,
so that nobody reads half of it. Serving, export and training know nothing of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from graph.connection import Connection, Transaction
from graph.cypher import Query, quoted
from graph.errors import StoreError
from graph.load import Values, batches
from graph.times import from_ms, now_ms
from schema.ontology import Ontology

PREFIX = "analysis_"
STANDING_BATCH = 2_000

_RUN = f"{PREFIX}run"
_SHOP = tuple(f"{PREFIX}{name}" for name in ("run", "way", "seed", "tool", "products", "communities", "time"))


class Standing(NamedTuple):
    """What is said of one product.

    Attributes:
        product: its id.
        community: number of the community, from 1, the largest first.
        pagerank: how central it is among all; the sum over all products is 1.
        betweenness: share of the shortest ways between others that lead over it.
        spread: how evenly its links lead into several communities, from 0 to below 1.
        similar: products with the most of the same neighbours, the best first.
        likeness: of each of these, what share of both's neighbours both have.
    """

    product: str
    community: int
    pagerank: float
    betweenness: float
    spread: float
    similar: tuple[str, ...]
    likeness: tuple[float, ...]


@dataclass(frozen=True)
class Analysis:
    """One run: its id, which follows from its result, how the graph of products was made, what worked it out, and what
    came out."""

    run: str
    way: str
    seed: int
    tool: str
    standings: tuple[Standing, ...]

    @property
    def communities(self) -> int:
        """How many there are."""
        return len({standing.community for standing in self.standings})


@dataclass(frozen=True)
class AnalysisRun:
    """The run whose results the store has."""

    run: str
    way: str
    seed: int
    tool: str
    products: int
    communities: int
    time: datetime


_NAMES = tuple(f"{PREFIX}{name}" for name in Standing._fields if name != "product")


def write_analysis(connection: Connection, ontology: Ontology, analysis: Analysis) -> AnalysisRun:
    """Writes what a run says in place of what the last one said; a product that is gone is passed over.

    Raises:
        StoreError: the shop's own ontology has properties of these names, or the store is not prepared.
    """
    taken = sorted({*_NAMES, _RUN} & ontology.nodes["Product"].properties.keys())
    if taken:
        raise StoreError(f"Product has properties {', '.join(taken)} in the shop's ontology; name them otherwise there")
    rows: list[Values] = [[standing.product, *map(_plain, standing[1:])] for standing in analysis.standings]

    def work(transaction: Transaction) -> int:
        _remove(transaction)
        written = 0
        for _, batch in batches(rows, STANDING_BATCH):
            written += int(transaction.rows(_written(analysis.run, batch))[0][0])
        if not transaction.rows(_recorded(analysis, written)):
            raise StoreError("the store is empty and not prepared; run `pathrec ingest` first")
        return written

    connection.write(work)
    run = analysis_run(connection)
    if run is None:
        raise StoreError(f"{connection.name}: somebody took the analysis away while it was written; run it again")
    return run


def analysis_run(connection: Connection) -> AnalysisRun | None:
    """The run that the store has; None if there is none."""
    names = ", ".join(f"s.{quoted(name)}" for name in _SHOP)
    rows = connection.rows(Query(f"MATCH (s:Shop {{id: 'shop'}}) WHERE s.{quoted(_RUN)} IS NOT NULL RETURN {names}"))
    if not rows:
        return None
    run, way, seed, tool, products, groups, time = rows[0]
    return AnalysisRun(run, way, seed, tool, products, groups, from_ms(time))


def delete_analysis(connection: Connection) -> AnalysisRun | None:
    """Takes the results away; says of which run, None if there was none."""
    run = analysis_run(connection)
    connection.write(_remove)
    return run


def _remove(transaction: Transaction) -> None:
    for label, names in (("Product", (*_NAMES, _RUN)), ("Shop", _SHOP)):
        # The embedded engine passes over REMOVE where a name is quoted.
        nothing = ", ".join(f"n.{quoted(name)} = null" for name in names)
        transaction.run(Query(f"MATCH (n:{label}) WHERE n.{quoted(_RUN)} IS NOT NULL SET {nothing}"))


def _written(run: str, rows: Sequence[Values]) -> Query:
    settings = ", ".join(f"p.{quoted(name)} = row[{position}]" for position, name in enumerate(_NAMES, start=1))
    return Query(
        f"UNWIND $rows AS row MATCH (p:Product {{id: row[0]}}) SET p.{quoted(_RUN)} = $run, {settings} RETURN count(p)",
        {"rows": rows, "run": run},
    )


def _recorded(analysis: Analysis, written: int) -> Query:
    values = (analysis.run, analysis.way, analysis.seed, analysis.tool, written, analysis.communities, now_ms())
    settings = ", ".join(f"s.{quoted(name)} = ${name}" for name in _SHOP)
    return Query(f"MATCH (s:Shop {{id: 'shop'}}) SET {settings} RETURN 1", dict(zip(_SHOP, values, strict=True)))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value

"""Triples that a mapping looks at, gathered by their subjects, which stand in a file in any order.

**Shapes.** A row is a triple: `s`, `p` (number of the predicate), `o`, `k` (what the object is), `l` (its
language) and `n` (its line). Blank nodes begin with `_:`. A triple that is followed backwards is there
a second time, with subject and object changed over.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pyoxigraph as ox
from rdflib import OWL, RDF, RDFS

from graph.rdf import AS_OF, CREATED
from ingestion.rdf.parsing import Parsed
from ingestion.rdf.paths import Path
from ingestion.rdf.plan import TYPE, Plan
from ingestion.rdf.rows import Rows, together
from schema.iris import META
from schema.progress import Report

TRIPLES = pl.Schema(
    [("s", pl.String), ("p", pl.Int32), ("o", pl.String), ("k", pl.Int8), ("l", pl.String), ("n", pl.Int64)]
)
LITERAL, IRI, BLANK = 0, 1, 2
BLANK_START = "_:"
BATCH = 100_000
_VOCABULARIES = (str(OWL), str(RDFS), str(RDF), META)
"""What describes an ontology and not a graph; nothing of it is missed."""

_Columns = tuple[list[Any], ...]


@dataclass
class Gathered:
    """What a file says: how many triples, how many of them by predicate or class mean nothing to the mapping."""

    triples: int = 0
    present: set[int] = field(default_factory=set)  # numbers of the predicates that there are
    predicates: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    moments: dict[str, str] = field(default_factory=dict)  # of an export of ours, by the IRI of what they are

    @property
    def clock(self) -> timedelta | None:
        """How far the shop's clock was from the wall clock when the file was written; None if it does not say."""
        moments = [self.moments.get(name) for name in (CREATED, AS_OF)]
        try:
            created, as_of = (datetime.fromisoformat(moment) for moment in moments if moment)
            return as_of - created
        except (ValueError, TypeError):
            return None


def gather(parsed: Parsed, plan: Plan, rows: Rows, report: Report) -> Gathered:
    """Puts the triples of a file that mean something into rows."""
    gathered = Gathered()
    while True:
        try:
            for batch in _batches(parsed, plan, gathered):
                rows.add(batch)
                gathered.present.update(batch["p"].unique())
                report("read triples", gathered.triples, 0)
            break
        except SyntaxError as error:
            parsed.broke(error, gathered.triples)
    report("read triples", gathered.triples, gathered.triples)
    return gathered


def _batches(parsed: Parsed, plan: Plan, gathered: Gathered) -> Iterator[pl.DataFrame]:
    columns: _Columns = tuple([] for _ in TRIPLES)
    more = True
    try:
        while more:
            more = _take(parsed, plan, gathered, columns)
            yield _frame(columns)
    except SyntaxError:
        # What came before a broken line is sound.
        yield _frame(columns)
        raise


def _frame(columns: _Columns) -> pl.DataFrame:
    frame = pl.DataFrame(dict(zip(TRIPLES.names(), columns, strict=True)), schema=TRIPLES)
    for column in columns:
        column.clear()
    return frame


def _take(parsed: Parsed, plan: Plan, gathered: Gathered, columns: _Columns) -> bool:
    """Takes about `BATCH` triples from the parser; says whether there are more. Each triple costs microseconds."""
    forwards, backwards, classes, lines = plan.forwards, plan.backwards, plan.classes, parsed.lines
    is_a, last = forwards[TYPE], gathered.triples + BATCH
    s, p, o, k, tongues, n = (column.append for column in columns)
    for quad in parsed.parser:
        gathered.triples += 1
        predicate = quad.predicate.value
        number, inverse = forwards.get(predicate), backwards.get(predicate)
        found = None if number is None and inverse is None else _object(quad.object)
        if found is None:
            _pass_over(quad, gathered)
            continue
        text, kind, language = found
        if number == is_a:
            if text not in classes:
                _count(gathered.classes, text)
                continue
            text = classes[text]
        subject = quad.subject
        start = subject.value if isinstance(subject, ox.NamedNode) else str(subject)
        if number is not None:
            s(start), p(number), o(text), k(kind), tongues(language), n(lines.number)
        if inverse is not None and kind != LITERAL:
            came = IRI if isinstance(subject, ox.NamedNode) else BLANK
            s(text), p(inverse), o(start), k(came), tongues(None), n(lines.number)
        if gathered.triples >= last:
            return True
    return False


def _object(term: object) -> tuple[str, int, str | None] | None:
    """Text, kind and language of an object; None for a triple in its place, as RDF 1.2 has it."""
    if isinstance(term, ox.Literal):
        return term.value, LITERAL, term.language
    if isinstance(term, ox.NamedNode):
        return term.value, IRI, None
    return (BLANK_START + term.value, BLANK, None) if isinstance(term, ox.BlankNode) else None


def _pass_over(quad: ox.Quad, gathered: Gathered) -> None:
    predicate = quad.predicate.value
    if predicate in (CREATED, AS_OF) and isinstance(quad.object, ox.Literal):
        gathered.moments[predicate] = quad.object.value
    else:
        _count(gathered.predicates, predicate)


def _count(counts: Counter[str], iri: str) -> None:
    if not iri.startswith(_VOCABULARIES):
        counts[iri] += 1


def follow(plan: Plan, present: set[int], triples: Rows, derived: Rows, pairs_of: Callable[[Path], Rows]) -> None:
    """Puts what paths of several steps lead to into rows, as if each path were a predicate.

    Args:
        plan: has the paths.
        present: the predicates that there are; paths of others lead nowhere.
        triples: single steps.
        derived: receives the others.
        pairs_of: makes room for what a path has reached before its last step.
    """
    present = set(present)
    for path in plan.long_paths:
        start, last, whole = plan.number(path.start), plan.number(Path(path.steps[-1:])), plan.number(path)
        if not {start, last} <= present:
            continue
        present.add(whole)
        pairs = pairs_of(path)
        for part in together(triples, derived):
            reached = pl.concat(part).filter(pl.col("p") == start, pl.col("k") != LITERAL)
            pairs.add(reached.select(root="s", node="o"))
        for reached, steps in together(pairs, triples):
            step = steps.filter(pl.col("p") == last)
            found = reached.join(step, left_on="node", right_on="s", how="inner", maintain_order="left_right")
            derived.add(found.select(pl.col("root").alias("s"), pl.lit(whole).alias("p"), "o", "k", "l", "n"))


PAIRS = pl.Schema([("root", pl.String), ("node", pl.String)])

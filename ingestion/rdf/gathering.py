"""Triples that a mapping looks at, gathered by their subjects, which stand in a file in any order.

**Shapes.** A row is a triple: `s`, `p` (number of the predicate), `o`, `k` (what the object is), `l` (its
language) and `n` (its line). Blank nodes begin with `_:`. A triple that is followed backwards is there
a second time, with subject and object changed over.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import polars as pl
import pyoxigraph as ox

from ingestion.rdf.parsing import Parsed
from ingestion.rdf.paths import Path
from ingestion.rdf.plan import TYPE, Plan
from ingestion.rdf.rows import Rows, together
from schema.progress import Report

TRIPLES = pl.Schema(
    [("s", pl.String), ("p", pl.Int32), ("o", pl.String), ("k", pl.Int8), ("l", pl.String), ("n", pl.Int64)]
)
LITERAL, IRI, BLANK = 0, 1, 2
BLANK_START = "_:"
BATCH = 100_000

_Row = tuple[str, int, str, int, str | None, int]


@dataclass
class Gathered:
    """What a file says: how many triples, how many of them by predicate or class mean nothing to the mapping."""

    triples: int = 0
    predicates: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)


def gather(parsed: Parsed, plan: Plan, rows: Rows, report: Report) -> Gathered:
    """Puts the triples of a file that mean something into rows."""
    gathered = Gathered()
    batch: list[_Row] = []
    for row in _rows(parsed, plan, gathered):
        batch.append(row)
        if len(batch) >= BATCH:
            rows.add(pl.DataFrame(batch, schema=TRIPLES, orient="row"))
            batch = []
            report("read triples", gathered.triples, 0)
    rows.add(pl.DataFrame(batch, schema=TRIPLES, orient="row"))
    report("read triples", gathered.triples, gathered.triples)
    return gathered


def _rows(parsed: Parsed, plan: Plan, gathered: Gathered) -> Iterator[_Row]:
    forwards, backwards, classes, lines = plan.forwards, plan.backwards, plan.classes, parsed.lines
    is_a = forwards[TYPE]
    for quad in parsed:
        gathered.triples += 1
        predicate = quad.predicate.value
        number, inverse = forwards.get(predicate), backwards.get(predicate)
        if number is None and inverse is None:
            gathered.predicates[predicate] += 1
            continue
        term = quad.object
        language = None
        if isinstance(term, ox.Literal):
            text, what, language = term.value, LITERAL, term.language
        elif isinstance(term, ox.NamedNode):
            text, what = term.value, IRI
        elif isinstance(term, ox.BlankNode):
            text, what = BLANK_START + term.value, BLANK
        else:  # a triple in the place of an object, as RDF 1.2 has them
            gathered.predicates[f"{predicate} of a triple"] += 1
            continue
        if number == is_a:
            known = classes.get(text)
            if known is None:
                gathered.classes[text] += 1
                continue
            text = known
        subject = quad.subject
        named = isinstance(subject, ox.NamedNode)
        start = subject.value if isinstance(subject, ox.NamedNode) else str(subject)
        if number is not None:
            yield start, number, text, what, language, lines.number
        if inverse is not None and what != LITERAL:
            yield text, inverse, start, IRI if named else BLANK, None, lines.number


def follow(plan: Plan, triples: Rows, derived: Rows, pairs_of: Callable[[Path], Rows]) -> None:
    """Puts what paths of several steps lead to into rows, as if each path were a predicate.

    Args:
        plan: has the paths.
        triples: single steps.
        derived: receives the others.
        pairs_of: makes room for what a path has reached before its last step.
    """
    for path in plan.long_paths:
        start, last, whole = plan.number(path.start), plan.number(Path(path.steps[-1:])), plan.number(path)
        pairs = pairs_of(path)
        for part in together(triples, derived):
            reached = pl.concat(part).filter(pl.col("p") == start, pl.col("k") != LITERAL)
            pairs.add(reached.select(root="s", node="o"))
        for reached, steps in together(pairs, triples):
            step = steps.filter(pl.col("p") == last)
            found = reached.join(step, left_on="node", right_on="s", how="inner", maintain_order="left_right")
            derived.add(found.select(pl.col("root").alias("s"), pl.lit(whole).alias("p"), "o", "k", "l", "n"))


PAIRS = pl.Schema([("root", pl.String), ("node", pl.String)])

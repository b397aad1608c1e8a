"""Explicit terms walked at each request or stored: what cutting the stored entries of each product costs.

    python -m benchmarks.stored --data ../shared/data/gowalla --format lightgcn --json stored.json

trains the model of the validation part's past, then answers the validation questions (at most `ASKED`) with the
explicit terms walked on the incidence, which is how they are served, and with each product's strongest entries
stored. Stored entries cannot leave out the viewer's own paths: these reach what the history holds, which is ranked
too where people look at products before they buy them. The test part is not asked.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, write_json
from gnn.batch import ModelRanker
from gnn.build import fit_split, learned
from gnn.data import Float32
from gnn.datasets import read_question
from gnn.evaluate import fitted_ranker, goal_of
from gnn.measure import measure
from gnn.paths import PathTerm, arrays
from gnn.tasks import Questions, Ranker, Split
from gnn.train import choose_device, validation_split

KEPT = (None, 500, 200, 100, 50)
"""Entries that each product keeps in each term; None for all."""
METRICS = ("recall@20", "ndcg@20")
ASKED = 4_000
ROWS = 512
MIB = 2**20


def stored(term: PathTerm, kept: int | None) -> sp.csr_array:
    """(N, N) what one unit of each product gives to the others through a term: its strongest entries."""
    start, end = sp.diags_array(term.start_factor).tocsr(), sp.diags_array(term.end_factor)
    middle = sp.diags_array(term.middle_factor) if term.term.two_steps else None
    blocks = []
    for at in range(0, len(term.degree), ROWS):
        links = term.links[at : at + ROWS]
        reached = links @ middle @ term.by_middle if middle is not None else links
        block = sp.coo_array(start[at : at + ROWS, at : at + ROWS] @ reached @ end)
        other = block.row + at != block.col  # a product is no reason for itself
        values, (rows, columns) = block.data[other], (block.row[other], block.col[other])
        best = _strongest(rows, values, kept)
        shape = links.shape[0], len(term.degree)
        blocks.append(sp.csr_array((values[best].astype(np.float32), (rows[best], columns[best])), shape=shape))
    return sp.csr_array(sp.vstack(blocks, format="csr"))


def _strongest(
    rows: "np.ndarray[Any, Any]", values: "np.ndarray[Any, Any]", kept: int | None
) -> "np.ndarray[Any, Any]":
    """Positions of the largest values of each row."""
    order = np.lexsort((-values, rows))
    if kept is None:
        return order
    first = np.searchsorted(rows[order], rows[order])
    return order[np.arange(len(order)) - first < kept]


@dataclass(frozen=True)
class StoredRanker:
    """A model whose explicit terms are looked up instead of walked: `gnn.tasks.Ranker`.

    Attributes:
        rest: the model without explicit terms.
        terms: explicit terms with their (N, N) entries.
    """

    rest: ModelRanker
    terms: Sequence[tuple[PathTerm, sp.csr_array]]

    def __call__(self, questions: Questions) -> Float32:
        """(B, N) scores."""
        scores = self.rest(questions)
        trend = self.rest.scorer.trend.astype(np.float32)
        for row, user in enumerate(questions.user):
            history = self.rest.past.of(int(user))
            for term, entries in self.terms:
                weights = term.units.amounts(history, int(questions.as_of_ms[row])) * term.weights[history.behaviours]
                found = sp.csr_array(weights[None, :].astype(np.float32)) @ entries[history.products]
                scores[row, found.indices] += found.data * trend[found.indices]
        return scores


def trained(split: Split, seed: int, goal: Any) -> ModelRanker:
    """The model of what a split lets see, with the weights that its questions ask for."""
    before = learned(split.seen, seed=seed, device=choose_device(None))
    fitted = fit_split(split, before, goal=goal, seed=seed)
    return fitted_ranker(before, fitted, split, seed)


def compared(walked: ModelRanker, split: Split, asked: Questions) -> list[dict[str, Any]]:
    """Figures of the walked form and of each number of stored entries."""
    terms = [t for t in walked.scorer.terms if t.term.kind != "self" and t.weights.any()]
    size = sum(matrix.nbytes for t in terms for links in (t.links, t.by_middle) for matrix in arrays(links))
    found = [{"form": "walked", "entries": None, "mib": size / MIB, **_asked(walked, split, asked)}]
    rest = replace(walked, scorer=replace(walked.scorer, terms=()))
    for kept in KEPT:
        started = time.perf_counter()
        entries = [(term, stored(term, kept)) for term in terms]
        took = time.perf_counter() - started
        figures = _asked(StoredRanker(rest, entries), split, asked)
        count = sum(one.nnz for _, one in entries)
        mib = sum(array.nbytes for _, one in entries for array in arrays(one)) / MIB
        form = "all stored" if kept is None else f"{kept} stored"
        found.append({"form": form, "entries": count, "mib": mib, "building_seconds": took, **figures})
    return found


def _asked(ranker: Ranker, split: Split, asked: Questions) -> dict[str, float]:
    return dict(measure(ranker, split.seen, asked, METRICS).metrics)


def show(rows: Sequence[dict[str, Any]]) -> None:
    """The figures as a table."""
    table = Table(title="Explicit terms, walked and stored")
    for name in ("form", "entries", "MiB", *METRICS):
        table.add_column(name, justify="left" if name == "form" else "right")
    for row in rows:
        table.add_row(*_cells(row))
    Console().print(table)


def _cells(row: dict[str, Any]) -> Iterator[str]:
    yield row["form"]
    yield "–" if row["entries"] is None else f"{row['entries']:,}"
    yield f"{row['mib']:,.0f}"
    yield from (f"{row[name]:.4f}" for name in METRICS)


def main() -> None:
    """Trains, compares and reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of a data set")
    parser.add_argument("--format", help="of the folder, as of `pathrec evaluate`; found out if not said")
    parser.add_argument("--seed", type=int, default=0, help="of everything drawn (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    about = machine()
    benchmark = read_question(options.data, options.format, (), seed=options.seed)
    split = benchmark.validation or validation_split(benchmark.shop, benchmark.rule, options.seed)
    walked = trained(split, options.seed, goal_of(benchmark))
    drawn = np.random.default_rng(options.seed).permutation(len(split.questions))[:ASKED]
    rows = compared(walked, split, split.questions.take(drawn))
    show(rows)
    if options.json:
        write_json({"machine": about, "data": benchmark.name, "questions": len(drawn), "forms": rows}, options.json)


if __name__ == "__main__":
    main()

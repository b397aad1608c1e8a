"""What a score is made of, and what it would be without part of the history.

A contribution belongs to one unit of the history and one term. For an explicit term it is the sum
of its paths, whose middle nodes are named; the low-pass term is one part of its own (the crowd: what
everybody takes with it, put on or taken off); the latent term is split by what the product's vector is
made of. Contributions and the prior add up to the score: they are the same numbers that
`gnn.scoring` adds, in another order. (Efficiency, dummy and symmetry in the sense of Shapley 1953
hold trivially, since the score is additive in the units.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Literal

import numpy as np

from gnn.latent import FREE
from gnn.paths import BoolArray, FloatArray, IntArray
from gnn.scoring import Scorer, top
from gnn.units import History
from schema.ontology import Term

Kind = Literal["PATH", "TEXT", "IMAGE", "LATENT", "CROWD"]
_KINDS: dict[str, Kind] = {FREE: "LATENT", "text": "TEXT", "image": "IMAGE"}

# Pairs and triples of more units than this are not enumerated: a set is then found greedily.
_ENUMERATED = {1: 10_000, 2: 300, 3: 60}


@dataclass(frozen=True)
class Part:
    """One contribution.

    `middles` are the middle nodes of its paths, the strongest first: ids for shared nodes,
    pseudonyms for meetings and steps; `group` is how many different ones there are, since somebody who took
    the same step twice is in the middle of two paths. Both are empty for direct and latent ones.
    """

    kind: Kind
    unit: int
    term: Term | None
    value: float
    middles: tuple[str, ...] = ()

    @property
    def group(self) -> int:
        return len(set(self.middles))


@dataclass(frozen=True)
class Explained:
    """A score and its parts: score = prior + Σ parts + remainder_value.

    `mass` is the sum of the absolute contributions, `readable_share` what part of it has a path.
    """

    product: int
    score: float
    prior: float
    parts: tuple[Part, ...]
    remainder_count: int
    remainder_value: float
    mass: float
    readable_share: float


@dataclass(frozen=True)
class Counterfactual:
    """Units without which a product leaves the first k. `minimal`: no smaller set does it."""

    units: tuple[int, ...]
    minimal: bool
    rank: int


@dataclass(frozen=True)
class _Row:
    """Contributions of one term (or latent part) to some products, (J, I)."""

    kind: Kind
    term: int | None
    values: FloatArray


def explain(
    scorer: Scorer,
    history: History,
    products: Sequence[int],
    as_of: datetime,
    viewer: str | None = None,
    *,
    first: int | None = None,
) -> list[Explained]:
    """Takes the scores of some products apart.

    Args:
        scorer: the model that gave the scores.
        history: the history that was scored.
        products: I positions.
        as_of: the moment of the answer.
        viewer: the user that was scored, if known.
        first: how many contributions to list by absolute value; None lists all that are not zero.
    """
    rows = _contributions(scorer, history, np.asarray(products, np.intp), as_of, viewer)
    own = [term.owned_by(scorer.person(viewer)) for term in scorer.terms]
    return [_explained(scorer, history, rows, own, column, position, first) for column, position in enumerate(products)]


def unit_scores(scorer: Scorer, history: History, as_of: datetime, viewer: str | None = None) -> FloatArray:
    """(J, N) what each unit gives to each product; the scores are the prior plus the sum over J."""
    products = np.arange(scorer.size)
    rows = _contributions(scorer, history, products, as_of, viewer)
    return np.asarray(sum((row.values for row in rows), np.zeros((len(history), scorer.size))))


def counterfactual(
    scorer: Scorer,
    history: History,
    product: int,
    as_of: datetime,
    viewer: str | None = None,
    *,
    k: int,
    allowed: BoolArray,
    max_units: int = 3,
) -> Counterfactual | None:
    """The smallest set of units without which `product` is no longer among the first k.

    Sets are enumerated by size as long as that is feasible, so that the answer is minimal; of equally
    small sets the one that lowers the product most is taken. Otherwise units are taken away greedily
    and the set is verified, not called minimal.

    Returns:
        None if the product is not among the first k, or no set of at most `max_units` does it.
    """
    gains = unit_scores(scorer, history, as_of, viewer)
    scores = scorer.prior + gains.sum(axis=0)
    if product not in top(scores, k, allowed):
        return None
    # How far the product is ahead of each other one, in all and by each unit.
    lead = np.where(allowed, scores[product] - scores, np.inf)
    by_unit = np.where(allowed, gains[:, [product]] - gains, 0.0)
    lead[product] = np.inf
    exhaustive = True
    for size in range(1, min(max_units, len(history)) + 1):
        if len(history) > _ENUMERATED.get(size, 0):
            exhaustive = False
            break
        found = _smallest(lead, by_unit, product, k, size)
        if found is not None:
            return Counterfactual(found, True, _rank(lead, by_unit, product, found))
    return None if exhaustive else _greedy(lead, by_unit, product, k, max_units)


def similar(scorer: Scorer, product: int) -> FloatArray:
    """(N,) how near every product is to one: the paths and the vector of a single fresh target event."""
    target = scorer.behaviours.index(scorer.ontology.target_behaviour)
    start, amount = np.array([product]), np.ones(1)
    total = np.zeros(scorer.size)
    none = np.empty(0, np.intp)
    for term in scorer.terms:
        if term.term.kind != "self":
            total += term.scores(start, amount * term.weights[target], none)
    for dense in (scorer.low_pass, scorer.latent):
        if dense is not None:
            total += dense.scores(start, amount * dense.weights[target])
    return np.asarray(total * scorer.trend)


def _contributions(
    scorer: Scorer, history: History, products: IntArray, as_of: datetime, viewer: str | None
) -> list[_Row]:
    if not len(history):
        return []
    as_of_ms = int(as_of.timestamp() * 1000)
    person, trend = scorer.person(viewer), scorer.trend[products]
    rows = []
    for number, term in enumerate(scorer.terms):
        carried = term.units.amounts(history, as_of_ms) * term.weights[history.behaviours]
        if carried.any():
            values = term.between(history.products, products, term.owned_by(person)) * carried[:, None]
            rows.append(_Row("PATH", number, values * trend))
    if scorer.low_pass is not None:
        carried = scorer.low_pass.units.amounts(history, as_of_ms) * scorer.low_pass.weights[history.behaviours]
        values = scorer.low_pass.between(history.products, products)
        rows.append(_Row("CROWD", None, values * carried[:, None] * trend))
    if scorer.latent is not None:
        carried = scorer.latent.units.amounts(history, as_of_ms) * scorer.latent.weights[history.behaviours]
        for part, values in scorer.latent.between(history.products, products).items():
            rows.append(_Row(_KINDS.get(part, "LATENT"), None, values * carried[:, None] * trend))
    return rows


def _explained(
    scorer: Scorer,
    history: History,
    rows: list[_Row],
    own: list[IntArray],
    column: int,
    position: int,
    first: int | None,
) -> Explained:
    prior = float(scorer.prior[position])
    if not rows:
        return Explained(position, prior, prior, (), 0, 0.0, 0.0, 0.0)
    values = np.stack([row.values[:, column] for row in rows])  # (rows, J)
    flat = values.ravel()
    order = np.argsort(-np.abs(flat), kind="stable")[: np.count_nonzero(flat)]
    shown = order if first is None else order[:first]
    parts = tuple(_part(scorer, history, rows, own, position, int(index), float(flat[index])) for index in shown)
    mass = float(np.abs(flat).sum())
    readable = sum(float(np.abs(values[n]).sum()) for n, row in enumerate(rows) if row.kind == "PATH")
    return Explained(
        product=position,
        score=prior + float(flat.sum()),
        prior=prior,
        parts=parts,
        remainder_count=len(order) - len(shown),
        remainder_value=float(flat[order[len(shown) :]].sum()),
        mass=mass,
        readable_share=readable / mass if mass else 0.0,
    )


def _part(
    scorer: Scorer,
    history: History,
    rows: list[_Row],
    own: list[IntArray],
    position: int,
    index: int,
    value: float,
) -> Part:
    number, unit = divmod(index, len(history))
    row = rows[number]
    if row.term is None:
        return Part(row.kind, unit, None, value)
    term = scorer.terms[row.term]
    middles: tuple[str, ...] = ()
    if term.term.two_steps:
        nodes, amounts = term.middles_between(int(history.products[unit]), position, own[row.term])
        middles = tuple(term.keys[n] for n in nodes[np.argsort(-amounts, kind="stable")])
    return Part(row.kind, unit, term.term, value, middles)


def _beaten(lead: FloatArray, product: int) -> IntArray:
    """How many others are before the product, given its lead over each (.., N)."""
    ties_before = np.arange(lead.shape[-1]) < product
    return np.asarray(((lead < 0) | ((lead == 0) & ties_before)).sum(axis=-1))


def _smallest(lead: FloatArray, by_unit: FloatArray, product: int, k: int, size: int) -> tuple[int, ...] | None:
    best: tuple[float, tuple[int, ...]] | None = None
    # Only a product whose lead could shrink to nothing by the best `size` units can matter.
    reach = np.sort(by_unit, axis=0)[-size:].clip(min=0).sum(axis=0)
    near = np.flatnonzero(lead <= reach)
    if len(near) < k:
        return None
    lead, units, place = lead[near], by_unit[:, near], int(np.searchsorted(near, product))
    most = units.max(axis=0)  # no last unit takes more from a lead than this
    for group in combinations(range(len(units)), size - 1):
        base = lead - units[list(group)].sum(axis=0)
        if np.count_nonzero(base <= most) < k:
            continue
        last = np.arange(group[-1] + 1 if group else 0, len(units))
        if not len(last):
            continue
        after = base - units[last]
        for offset in np.flatnonzero(_beaten(after, place) >= k):
            margin = float(np.partition(after[offset], k - 1)[k - 1])
            candidate = (margin, (*group, int(last[offset])))
            best = candidate if best is None else min(best, candidate)
    return None if best is None else best[1]


def _greedy(lead: FloatArray, by_unit: FloatArray, product: int, k: int, limit: int) -> Counterfactual | None:
    chosen: list[int] = []
    for _ in range(min(limit, len(by_unit))):
        after = lead - by_unit[chosen].sum(axis=0)
        margins = np.partition(after - by_unit, k - 1, axis=1)[:, k - 1]
        margins[chosen] = np.inf
        chosen.append(int(np.argmin(margins)))
        if _beaten(lead - by_unit[chosen].sum(axis=0), product) >= k:
            units = tuple(sorted(chosen))
            return Counterfactual(units, len(units) == 1, _rank(lead, by_unit, product, units))
    return None


def _rank(lead: FloatArray, by_unit: FloatArray, product: int, units: tuple[int, ...]) -> int:
    return int(_beaten(lead - by_unit[list(units)].sum(axis=0), product)) + 1

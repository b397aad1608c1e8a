"""What a score is made of, and what it would be without part of the history.

A contribution belongs to one unit, of the history or of what somebody says of themself, and one term. For an
explicit term it is the sum of its paths, whose middle nodes are named; the low-pass term is one part of its own (the
crowd: what everybody takes with it, put on or taken off); the latent term is split by what the product's vector is
made of. What a product that nobody has met takes from those that it resembles (`gnn.stand_ins`) is split by
these and by what they are alike in. Contributions and the prior add up to the score: they are the same numbers that
`gnn.scoring` adds, in another order. (Efficiency, dummy and symmetry in the sense of Shapley 1953
hold trivially, since the score is additive in the units.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Literal

import numpy as np

from gnn.interests import NOTHING, Liked, Stated
from gnn.latent import FREE, Latent
from gnn.likeness import RELATIONS
from gnn.low_pass import LowPass
from gnn.paths import BoolArray, FloatArray, IntArray, PathTerm
from gnn.scoring import Scorer, top
from gnn.units import History
from schema.ontology import Term

Kind = Literal["PATH", "TEXT", "IMAGE", "FEATURE", "RELATIONS", "LATENT", "CROWD"]
_KINDS: dict[str, Kind] = {FREE: "LATENT", "text": "TEXT", "image": "IMAGE", RELATIONS: "RELATIONS"}

# Pairs and triples of more units than this are not enumerated: a set is then found greedily.
_ENUMERATED = {1: 10_000, 2: 300, 3: 60}


@dataclass(frozen=True)
class Part:
    """One contribution.

    `unit` is one of the history, or after these one of what was said: an interest, the words. `middles` are the
    middle nodes of its paths, the strongest first: ids for shared nodes, pseudonyms for meetings and steps; `group`
    is how many different ones there are, since somebody who took the same step twice is in the middle of two paths.
    Both are empty for direct and latent ones. `resembles` is the position of a known product that stands in for one
    that nobody has met: what the unit gives to it, `by_paths` or by the rest.
    """

    kind: Kind
    unit: int
    term: Term | None
    value: float
    middles: tuple[str, ...] = ()
    resembles: int | None = None
    by_paths: bool = False

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
    """Contributions of one term, latent part or stand-in to some products, (U, I), of U units from `first` on.

    `path` is an explicit term and the middle nodes of the viewer in it, `liked` an interest, `resembles` (I,) who
    stands in for each; what comes through them is `by_paths` or by the rest.
    """

    kind: Kind
    values: FloatArray
    path: tuple[PathTerm, IntArray] | None = None
    liked: Liked | None = None
    resembles: IntArray | None = None
    by_paths: bool = False
    first: int = 0

    @property
    def term(self) -> Term | None:
        if self.liked is not None:
            return self.liked.term.term
        return None if self.path is None else self.path[0].term

    @property
    def readable(self) -> bool:
        return self.by_paths or self.term is not None


def explain(
    scorer: Scorer,
    history: History,
    products: Sequence[int],
    as_of: datetime,
    viewer: str | None = None,
    told: Stated = NOTHING,
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
        told: what they say of themself.
        first: how many contributions to list by absolute value; None lists all that are not zero.
    """
    positions = np.asarray(products, np.intp)
    rows, lent, resembling = _contributions(scorer, history, positions, as_of, viewer, told)
    found: dict[int, Explained] = {}
    # What nobody has met takes from many, each a row: the other products are not looked for in these.
    for group, more in ((np.setdiff1d(np.arange(len(positions)), resembling), []), (resembling, lent)):
        if len(group):
            own = [replace(row, values=row.values[:, group]) for row in rows]
            explained = _taken_apart(scorer, history, positions[group], own + more, first)
            found.update(zip(group.tolist(), explained, strict=True))
    return [found[i] for i in range(len(positions))]


def unit_scores(
    scorer: Scorer, history: History, as_of: datetime, viewer: str | None = None, told: Stated = NOTHING
) -> FloatArray:
    """(J + S, N) what each unit, of the history and then of what was said, gives to each product.

    The scores are the prior plus the sum over the units.
    """
    everything = np.arange(scorer.size)
    gains = np.zeros((len(history) + len(told), scorer.size))
    for row in _own(scorer, history, everything, as_of, viewer):
        gains[: len(history)] += row.values
    scorer.stand_ins.add_to(gains[: len(history)])
    for row in _of_told(scorer, told, everything, len(history)):
        gains[row.first : row.first + len(row.values)] += row.values
    return np.asarray(gains * scorer.trend)


def counterfactual(
    scorer: Scorer,
    history: History,
    product: int,
    as_of: datetime,
    viewer: str | None = None,
    told: Stated = NOTHING,
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
    gains = unit_scores(scorer, history, as_of, viewer, told)
    scores = scorer.prior + gains.sum(axis=0)
    if product not in top(scores, k, allowed):
        return None
    # How far the product is ahead of each other one, in all and by each unit.
    lead = np.where(allowed, scores[product] - scores, np.inf)
    by_unit = np.where(allowed, gains[:, [product]] - gains, 0.0)
    lead[product] = np.inf
    exhaustive = True
    for size in range(1, min(max_units, len(gains)) + 1):
        if len(gains) > _ENUMERATED.get(size, 0):
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
    for term in scorer.linked:
        if term.term.kind != "self":
            total += term.scores(start, amount * term.weights[target], none)
    for dense in (scorer.low_pass, scorer.latent):
        if dense is not None:
            total += dense.scores(start, amount * dense.weights[target])
    scorer.stand_ins.add_to(total)
    return np.asarray(total * scorer.trend)


def _taken_apart(
    scorer: Scorer, history: History, positions: IntArray, rows: list[_Row], first: int | None
) -> list[Explained]:
    """The scores of (I,) products, given what each row gives to them before the trend."""
    # Those that can be read come first.
    rows = sorted(rows, key=lambda row: not row.readable)
    # (I, Σ U), so that what belongs to one product lies together.
    values = np.concatenate([np.zeros((0, len(positions))), *(row.values for row in rows)]).T.copy()
    values *= scorer.trend[positions, None]
    mass = np.abs(values)
    readable = mass[:, : sum(len(row.values) for row in rows if row.readable)].sum(axis=1)
    shown = _strongest(mass, first)
    parts = _parts(rows, history, positions, values, shown)
    prior, total = scorer.prior[positions], mass.sum(axis=1)
    scores = prior + values.sum(axis=1)
    rest = values  # of what is left out
    rest[shown] = 0.0
    left_out, remainder = np.count_nonzero(rest, axis=1), rest.sum(axis=1)
    ends = np.searchsorted(shown[0], np.arange(len(positions) + 1))
    return [
        Explained(
            product=int(positions[i]),
            score=float(scores[i]),
            prior=float(prior[i]),
            parts=tuple(parts[ends[i] : ends[i + 1]]),
            remainder_count=int(left_out[i]),
            remainder_value=float(remainder[i]),
            mass=float(total[i]),
            readable_share=float(readable[i] / total[i]) if total[i] else 0.0,
        )
        for i in range(len(positions))
    ]


def _contributions(
    scorer: Scorer, history: History, products: IntArray, as_of: datetime, viewer: str | None, told: Stated
) -> tuple[list[_Row], list[_Row], IntArray]:
    """What is given to (I,) products before the trend; what stand-ins lend to (A,) of them, and which these are."""
    at, row = scorer.stand_ins.among(products)
    known = scorer.stand_ins.known[row]
    looked_at, place = np.unique(np.concatenate([products, known.ravel()]), return_inverse=True)
    rows = _own(scorer, history, looked_at, as_of, viewer)
    lent = []
    for by_paths in (True, False):
        through = [one.values[:, place[len(products) :]] for one in rows if one.readable == by_paths]
        if through and len(at):
            given = np.asarray(sum(through)).reshape(len(history), *known.shape)
            for modality, weights in scorer.stand_ins.weights.items():
                kind, each = _KINDS.get(modality, "FEATURE"), given * weights[row]
                lent += [
                    _Row(kind, each[:, :, k], resembles=known[:, k], by_paths=by_paths) for k in range(known.shape[1])
                ]
    rows = [replace(one, values=one.values[:, place[: len(products)]]) for one in rows]
    return [*rows, *_of_told(scorer, told, products, len(history))], lent, at


def _of_told(scorer: Scorer, told: Stated, products: IntArray, first: int) -> list[_Row]:
    """What is said gives to products, (P,), before the trend; its units are numbered from `first` on."""
    rows = [
        _Row("PATH", liked.at(products)[None, :], liked=liked, first=first + number)
        for number, liked in enumerate(told.liked)
    ]
    if told.words is not None and scorer.latent is not None:
        for part, vectors in scorer.latent.parts.items():
            values = vectors[products].astype(np.float64) @ told.words
            rows.append(_Row(_KINDS.get(part, "FEATURE"), values[None, :], first=first + len(told.liked)))
    return rows


def _own(scorer: Scorer, history: History, products: IntArray, as_of: datetime, viewer: str | None) -> list[_Row]:
    """What the terms give to products, (P,), before the trend."""
    if not len(history):
        return []
    as_of_ms = int(as_of.timestamp() * 1000)
    person = scorer.person(viewer)
    # A history often holds a product several times, for what was done with it.
    starts, place = np.unique(history.products, return_inverse=True)

    def carried(part: PathTerm | LowPass | Latent) -> FloatArray:
        return part.units.amounts(history, as_of_ms) * part.weights[history.behaviours]

    def values(between: FloatArray, amounts: FloatArray) -> FloatArray:
        return np.asarray(between[place] * amounts[:, None])

    rows = []
    for term in scorer.linked:
        amounts = carried(term)
        if amounts.any():
            own = term.owned_by(person)
            rows.append(_Row("PATH", values(term.between(starts, products, own), amounts), (term, own)))
    if scorer.low_pass is not None:
        amounts = carried(scorer.low_pass)
        rows.append(_Row("CROWD", values(scorer.low_pass.between(starts, products), amounts)))
    if scorer.latent is not None:
        amounts = carried(scorer.latent)
        for part, between in scorer.latent.between(starts, products).items():
            rows.append(_Row(_KINDS.get(part, "FEATURE"), values(between, amounts)))
    return rows


def _strongest(mass: FloatArray, first: int | None) -> tuple[IntArray, IntArray]:
    """Rows and columns of the `first` largest of each row of (I, L), all that are not zero if None.

    Row by row, largest first, ties to the lower column.
    """
    kept = mass > 0.0
    if first is not None and 0 < first < mass.shape[1]:
        # All that tie with the last one stay in: the order decides, not the partition.
        kept &= mass >= np.partition(mass, -first, axis=1)[:, [-first]]
    row, column = np.nonzero(kept)
    order = np.lexsort((column, -mass[row, column], row))
    row, column = row[order], column[order]
    if first is not None:
        listed = np.arange(len(row)) - np.searchsorted(row, row) < first
        row, column = row[listed], column[listed]
    return row, column


def _parts(
    rows: list[_Row], history: History, products: IntArray, values: FloatArray, shown: tuple[IntArray, IntArray]
) -> list[Part]:
    """What is shown of (I, Σ U) values, in that order."""
    ends = np.cumsum([len(row.values) for row in rows])
    number = np.searchsorted(ends, shown[1], side="right")
    starts = np.array([row.first - end + len(row.values) for row, end in zip(rows, ends, strict=True)], np.intp)
    unit = shown[1] + starts[number]
    middles: list[tuple[str, ...]] = [()] * len(number)
    for n, row in enumerate(rows):
        if row.path is not None and row.path[0].term.two_steps:
            term, own = row.path
            here = np.flatnonzero(number == n)
            names = term.middles_between(history.products[unit[here]], products[shown[0][here]], own)
            for at, found in zip(here.tolist(), names, strict=True):
                middles[at] = found
        if row.liked is not None:
            for at in np.flatnonzero(number == n).tolist():
                middles[at] = row.liked.nodes_of(int(products[shown[0][at]]))
    terms = [row.term for row in rows]
    return [
        Part(rows[n].kind, u, terms[n], value, names, _resembled(rows[n], i), rows[n].by_paths)
        for n, u, value, names, i in zip(
            number.tolist(), unit.tolist(), values[shown].tolist(), middles, shown[0].tolist(), strict=True
        )
    ]


def _resembled(row: _Row, product: int) -> int | None:
    return None if row.resembles is None else int(row.resembles[product])


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

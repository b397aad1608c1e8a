"""Scores of all products for a history, as an exact sum over the history's units.

    score(i) = prior(i) + trend(i) · Σ_h Σ_r a_h,r · (C_r[j_h, i] + Σ_n ρ_in · C_r[j_h, n])
    prior(i) = demand(i) + Σ_p lift_p(i)       p a property of the viewer that counts (`Scorer.in_context`)
    a_h,r    = θ_b,r · events^p · (floor + (1 - floor) · 2^(-age / half-life))

A unit h is one product and one behaviour; r runs over the explicit terms, the low-pass and the latent
one, and p, floor and half-life are those of r and the behaviour; n runs over the known products that stand in for
one that nobody has met (`gnn.stand_ins`). There is no normalisation by user, so
each unit's share of a score does not depend on the others. What somebody says of themself is added like
further units (`gnn.interests`), through which nothing stands in for anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from math import hypot, isqrt
from typing import NamedTuple

import numpy as np

from gnn.context import ContextPrior
from gnn.data import Int64
from gnn.interests import NOTHING, Stated
from gnn.latent import Latent
from gnn.likeness import Likeness
from gnn.low_pass import LowPass
from gnn.paths import BoolArray, FloatArray, IntArray, PathTerm
from gnn.popularity import Pulse
from gnn.stand_ins import StandIns
from gnn.units import History
from schema.ontology import Ontology
from schema.pseudonym import pseudonym

# Where fewer than one product in so many may appear, only they are looked at.
_FEW = 16


class HistoryRow(NamedTuple):
    """All events of one behaviour with one product."""

    product: str
    behaviour: str
    events: int
    last: datetime


@dataclass(frozen=True)
class Scorer:
    """A model ready to answer. Immutable: what is new makes another Scorer (`gnn.overlay`).

    Shapes:
        prior: (N,) score of a product for somebody without history.
        trend: (N,) positive factor on everything personal: how much in demand a product is just now.
        alive: (N,) false for products that were deleted since the build.
        people: pseudonym of a user -> position, as in `PathTerm.owner`.
        contexts: property of people -> what is liked among those who share a value.
        pulse: prior and trend at later moments; None where there are no times.
        stand_ins: known products for those that nobody has met.
        likeness: which known products stand in for one that is new; None if none do.

    `default_weight` is the θ of a relation that the model has not been trained with: one link from
    one fresh event then counts as much as the personal part of scores varies.
    """

    model_version: str
    ontology: Ontology
    product_ids: tuple[str, ...]
    behaviours: tuple[str, ...]
    terms: tuple[PathTerm, ...]
    low_pass: LowPass | None
    latent: Latent | None
    prior: FloatArray
    trend: FloatArray
    alive: BoolArray
    people: dict[str, int]
    default_weight: float
    contexts: Mapping[str, ContextPrior] = field(default_factory=dict)
    pulse: Pulse | None = None
    stand_ins: StandIns = field(default_factory=StandIns.none)
    likeness: Likeness | None = None

    @cached_property
    def deviation(self) -> float:
        """How much the scores of products vary for people: by what anybody likes, and by what each of them does.

        A prior alone would not do: next to the personal part it can be as good as nothing.
        """
        return hypot(float(self.prior.std()), self.default_weight) or 1.0

    @cached_property
    def positions(self) -> dict[str, int]:
        """Product id -> position."""
        return {product: position for position, product in enumerate(self.product_ids)}

    @property
    def size(self) -> int:
        return len(self.product_ids)

    def position(self, product_id: str) -> int | None:
        """Where a product is in every array; None if the model does not know it or it was deleted."""
        position = self.positions.get(product_id)
        return position if position is not None and self.alive[position] else None

    def history(self, rows: Iterable[tuple[str, str, int, datetime]]) -> History:
        """Units by position; products and behaviours that the model does not know are left out."""
        codes = {name: code for code, name in enumerate(self.behaviours)}
        known = [
            (position, codes[behaviour], events, int(last.timestamp() * 1000))
            for product, behaviour, events, last in rows
            if behaviour in codes and (position := self.position(product)) is not None
        ]
        products, behaviours, events, last_ms = zip(*known, strict=True) if known else ((), (), (), ())
        return History(
            np.asarray(products, np.int32),
            np.asarray(behaviours, np.int32),
            np.asarray(events, np.float64),
            np.asarray(last_ms, np.int64),
        )

    @property
    def relations(self) -> tuple[PathTerm, ...]:
        """The terms that take no behaviour in the middle: what there is of a product that nobody has met."""
        return tuple(term for term in self.terms if term.term.kind not in ("self", "meeting", "next"))

    @cached_property
    def linked(self) -> tuple[PathTerm, ...]:
        """The terms that have any path: a relation of the ontology may have no data yet."""
        return tuple(term for term in self.terms if term.links.nnz or term.term.kind == "self")

    def feature_weights(self, position: int) -> dict[str, float]:
        """Modality -> gate of a product; those that it has not are absent, the others add up to one."""
        shares = {} if self.latent is None else self.latent.shares
        return {m: float(share[position]) for m, share in shares.items() if share[position]}

    def person(self, viewer: str | None) -> int | None:
        """Position of the viewer among the people in the middle of paths."""
        return None if viewer is None else self.people.get(pseudonym("user", viewer))

    def knows(self, name: str, value: str) -> bool:
        """Whether a property with this value says anything of products."""
        return name in self.contexts and value in self.contexts[name].values

    def lifts(self, context: Mapping[str, str], products: IntArray | None = None) -> dict[str, FloatArray]:
        """Property -> (P,) what the prior of somebody with some properties has more than anybody's.

        Args:
            context: property -> value; what the model does not know is left out.
            products: P positions; all, if not said.
        """
        return {
            name: prior.lift(prior.values.index(context[name]), products)
            for name, prior in self.contexts.items()
            if name in context and self.knows(name, context[name])
        }

    def in_context(self, context: Mapping[str, str]) -> "Scorer":
        """The model for somebody with some properties: their lifts are in its prior."""
        lifts = self.lifts(context)
        if not lifts:
            return self
        return self._with(self.prior + sum(lifts.values()), self.trend)

    def at(self, as_of_ms: int, products: Int64, time_ms: Int64) -> "Scorer":
        """The model with the prior and the trend of a later moment.

        Args:
            as_of_ms: the moment.
            products: (E,) positions of what anybody met since the model's own moment.
            time_ms: (E,) when, not after `as_of_ms`.
        """
        if self.pulse is None or as_of_ms <= self.pulse.as_of_ms:
            return self
        prior, trend = self.pulse.at(as_of_ms, products, time_ms)
        return self._with(
            self.pulse.lasting(self.prior, prior, products),
            np.exp(self.pulse.lasting(np.log(self.trend), trend, products)),
        )

    def _with(self, prior: FloatArray, trend: FloatArray) -> "Scorer":
        other = replace(self, prior=prior, trend=trend)
        other.__dict__["positions"] = self.positions  # the same, and long to make again
        return other

    def score(self, history: History, as_of: datetime, viewer: str | None = None, told: Stated = NOTHING) -> FloatArray:
        """(N,) scores of all products, deleted ones included.

        Args:
            history: what the viewer did until `as_of`.
            as_of: the moment of the answer, by the shop's clock.
            viewer: id of the user, whose own paths (through themself, their baskets) do not count.
            told: what they say of themself.
        """
        if not len(history) and not len(told):
            return self.prior.copy()
        personal = np.zeros(self.size)
        if len(history):
            personal += self.personal(history, int(as_of.timestamp() * 1000), self.person(viewer))
        if len(told):
            personal += told.lifts(self)
        return np.asarray(self.prior + self.trend * personal)

    def personal(self, history: History, as_of_ms: int, person: int | None) -> FloatArray:
        """(N,) what the units give to every product, before the trend.

        Args:
            history: what the viewer did.
            as_of_ms: the moment of the answer.
            person: position of the viewer, whose own paths do not count.
        """
        personal = np.zeros(self.size)
        for term in self.linked:
            carried = term.units.amounts(history, as_of_ms) * term.weights[history.behaviours]
            if carried.any():
                personal += term.scores(history.products, carried, term.owned_by(person))
        for dense in (self.low_pass, self.latent):
            if dense is not None:
                carried = dense.units.amounts(history, as_of_ms) * dense.weights[history.behaviours]
                personal += dense.scores(history.products, carried)
        self.stand_ins.add_to(personal)
        return personal


def top(scores: FloatArray, k: int, allowed: BoolArray | None = None) -> IntArray:
    """Positions of the k best products, best first; ties go to the lower position.

    Args:
        scores: (N,)
        k: how many; fewer come back when fewer are allowed.
        allowed: (N,) products that may appear.
    """
    if allowed is not None and np.count_nonzero(allowed) * _FEW < len(allowed):
        few = np.flatnonzero(allowed)
        return np.asarray(few[top(scores[few], k)])
    values = scores if allowed is None else np.where(allowed, scores, -np.inf)
    floor = _reached_by(values, k)
    candidates = np.flatnonzero(values > floor)
    if len(candidates) < k:
        tied = values == floor if allowed is None else (values == floor) & allowed
        candidates = np.concatenate([candidates, np.flatnonzero(tied)[: k - len(candidates)]])
    elif k < len(candidates):
        # All that tie with the k-th stay in, so that the order below decides and not the partition.
        among = values[candidates]
        candidates = candidates[among >= np.partition(among, len(among) - k)[len(among) - k]]
    return candidates[np.lexsort((candidates, -scores[candidates]))][:k]


def _reached_by(values: FloatArray, k: int) -> float:
    """A number that at least k of the values reach, from the maxima of blocks: quicker than to partition all."""
    width = max(1, isqrt(len(values) // max(k, 1)))
    blocks = len(values) // width
    if blocks <= k or k < 1:
        return -np.inf
    best = values[: blocks * width].reshape(blocks, width).max(axis=1)
    return float(np.partition(best, blocks - k)[blocks - k])


def bought(history: History, behaviours: Sequence[str], target: str, size: int) -> BoolArray:
    """(N,) products with the target behaviour in the history."""
    mask = np.zeros(size, dtype=bool)
    mask[history.products[history.behaviours == list(behaviours).index(target)]] = True
    return mask

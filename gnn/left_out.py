"""κ and λ of likeness (`gnn.likeness`), as known products show them that are left out and stood in for.

A left-out product is to everybody what a new one is: whoever met it is asked without it in their history, and its prior
and trend are its category's. κ is what predicts its scores best. λ gives the left-out as many places among the best of
what people have not met as so many known products have on average: with less, new products stay unseen; with more, they
crowd out what is known.

Shapes: R histories, P people, C known products, L of them left out, F products that nobody had met.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gnn.fold_in import if_unmet, with_category_mean
from gnn.likeness import Likeness
from gnn.paths import BoolArray, FloatArray, IntArray
from gnn.scoring import Scorer
from gnn.stand_ins import StandIns
from gnn.units import History

_LEFT_OUT = 200
_GRAPH = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0, 2.0)
"""κ that are tried."""
_BEST, _LIST, _MOST = 0.005, 20, 0.1
"""Which share of the known products are the best for somebody: at least a list, but of few products a tenth."""


@dataclass(frozen=True)
class People:
    """Some people, and what their histories give as long as nobody stands in for anybody.

    Attributes:
        asked: history, moment in ms and position of each.

    Shapes:
        unmet: (F,) positions of products that nobody had met.
        of_known: (P, C) the personal part of their scores for the known products.
        of_unmet: (P, F) the same for what nobody had met.
    """

    asked: Sequence[tuple[History, int, int]]
    unmet: IntArray
    of_known: FloatArray
    of_unmet: FloatArray

    @classmethod
    def of(
        cls, scorer: Scorer, known: IntArray, unmet: IntArray, asked: Sequence[tuple[History, int, int]]
    ) -> "People":
        """Asks the model, in which nobody stands in yet; (C,) `known` and (F,) `unmet` are positions."""
        of_known, of_unmet = np.empty((len(asked), len(known))), np.empty((len(asked), len(unmet)))
        for row, one in enumerate(asked):
            personal = scorer.personal(*one)
            of_known[row], of_unmet[row] = personal[known], personal[unmet]
        return cls(asked, unmet, of_known, of_unmet)


@dataclass(frozen=True)
class _Answer:
    """What a history gives.

    Shapes:
        scores: (C,) its personal part for the known products.
        own: (L,) the same for the left-out if nobody had met them.
        bar: the score, prior included, from which a product is among the best.
        asked: (L,) the left-out that are asked for.
    """

    scores: npt.NDArray[np.float32]
    own: FloatArray
    bar: float
    asked: BoolArray


def fitted(bare: Likeness, scorer: Scorer, people: People, generator: np.random.Generator) -> Likeness:
    """The likeness with κ and λ.

    Args:
        bare: the likeness before.
        scorer: the model, in which nobody stands in yet.
        people: of the same known products.
        generator: draws the products that are left out.
    """
    candidates = bare.known
    if len(candidates) < 2 or not people.asked:
        return bare
    at = np.sort(generator.choice(len(candidates), min(len(candidates), _LEFT_OUT), replace=False))
    new = _LeftOut.of(scorer, candidates, at)
    told = zip(people.asked, people.of_known, strict=True)
    answers = [answer for one, personal in told for answer in new.answers(*one, personal)]
    scores, asked = np.stack([a.scores for a in answers]), np.stack([a.asked for a in answers])
    lacking = np.stack([a.bar - new.prior - new.trend * a.own for a in answers])[asked]
    places = round(len(people.asked) * _length(len(candidates)) * len(at) / len(candidates))
    real = _centred(scores[:, at])[asked]

    vectors = {m: v[candidates].astype(np.float32) for m, v in bare.vectors.items()}
    alike = [bare.alike(scorer, int(position), candidates, vectors) for position in candidates[at]]
    best, found = -np.inf, bare
    for graph in _GRAPH if bare.vectors else _GRAPH[-1:]:
        trial = replace(bare, graph=graph)
        chosen = [trial.chosen(one, candidates, int(p)) for one, p in zip(alike, candidates[at], strict=True)]
        given = np.stack([scores[:, np.searchsorted(candidates, k)] @ p.sum(axis=0) for k, p in chosen], axis=1)
        centred = _centred(given)[asked]
        agreement = float((real * centred).mean()) / max(float(centred.std()), 1e-12)
        if agreement > best:
            scale = _scale(lacking, (new.trend * given)[asked], places)
            best, found = agreement, replace(trial, scale=scale if agreement > 0 else 0.0)
    return found


@dataclass(frozen=True)
class _LeftOut:
    """Known products that are left out of a model.

    Shapes:
        candidates: (C,) positions of the known products.
        at: (L,) which of them are left out.
        relations: the model of what nobody has to meet a product for.
        vectors: (L, d) of the left-out as new ones; no width without a latent term.
        prior, trend: (L,) as new ones.
    """

    scorer: Scorer
    candidates: IntArray
    at: IntArray
    relations: Scorer
    vectors: FloatArray
    prior: FloatArray
    trend: FloatArray

    @classmethod
    def of(cls, scorer: Scorer, candidates: IntArray, at: IntArray) -> "_LeftOut":
        positions, latent = candidates[at].tolist(), scorer.latent
        relations = replace(scorer, terms=scorer.relations, low_pass=None, latent=None, stand_ins=StandIns.none())
        vectors = np.zeros((len(at), 0)) if latent is None else if_unmet(scorer, latent, positions)
        prior, trend = (with_category_mean(scorer, v, positions)[positions] for v in (scorer.prior, scorer.trend))
        return cls(scorer, candidates, at, relations, vectors, prior, trend)

    def answers(self, history: History, as_of_ms: int, person: int, scores: FloatArray) -> Iterator[_Answer]:
        """What somebody's history gives, and what it gives without each of the left-out that they have met.

        Args:
            history, as_of_ms, person: as of `People.asked`.
            scores: (C,) what it gives the known products.
        """
        own = self._own(history, as_of_ms, person)
        met, out = np.isin(self.candidates, history.products), np.arange(len(self.at))
        yield self._answer(scores, own, met, ~met[self.at])
        for place in np.flatnonzero(met[self.at]):
            taken = history.take(history.products == self.candidates[self.at[place]])
            less = self.scorer.personal(taken, as_of_ms, person)[self.candidates]
            without = met.copy()
            without[self.at[place]] = False
            yield self._answer(scores - less, own - self._own(taken, as_of_ms, person), without, out == place)

    def _own(self, history: History, as_of_ms: int, person: int) -> FloatArray:
        """(L,) what a history gives the left-out as new ones."""
        own, latent = self.relations.personal(history, as_of_ms, person)[self.candidates[self.at]], self.scorer.latent
        if latent is not None:
            amounts = latent.units.amounts(history, as_of_ms) * latent.weights[history.behaviours]
            amounts = amounts * latent.start_factor[history.products]
            own = own + self.vectors @ (amounts @ latent.vectors[history.products].astype(np.float64))
        return own

    def _answer(self, scores: FloatArray, own: FloatArray, met: BoolArray, asked: BoolArray) -> _Answer:
        bar = _bar(self.scorer, self.candidates, scores, met)
        return _Answer(scores.astype(np.float32), own, bar, asked)


def for_unmet(likeness: Likeness, scorer: Scorer, people: People, share: float) -> StandIns:
    """The stand-ins of products that nobody had met by the build, with no more of λ than gives them a share of places.

    They are not like the left-out: a shop that sells for a while has products that nobody wants.

    Args:
        likeness: fitted.
        scorer: the model, in which nobody stands in yet.
        people: as of `fitted`.
        share: of the places among the best.
    """
    unmet = people.unmet
    found = likeness.stand_ins(scorer, unmet)
    if not len(found) or not people.asked or likeness.scale <= 0.0:
        return found
    among = np.searchsorted(likeness.known, found.known)
    lacking, given = [], []
    for (history, *_), known, own in zip(people.asked, people.of_known, people.of_unmet, strict=True):
        bar = _bar(scorer, likeness.known, known, np.isin(likeness.known, history.products))
        lacking.append(bar - (scorer.prior[unmet] + scorer.trend[unmet] * own))
        given.append(scorer.trend[unmet] * (known[among] * found.total).sum(axis=1) / likeness.scale)
    places = round(len(people.asked) * _length(len(likeness.known)) * share)
    scale = min(likeness.scale, _scale(np.concatenate(lacking), np.concatenate(given), places))
    return replace(found, weights={m: w * (scale / likeness.scale) for m, w in found.weights.items()})


def _length(known: int) -> int:
    """How many are the best."""
    return max(int(_BEST * known), min(_LIST, int(_MOST * known)), 1)


def _bar(scorer: Scorer, known: IntArray, personal: FloatArray, met: BoolArray) -> float:
    """The score, prior included, from which a known product is among the best of what somebody has not met.

    Args:
        scorer: the model.
        known: (C,) positions.
        personal: (C,) the personal part of their scores.
        met: (C,) which of them the history has.
    """
    scores = np.where(met, -np.inf, scorer.prior[known] + scorer.trend[known] * personal)
    length = _length(len(known))
    return float(np.partition(scores, -length)[-length])


def _scale(lacking: FloatArray, given: FloatArray, places: int) -> float:
    """λ ≥ 0 with which so many get what they lack from what they are given, or as many as can."""
    never = np.where(lacking <= 0.0, 0.0, np.inf)
    reached = np.sort(np.divide(lacking, given, out=never, where=(lacking > 0.0) & (given > 0.0)))
    most = min(places, int(np.isfinite(reached).sum()))
    return float(reached[most - 1]) if most else 0.0


def _centred(scores: npt.NDArray[np.floating]) -> FloatArray:
    """Scores less the mean of each history: what all products have in common ranks none of them."""
    return np.asarray(scores - scores.mean(axis=1, keepdims=True), np.float64)

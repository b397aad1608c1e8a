"""From a shop and fitted numbers to a model that scores: the last step of every training.

Fitting and building are apart because they look at different data: numbers are fitted on questions whose
answers are held out of the shop, then applied to everything. Each term is divided by the deviation of its
own scores, so that a weight means the same before and after the data has grown.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from gnn.batch import ModelRanker
from gnn.context import Contexts, contexts, weighted
from gnn.data import Shop
from gnn.fit import Fit, Goal, fit
from gnn.fusion import Fusion
from gnn.histories import Histories, histories
from gnn.incidence import Incidence, incidences, people
from gnn.latent import Latent
from gnn.learn import learn
from gnn.left_out import People, for_unmet
from gnn.left_out import fitted as fitted_likeness
from gnn.likeness import nothing_tells, unfitted
from gnn.low_pass import LowPass
from gnn.model import LinearPropagation
from gnn.paths import MIDDLE_POWERS, FloatArray, IntArray, PathTerm, power
from gnn.popularity import Moment, Pulse, demand, for_horizons, share_of_unmet, shrunk_to_category
from gnn.questions import batches
from gnn.scoring import Scorer
from gnn.tasks import Ranker, Split
from gnn.terms import END, LATENT, LOW_PASS, START, Basis, basis, fit_terms, met, neutral_units
from gnn.units import UnitWeights
from schema.progress import Report, silent

SAMPLE = 200
# Of these, people by whom it is told what stand-ins are worth.
TELLING = 128
# The second fit sees what the first one wrongly puts in front.
ROUNDS = 2
# A property of people with a smaller weight is absent: what their histories show says it already.
SMALLEST_LIFT = 0.01
# Share of the measure that a term without paths must add to be kept: being read is worth a hundredth of it.
EARNED = 0.01


@dataclass(frozen=True)
class Numbers:
    """Fitted numbers of one term of deviation one.

    Shapes:
        weights: (B,) θ.
        exponents: of the degrees at the start and at the end.
        variants: shares of the middle's powers, or the response of the low-pass filter.
    """

    weights: FloatArray
    exponents: tuple[float, float]
    variants: tuple[float, ...]
    units: UnitWeights


@dataclass(frozen=True)
class Fitted:
    """Numbers of the score; they can be applied to another moment's data.

    Attributes:
        terms: explicit term, `LOW_PASS` or `LATENT` -> its numbers.
        prior, trend: weights of the horizons of `gnn.popularity`.
        context: property of people -> weight of its lifts; those that count.
        length_power: t of |H|^-t, by which scores of different people compare.
        measure: what the numbers reach on the questions they were fitted on.
        without: term or property -> the same without it.
    """

    terms: dict[str, Numbers]
    prior: FloatArray
    trend: FloatArray
    context: dict[str, float]
    length_power: float
    measure: float
    without: dict[str, float]


@dataclass(frozen=True)
class Learned:
    """What was learned from a shop before any weight: its incidence, smooth part and graph network."""

    shop: Shop
    found: list[Incidence]
    smooth: Basis | None
    model: LinearPropagation

    @cached_property
    def past(self) -> Histories:
        """What everybody did."""
        return histories(self.shop)

    @cached_property
    def met(self) -> FloatArray:
        """(N,) users who did anything with a product."""
        return met(self.shop)

    @cached_property
    def contexts(self) -> Contexts:
        """What the properties of its people say, not weighted yet."""
        return contexts(self.shop)

    def vectors(self) -> npt.NDArray[np.float32]:
        """(N, d) z."""
        with torch.no_grad():
            return np.asarray(self.model().cpu().numpy(), np.float32)

    def free(self) -> npt.NDArray[np.float32]:
        """(N, d) E."""
        return np.asarray(self.model.free.detach().cpu().numpy(), np.float32)


def learned(
    shop: Shop,
    *,
    seed: int,
    device: str,
    earlier: npt.NDArray[np.float32] | None = None,
    seconds: float = math.inf,
    report: Report = silent,
    stage: str = "learning",
) -> Learned:
    """Learns everything but the weights; arguments as of `gnn.learn.learn`."""
    found = incidences(shop)
    model = learn(shop, found, seed=seed, device=device, earlier=earlier, seconds=seconds, report=report, stage=stage)
    return Learned(shop, found, basis(shop, seed), model)


def fit_split(
    split: Split,
    before: Learned,
    *,
    goal: Goal,
    seed: int,
    seconds: float = math.inf,
    report: Report = silent,
) -> Fitted:
    """Fits all weights on what is asked of a split.

    Args:
        split: the questions to be good at.
        before: learned from what the split lets see.
        goal: what the questions ask for.
        seed: same seed, same machine, same result.
        seconds: the longest that it may take: half of it to prepare questions, of which there are fewer where it is
            short, and half for its steps.
        report: told how far it is.

    Returns:
        Fitted numbers; where nothing is asked that could be answered, those that fitting starts from.
    """
    shop = split.seen
    vectors = before.vectors()
    terms = fit_terms(shop, before.found, before.smooth, vectors)
    names, known = [term.name for term in terms], demand(shop)
    fitted = _unfitted(before, names)
    rounds = 1 if split.questions.candidates is not None else ROUNDS
    each = seconds / rounds / 2
    model: Ranker | None = None
    for turn in range(rounds):
        questions = batches(split, terms, known, before.contexts, np.random.default_rng(seed), model, each)
        if not questions:
            break
        stage = "fitting the weights" if turn == 0 else "fitting the weights again"
        numbers = fit(
            questions,
            terms,
            len(shop.behaviours),
            contexts=tuple(before.contexts.priors),
            goal=goal,
            timed=shop.has_times,
            seed=seed,
            seconds=each,
            stage=stage,
            report=report,
        )
        fitted = _normalised(before, names, numbers, seed)
        if turn + 1 < rounds:
            # Fitting knows no stand-ins, so that what they put in front would be beaten without learning from it.
            scorer = _bare(before, fitted, seed=seed, version="fit")
            model = ModelRanker.over(scorer, shop, moment_of(shop, fitted))
            smooth = before.smooth if _earns_its_place(numbers) else None
            # Shares are known now: with one variant a term leaves room for more people.
            shares = {name: numbers.variants for name, numbers in fitted.terms.items() if name != LATENT}
            terms = fit_terms(shop, before.found, smooth, vectors, shares)
            names = [term.name for term in terms]
    return fitted


def _earns_its_place(numbers: Fit) -> bool:
    """Whether the low-pass term adds enough to make up for having no path to show."""
    return numbers.measure - numbers.without.get(LOW_PASS, numbers.measure) >= EARNED * numbers.measure


def build(everything: Learned, fitted: Fitted, *, seed: int, version: str) -> Scorer:
    """A model of everything that a shop shows, with numbers fitted before."""
    return _with_stand_ins(everything, _bare(everything, fitted, seed=seed, version=version), seed)


def _bare(everything: Learned, fitted: Fitted, *, seed: int, version: str) -> Scorer:
    """The model without stand-ins and without a weight for relations that are new."""
    shop = everything.shop
    parts = _Parts(everything, fitted, _sample(shop, seed))
    terms = tuple(parts.sized_path(incidence) for incidence in everything.found)
    moment = moment_of(shop, fitted)
    prior, trend = _at_the_end(moment, shop)
    return Scorer(
        model_version=version,
        ontology=shop.ontology,
        product_ids=shop.ids["Product"],
        behaviours=shop.behaviours,
        terms=terms,
        low_pass=parts.sized_low_pass(),
        latent=parts.sized_latent(),
        prior=prior,
        trend=trend,
        alive=np.ones(shop.products, bool),
        people=people(shop),
        default_weight=0.0,
        contexts=weighted(everything.contexts, fitted.context),
        pulse=Pulse.of(moment) if shop.has_times else None,
    )


@dataclass(frozen=True)
class _Parts:
    """Makes the terms of a scorer, each divided by the deviation of its scores."""

    learned: Learned
    fitted: Fitted
    sample: IntArray

    def sized_path(self, incidence: Incidence) -> PathTerm:
        # A term that had no data when the numbers were fitted counts nothing until it is fitted.
        numbers = self.fitted.terms.get(incidence.term.name) or _nothing(len(self.learned.shop.behaviours))
        term = incidence.with_weights(numbers.weights, numbers.units, numbers.exponents, numbers.variants)
        return replace(term, scale=self._size(term.units, lambda s, a, u: term.scores(s, a, term.owned_by(u))))

    def sized_low_pass(self) -> LowPass | None:
        smooth, numbers = self.learned.smooth, self.fitted.terms.get(LOW_PASS)
        if smooth is None or numbers is None:
            return None
        degree = self.learned.met
        term = LowPass(
            basis=smooth.vectors,
            values=smooth.values,
            response=np.asarray(numbers.variants),
            start_factor=power(degree, numbers.exponents[0]),
            end_factor=power(degree, numbers.exponents[1]),
            weights=numbers.weights,
            units=numbers.units,
        )
        size = self._size(term.units, lambda starts, amounts, user: term.scores(starts, amounts))
        return replace(term, start_factor=term.start_factor / size)

    def sized_latent(self) -> Latent:
        numbers, model = self.fitted.terms[LATENT], self.learned.model
        with torch.no_grad():
            fusion = Fusion(
                {name: model.projections[name].cpu().numpy() for name in model.modalities},
                {name: model.openings[name].cpu().numpy() for name in model.modalities},
            )
            shares = {name: share.cpu().numpy() for name, share in model.shares().items()}
            gates = dict(zip(model.relations, model.gates().double().tolist(), strict=True))
            hops = model.layer_weights().double().cpu().numpy()
        term = Latent(
            layers=model.parts(),
            fusion=fusion,
            shares=shares,
            hops=hops,
            gates=gates,
            start_factor=power(self.learned.met, numbers.exponents[0]),
            weights=numbers.weights,
            units=numbers.units,
        )
        size = self._size(term.units, lambda starts, amounts, user: term.scores(starts, amounts))
        return replace(term, start_factor=term.start_factor / size)

    def sizes(self) -> dict[str, float]:
        """Deviation of every term's scores, before it is divided by it."""
        sizes = {i.term.name: self.sized_path(i).scale for i in self.learned.found}
        bare = power(self.learned.met, self.fitted.terms[LATENT].exponents[0])
        sizes[LATENT] = _ratio(bare, self.sized_latent().start_factor)
        low_pass = self.sized_low_pass()
        if low_pass is not None:
            bare = power(self.learned.met, self.fitted.terms[LOW_PASS].exponents[0])
            sizes[LOW_PASS] = _ratio(bare, low_pass.start_factor)
        return sizes

    def _size(self, units: UnitWeights, scores: Callable[[IntArray, FloatArray, int], FloatArray]) -> float:
        def rows() -> Iterator[FloatArray]:
            for user in self.sample:
                history = self.learned.past.of(int(user))
                yield scores(history.products, units.amounts(history, self.learned.shop.as_of_ms), int(user))

        deviation = _deviation(rows())
        # Less than that is rounding, of a term that links nothing in the sample.
        return deviation if deviation > 1e-9 else 1.0


def _unfitted(before: Learned, names: Sequence[str]) -> Fitted:
    """Every term alike: for a shop in which nobody bought anything new lately."""
    behaviours = len(before.shop.behaviours)
    horizons = len(demand(before.shop).horizons)
    terms = {
        name: Numbers(
            np.full(behaviours, 0.0 if name == LOW_PASS else 0.3),
            (START, 0.0 if name == LATENT else END),
            (1.0,) if name == LATENT else (0.0, 1.0, 0.0),
            neutral_units(behaviours),
        )
        for name in names
    }
    return Fitted(terms, np.full(horizons, 1.0 / horizons), np.zeros(horizons), {}, 0.0, 0.0, {})


def _ratio(one: FloatArray, other: FloatArray) -> float:
    return float(one[0] / other[0])


def _nothing(behaviours: int) -> Numbers:
    shares = (1.0, *(0.0 for _ in MIDDLE_POWERS[1:]))
    return Numbers(np.zeros(behaviours), (START, END), shares, neutral_units(behaviours))


def _normalised(before: Learned, names: Sequence[str], numbers: Fit, seed: int) -> Fitted:
    """Weights for terms of deviation one from weights for terms as they were fitted."""
    ones = np.ones(len(before.shop.behaviours))
    terms = {}
    for row, name in enumerate(names):
        exponents = (float(numbers.start[row]), float(numbers.end[row]))
        terms[name] = Numbers(ones, exponents, numbers.variants[row], numbers.units[row])
    unit = Fitted(
        terms,
        numbers.prior,
        numbers.trend,
        {name: weight for name, weight in numbers.context.items() if weight > SMALLEST_LIFT},
        numbers.length_power,
        numbers.measure,
        numbers.without,
    )
    sizes = _Parts(before, unit, _sample(before.shop, seed)).sizes()
    weighted = {}
    for row, name in enumerate(names):
        factor = numbers.variants[row][0] if name == LATENT else 1.0
        weighted[name] = replace(terms[name], weights=numbers.theta[row] * factor * sizes[name])
    return replace(unit, terms=weighted)


def moment_of(shop: Shop, fitted: Fitted) -> Moment:
    """A shop's demand with fitted weights."""
    known = demand(shop)
    count = len(known.horizons)
    return Moment(known, for_horizons(fitted.prior, count), for_horizons(fitted.trend, count))


def with_demand(scorer: Scorer, moment: Moment, shop: Shop) -> Scorer:
    """The model with the prior and the trend that a moment's demand shows at its end; (N,) each."""
    prior, trend = _at_the_end(moment, shop)
    return replace(scorer, prior=prior, trend=trend)


def _at_the_end(moment: Moment, shop: Shop) -> tuple[FloatArray, FloatArray]:
    """(N,) prior and trend at the end of a demand; of products that nobody met yet, their category's."""
    known = moment.demand.log()
    return shrunk_to_category(shop, moment.prior @ known), np.exp(shrunk_to_category(shop, moment.trend @ known))


def _with_stand_ins(everything: Learned, scorer: Scorer, seed: int) -> Scorer:
    """The model with the default weight, and with stand-ins for products that nobody met.

    Both are measured by the personal part of scores over some people and all products.
    """
    shop, generator = everything.shop, np.random.default_rng(seed)
    asked = [(everything.past.of(int(user)), shop.as_of_ms, int(user)) for user in _sample(shop, seed)]
    scorer = replace(scorer, default_weight=_deviation(scorer.personal(*one) for one in asked) or 1.0)
    if nothing_tells(scorer, shop.features):
        return scorer
    bare = unfitted(shop.features, everything.met, generator)
    people = People.of(scorer, bare.known, np.flatnonzero(everything.met == 0), asked[:TELLING])
    likeness = fitted_likeness(bare, scorer, people, generator)
    stand_ins = for_unmet(likeness, scorer, people, share_of_unmet(shop))
    return replace(scorer, likeness=likeness, stand_ins=stand_ins)


def _deviation(rows: Iterable[FloatArray]) -> float:
    """Over all numbers of all rows, one row at a time (Chan, Golub and LeVeque 1983)."""
    count, mean, squares = 0, 0.0, 0.0
    for row in rows:
        shift = float(row.mean()) - mean
        squares += float(row.var()) * len(row) + shift * shift * count * len(row) / (count + len(row))
        count, mean = count + len(row), mean + shift * len(row) / (count + len(row))
    return math.sqrt(squares / count) if count else 0.0


def _sample(shop: Shop, seed: int) -> IntArray:
    """Some users with history."""
    known = np.unique(shop.events.user[shop.events.user >= 0])
    return np.random.default_rng(seed).permutation(known)[:SAMPLE]

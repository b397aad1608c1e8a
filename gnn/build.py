"""From a shop and fitted numbers to a model that scores: the last step of every training.

Fitting and building are apart because they look at different data: numbers are fitted on a part of
the shop whose future is known, then applied to everything. Each term is divided by the deviation of
its own scores, so that a weight means the same before and after the data has grown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from gnn.data import Shop
from gnn.fit import Fit, fit
from gnn.histories import Histories, histories
from gnn.incidence import Incidence, incidences, people
from gnn.latent import Latent
from gnn.learn import learn
from gnn.model import LinearPropagation
from gnn.paths import FloatArray, IntArray, PathTerm
from gnn.popularity import log_popularity, shrunk_to_category
from gnn.questions import Between, batches
from gnn.scoring import Scorer, UnitWeights
from gnn.splits import Split
from schema.progress import Report, silent

MIDDLE_EXPONENT = 0.7
SAMPLE = 200
LATENT = "LATENT"


@dataclass(frozen=True)
class Fitted:
    """Numbers of the score for terms of deviation one; they can be applied to another moment's data.

    Shapes:
        weights: term (or `LATENT`) -> (B,) θ.
        exponents: term -> start, middle and end.
        prior, trend: weights of the horizons of `gnn.popularity`.
    """

    weights: dict[str, FloatArray]
    exponents: dict[str, tuple[float, float, float]]
    units: UnitWeights
    prior: FloatArray
    trend: FloatArray


def fit_split(split: Split, *, seed: int, device: str, report: Report = silent) -> Fitted:
    """Learns vectors from what a split lets see, then the weights from what came after.

    Args:
        split: the question to be good at.
        seed: same seed, same machine, same result.
        device: where the vectors are learned.
    """
    found = incidences(split.seen)
    model = learn(split.seen, found, seed=seed, device=device, report=report, stage="learning from the past")
    with torch.no_grad():
        vectors = model().cpu().numpy()
    questions = batches(split, [*_path_values(found), _latent_values(vectors)], np.random.default_rng(seed))
    log_out, log_in = _log_degrees(split.seen, found)
    known = torch.from_numpy(log_popularity(split.seen).astype(np.float32))
    numbers = fit(questions, log_out, log_in, known, len(split.seen.behaviours), seed=seed, report=report)
    return _normalised(split.seen, found, model, numbers, seed)


def build(shop: Shop, fitted: Fitted, *, seed: int, device: str, version: str, report: Report = silent) -> Scorer:
    """A model of everything that a shop shows, with numbers fitted before."""
    found = incidences(shop)
    model = learn(shop, found, seed=seed, device=device, report=report, stage="learning from everything")
    past, sample = histories(shop), _sample(shop, seed)
    terms = tuple(
        _sized(term, shop, past, fitted.units, sample) for term in (_path_term(i, fitted, shop) for i in found)
    )
    latent = _sized_latent(_latent(model, past, fitted), shop, past, fitted.units, sample)
    known = log_popularity(shop)
    scorer = Scorer(
        model_version=version,
        ontology=shop.ontology,
        product_ids=shop.ids["Product"],
        behaviours=shop.behaviours,
        units=fitted.units,
        terms=terms,
        latent=latent,
        prior=shrunk_to_category(shop, fitted.prior @ known),
        trend=np.exp(shrunk_to_category(shop, fitted.trend @ known)),
        alive=np.ones(shop.products, bool),
        people=people(shop),
        default_weight=0.0,
    )
    return replace(scorer, default_weight=_spread(scorer, past, shop, sample))


def _path_term(incidence: Incidence, fitted: Fitted, shop: Shop) -> PathTerm:
    # A term that had no data when the numbers were fitted counts nothing until it is fitted.
    name = incidence.term.name
    nothing = np.zeros(len(shop.behaviours))
    exponents = fitted.exponents.get(name, (0.5, MIDDLE_EXPONENT, 0.5))
    return incidence.with_weights(fitted.weights.get(name, nothing), exponents, 1.0)


def _latent(model: LinearPropagation, past: Histories, fitted: Fitted) -> Latent:
    with torch.no_grad():
        projections = {name: model.projections[name].cpu().numpy() for name in model.modalities}
        gates = dict(zip(model.relations, model.gates().double().tolist(), strict=True))
        hops = model.layer_weights().double().cpu().numpy()
    return Latent(
        layers=model.parts(),
        projections=projections,
        hops=hops,
        gates=gates,
        start_factor=np.maximum(_met(past, len(model.free)), 1.0) ** -fitted.exponents[LATENT][0],
        weights=fitted.weights[LATENT],
    )


def _normalised(shop: Shop, found: Sequence[Incidence], model: LinearPropagation, numbers: Fit, seed: int) -> Fitted:
    """Weights for terms of deviation one from weights for terms as they were fitted."""
    names = [incidence.term.name for incidence in found] + [LATENT]
    exponents = {
        name: (float(a), MIDDLE_EXPONENT, float(c))
        for name, a, c in zip(names, numbers.start, numbers.end, strict=True)
    }
    ones = {name: np.ones(len(shop.behaviours)) for name in names}
    unit = Fitted(ones, exponents, numbers.units, numbers.prior, numbers.trend)
    past, sample = histories(shop), _sample(shop, seed)
    sizes = [_sized(_path_term(i, unit, shop), shop, past, numbers.units, sample).scale for i in found]
    latent = _latent(model, past, unit)
    sizes.append(_deviation(_latent_scores(latent, shop, past, numbers.units, sample)))
    weights = {name: theta * size for name, theta, size in zip(names, numbers.theta, sizes, strict=True)}
    return replace(unit, weights=weights)


def _sized(term: PathTerm, shop: Shop, past: Histories, units: UnitWeights, sample: IntArray) -> PathTerm:
    """The term with the scale at which its scores deviate by one."""
    scores = []
    for user in sample:
        history = past.of(int(user))
        own = term.owned_by(int(user))
        scores.append(term.scores(history.products, units.amounts(history, shop.as_of_ms), own))
    return replace(term, scale=_deviation(scores))


def _sized_latent(latent: Latent, shop: Shop, past: Histories, units: UnitWeights, sample: IntArray) -> Latent:
    size = _deviation(_latent_scores(latent, shop, past, units, sample))
    return replace(latent, start_factor=latent.start_factor / size)


def _latent_scores(
    latent: Latent, shop: Shop, past: Histories, units: UnitWeights, sample: IntArray
) -> list[FloatArray]:
    found = (past.of(int(user)) for user in sample)
    return [latent.scores(h.products, units.amounts(h, shop.as_of_ms)) for h in found]


def _deviation(scores: Sequence[FloatArray]) -> float:
    deviation = float(np.std(np.stack(scores))) if scores else 0.0
    # Less than that is rounding, of a term that links nothing in the sample.
    return deviation if deviation > 1e-9 else 1.0


def _spread(scorer: Scorer, past: Histories, shop: Shop, sample: IntArray) -> float:
    """Deviation of the personal part of scores over users and products."""
    personal = [scorer.personal(past.of(int(user)), shop.as_of_ms, int(user)) for user in sample]
    return float(np.std(np.stack(personal))) or 1.0


def _sample(shop: Shop, seed: int) -> IntArray:
    """Some users with history."""
    known = np.unique(shop.events.user[shop.events.user >= 0])
    return np.random.default_rng(seed).permutation(known)[:SAMPLE]


def _met(past: Histories, products: int) -> FloatArray:
    """(N,) users who did anything with a product."""
    return np.bincount(past.products, minlength=products).astype(np.float64)


def _log_degrees(shop: Shop, found: Sequence[Incidence]) -> tuple[torch.Tensor, torch.Tensor]:
    """(R, N) log degrees of products as start and as end; the latent term has none at the end."""

    def log(degrees: Sequence[FloatArray]) -> torch.Tensor:
        return torch.from_numpy(np.log(np.maximum(np.stack(degrees), 1.0)).astype(np.float32))

    met = _met(histories(shop), shop.products)
    return log([*(i.out_degree for i in found), met]), log([*(i.degree for i in found), np.ones(shop.products)])


def _path_values(found: Sequence[Incidence]) -> list[Between]:
    """C of every term without degrees at the ends."""
    bare = [i.with_weights(np.ones(1), (0.0, MIDDLE_EXPONENT, 0.0), 1.0) for i in found]
    return [_between(term) for term in bare]


def _between(term: PathTerm) -> Between:
    def values(starts: IntArray, ends: IntArray, person: int) -> FloatArray:
        return term.between(starts, ends, term.owned_by(person))

    return values


def _latent_values(vectors: npt.NDArray[np.float32]) -> Between:
    def values(starts: IntArray, ends: IntArray, person: int) -> FloatArray:
        products = vectors[starts] @ vectors[ends].T
        return np.asarray(products * np.not_equal.outer(starts, ends), np.float64)

    return values

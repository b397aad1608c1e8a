"""How much of what a model recommends can be read, and what the parts that cannot are worth.

The readable share of a list is the part of the mass of its absolute contributions that has a path
(`gnn.explain`). The learned vectors and the low-pass filter have none. Scaled down they leave a model that can
be read better, and that finds less or does not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from gnn.batch import ModelRanker
from gnn.data import Shop
from gnn.explain import explain
from gnn.measure import measure
from gnn.ranking import history_products, rank
from gnn.scoring import Scorer
from gnn.tasks import Questions, Split
from schema.progress import Report, silent

SAMPLE = 200
FIRST = 20
FACTORS = (1.0, 0.75, 0.5, 0.25, 0.0)


@dataclass(frozen=True)
class Point:
    """A model whose terms without paths count `factor` times as much as they were fitted to."""

    factor: float
    metrics: Mapping[str, float]
    readable_share: float | None


def readable_share(ranker: ModelRanker, shop: Shop, questions: Questions, seed: int) -> float | None:
    """Mean over questions of the readable share of the first products, by the contributions of `gnn.explain`.

    Contributions carry the trend of the end of the model's data, also where a question is asked at another moment.

    Args:
        ranker: the model.
        shop: what it may know; as in `gnn.measure.measure`.
        questions: of which at most `SAMPLE` are looked at, `FIRST` products each.
        seed: draws them.

    Returns:
        None if no list has contributions: nobody who asks has a history.
    """
    asked = questions.take(np.random.default_rng(seed).permutation(len(questions))[:SAMPLE])
    shares = list(_shares(ranker, shop, asked))
    return float(np.mean(shares)) if shares else None


def _shares(ranker: ModelRanker, shop: Shop, questions: Questions) -> Iterator[float]:
    """Of the questions with a list that owes anything to a history."""
    ranked = rank(ranker, questions, history_products(shop), FIRST)
    for user, as_of_ms, products in zip(questions.user, questions.as_of_ms, ranked, strict=True):
        as_of, viewer = datetime.fromtimestamp(as_of_ms / 1000, UTC), shop.ids["User"][user]
        shown = products[products >= 0]
        found = explain(ranker.scorer, ranker.past.of(int(user)), shown, as_of, viewer, first=0)
        # Weighed by mass: a product without any path would else count in full, however little it is scaled to.
        if mass := sum(explained.mass for explained in found):
            yield sum(explained.mass * explained.readable_share for explained in found) / mass


def readable_curve(
    ranker: ModelRanker,
    split: Split,
    metrics: Sequence[str],
    *,
    ties_against: bool,
    seed: int,
    report: Report = silent,
) -> tuple[Point, ...]:
    """What the model finds and what of it can be read, with its terms without paths at each of `FACTORS`.

    Args:
        ranker: the model.
        split: the questions, and what the model may know of their answers.
        metrics: what to measure.
        ties_against: as in `gnn.measure.measure`.
        seed: draws the sample whose shares are looked at, the same for all factors.
        report: told how far it is.
    """
    points = []
    for number, factor in enumerate(FACTORS):
        scaled = replace(ranker, scorer=dense_scaled(ranker.scorer, factor))
        measured = measure(scaled, split.seen, split.questions, metrics, ties_against=ties_against)
        points.append(Point(factor, measured.metrics, readable_share(scaled, split.seen, split.questions, seed)))
        report("measuring what can be read", number + 1, len(FACTORS))
    return tuple(points)


def dense_scaled(scorer: Scorer, factor: float) -> Scorer:
    """The model with its latent and its low-pass term counting `factor` times as much."""
    low_pass, latent = scorer.low_pass, scorer.latent
    return replace(
        scorer,
        low_pass=low_pass and replace(low_pass, weights=factor * low_pass.weights),
        latent=latent and replace(latent, weights=factor * latent.weights),
    )

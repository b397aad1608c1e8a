"""What a model's answers to a set of questions are worth: every metric, how sure it is, and for whom.

A metric is named as in `gnn.metric_names`: "recall@20", "auc". What is a mean over questions comes with a 95 %
interval over users, and again for users with short and with long histories.

Shapes: C questions, U users who ask, P candidates of all questions together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gnn.answers import Answers, Known
from gnn.data import Float32, Int64, Shop
from gnn.metric_names import NO_MEAN, OVERALL, parse, require_measurable
from gnn.paths import FloatArray
from gnn.ranking import BATCH, candidate_scores, history_products, rank, rank_candidates, require_known
from gnn.tasks import Benchmark, Questions, Ranker
from schema.progress import Report, silent

RESAMPLES = 1_000
# Resamples weighted at once: 50 of 30,000 users take 12 MB.
_AT_ONCE = 50


@dataclass(frozen=True)
class Group:
    """Users with histories of similar length."""

    users: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """How well questions were answered.

    Attributes:
        questions: how many have answers and count.
        unanswerable: how many have none; only "auc" looks at their candidates.
        users: who ask the questions that were looked at.
        metrics: "recall@20" and so on -> mean, in the order asked for.
        intervals: 95 % bootstrap over users; none for what is no mean over users (coverage, gini).
        groups: number of different products in the history, "1-4" -> the users with so many.
    """

    questions: int
    unanswerable: int
    users: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    groups: Mapping[str, Group]


def measure(
    ranker: Ranker,
    shop: Shop,
    questions: Questions,
    names: Sequence[str],
    *,
    ties_against: bool = False,
    batch: int = BATCH,
    seed: int = 0,
    report: Report = silent,
) -> Measured:
    """Asks a model and counts its answers.

    Args:
        ranker: the model.
        shop: what the model may know. Products that a user has in it are not ranked for them (`gnn.ranking`).
        questions: what is asked.
        names: metrics, as in `gnn.metric_names.NAMES` with a number for k.
        ties_against, batch, report: as in `gnn.ranking.rank`.
        seed: of the resamples.

    Raises:
        MetricError: a name is unknown, or the questions are none, without answers, or not what a metric needs.
        RankingError: as `gnn.ranking.rank`.
    """
    wanted = {name: parse(name) for name in names}
    require_measurable(questions, wanted)
    require_known(questions, shop.users)
    answered = questions.answers.lengths() > 0
    # Only the pooled AUC has a use for the candidates of questions without answers.
    asked = questions if "auc" in wanted else questions.take(np.flatnonzero(answered))
    longest = min(max(k for _, k in wanted.values()), shop.products)
    ranked, scores = _ask(ranker, shop, asked, longest, ties_against, batch, report)
    answers = Answers(Known(shop), asked, ranked, scores)
    values = {name: answers.values(*metric) for name, metric in wanted.items() if metric[0] not in NO_MEAN}
    means = {name: _mean(found) for name, found in values.items()}
    shares = {name: answers.by_user(found) for name, found in values.items()}
    if "auc" in wanted:
        means["auc"], shares["auc"] = answers.auc(np.ones(len(asked), bool)), answers.auc_by_user()
    means |= {name: answers.overall(*metric) for name, metric in wanted.items() if metric[0] in OVERALL}
    return Measured(
        questions=int(answered.sum()),
        unanswerable=int((~answered).sum()),
        users=len(answers.users),
        metrics={name: means[name] for name in wanted},
        intervals=_intervals({name: shares[name] for name in wanted if name in shares}, seed),
        groups=_groups(answers, values, "auc" in wanted),
    )


def measure_by_protocol(
    benchmark: Benchmark, ranker: Ranker, questions: Questions, seed: int, report: Report = silent
) -> Measured:
    """`measure` with what a benchmark shows, its metrics and its way with ties."""
    return measure(
        ranker,
        benchmark.shop,
        questions,
        benchmark.metrics,
        ties_against=benchmark.ties_against,
        seed=seed,
        report=report,
    )


def _ask(
    ranker: Ranker, shop: Shop, questions: Questions, k: int, ties_against: bool, batch: int, report: Report
) -> tuple[Int64, Float32]:
    """(C, K) what is shown, and (P,) scores of the candidates if there are any; asks for each score once."""
    if questions.candidates is None:
        seen = history_products(shop)
        ranked = rank(ranker, questions, seen, k, batch=batch, ties_against=ties_against, report=report)
        return ranked, np.empty(0, np.float32)
    scores = candidate_scores(ranker, questions, batch=batch, report=report)
    return rank_candidates(questions, scores, k, ties_against=ties_against), scores


def _mean(values: FloatArray) -> float:
    """Of those that count; NaN if none does."""
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else np.nan


def _intervals(shares: Mapping[str, FloatArray], seed: int) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals of sum / count over users drawn with replacement, (2, U) each."""
    if not shares:
        return {}
    sums, counts = np.stack(list(shares.values()), axis=1)
    generator, users = np.random.default_rng(seed), sums.shape[1]
    found = []
    for at in range(0, RESAMPLES, _AT_ONCE):
        size = min(_AT_ONCE, RESAMPLES - at)
        # How often each user is drawn is multinomial; counting draws is quicker than asking for that.
        drawn = generator.integers(users, size=(size, users)) + users * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * users).reshape(size, users).astype(np.float64)
        total, count = weights @ sums.T, weights @ counts.T
        found.append(np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0))
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975], axis=0)
    return {name: (float(low[n]), float(high[n])) for n, name in enumerate(shares)}


def _groups(answers: Answers, values: Mapping[str, FloatArray], auc: bool) -> dict[str, Group]:
    """The users in up to four parts of about one size, by the number of products in their history."""
    lengths = answers.known.histories.lengths()[answers.users]
    bounds = np.unique(np.quantile(lengths, [0.25, 0.5, 0.75, 1.0], method="inverted_cdf"))
    part = np.searchsorted(bounds, lengths)
    groups = {}
    for number in range(len(bounds)):
        own = lengths[part == number]
        kept = (part == number)[answers.asker]
        found = {name: _mean(value[kept]) for name, value in values.items()}
        if auc:
            found["auc"] = answers.auc(kept)
        name = f"{own.min()}-{own.max()}" if own.min() < own.max() else str(own.min())
        groups[name] = Group(len(own), {metric: value for metric, value in found.items() if not np.isnan(value)})
    return groups

"""What a model's answers to a set of questions are worth: every metric, how sure it is, and for whom.

A metric is named as in `NAMES`: "recall@20", "auc". What is a mean over questions comes with a 95 %
interval over users, and again for users with short and with long histories.

Shapes: C questions, U users who ask, N products.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from gnn import metrics
from gnn.data import Float32, Int32, Int64, Shop
from gnn.metrics import Counts, Hits
from gnn.paths import BoolArray, FloatArray, IntArray
from gnn.ranking import (
    BATCH,
    candidate_scores,
    contains,
    history_products,
    labels,
    met_products,
    rank,
    rank_candidates,
    repeated,
    require_known,
)
from gnn.tasks import Questions, Ragged, Ranker
from schema.errors import PathrecError, suggestion
from schema.progress import Report, silent

RESAMPLES = 1_000
# Resamples weighted at once: 50 of 30,000 users take 12 MB.
_AT_ONCE = 50

_BY_HITS: Mapping[str, Callable[[Hits, Counts, int], FloatArray]] = {
    "recall": metrics.recall,
    "precision": metrics.precision,
    "hit_rate": metrics.hit_rate,
    "ndcg": metrics.ndcg,
    "map": metrics.average_precision,
    "mrr": metrics.reciprocal_rank,
}
_BY_PRODUCTS = ("novelty", "popularity", "diversity")
_OVERALL = {"coverage": metrics.coverage, "gini": metrics.gini}
_BY_SCORES = ("auc", "auc_within")
_NO_MEAN = ("auc", *_OVERALL)
NAMES = (*(f"{name}@k" for name in (*_BY_HITS, *_BY_PRODUCTS, *_OVERALL)), *_BY_SCORES)


class MetricError(PathrecError):
    """A metric has no such name, or the questions do not hold what it needs."""


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
        names: metrics, as in `NAMES` with a number for k.
        ties_against, batch, report: as in `gnn.ranking.rank`.
        seed: of the resamples.

    Raises:
        MetricError: a name is unknown, or the questions are none, without answers, or not what a metric needs.
        RankingError: as `gnn.ranking.rank`.
    """
    wanted = {name: parse(name) for name in names}
    _require(questions, wanted)
    require_known(questions, shop.users)
    answered = questions.answers.lengths() > 0
    # Only the pooled AUC has a use for the candidates of questions without answers.
    asked = questions if "auc" in wanted else questions.take(np.flatnonzero(answered))
    longest = min(max(k for _, k in wanted.values()), shop.products)
    ranked, scores = _ask(ranker, shop, asked, longest, ties_against, batch, report)
    answers = _Answers(_Known(shop), asked, ranked, scores)
    values = {name: answers.values(*metric) for name, metric in wanted.items() if metric[0] not in _NO_MEAN}
    means = {name: _mean(found) for name, found in values.items()}
    shares = {name: answers.by_user(found) for name, found in values.items()}
    if "auc" in wanted:
        means["auc"], shares["auc"] = answers.auc(np.ones(len(asked), bool)), answers.auc_by_user()
    means |= {name: answers.overall(*metric) for name, metric in wanted.items() if metric[0] in _OVERALL}
    return Measured(
        questions=int(answered.sum()),
        unanswerable=int((~answered).sum()),
        users=len(answers.users),
        metrics={name: means[name] for name in wanted},
        intervals=_intervals({name: shares[name] for name in wanted if name in shares}, seed),
        groups=_groups(answers, values, "auc" in wanted),
    )


def parse(name: str) -> tuple[str, int]:
    """Metric and length of the list, "recall@20" -> ("recall", 20); 0 for metrics of scores.

    Raises:
        MetricError: there is no such metric, or its k is missing, too much or not a positive number.
    """
    metric, at, k = name.partition("@")
    if name in _BY_SCORES:
        return name, 0
    if metric in _BY_SCORES:
        raise MetricError(f"{name!r}: {metric} looks at all scores and takes no k; write {metric}")
    if f"{metric}@k" not in NAMES:
        raise MetricError(f"there is no metric {name!r}; {suggestion(metric + '@k' * bool(at), NAMES)}")
    if not (k.isascii() and k.isdigit() and int(k)):
        raise MetricError(f"{name!r}: give the length of the list as a positive number, as in {metric}@20")
    return metric, int(k)


@dataclass(frozen=True)
class _Known:
    """What the shop says of its products and users, whoever ranks."""

    shop: Shop

    @cached_property
    def histories(self) -> Ragged:
        """The distinct products that each user met by whatever behaviour."""
        return met_products(self.shop, np.ones(len(self.shop.events), bool))

    @cached_property
    def met(self) -> Int64:
        """(N,) number of users who met each product."""
        return np.bincount(self.histories.products, minlength=self.shop.products)

    @cached_property
    def described(self) -> sp.csr_array:
        """(N, M) nodes that the products are linked to; the users who met them where there are no links."""
        relations = self.shop.ontology.relations
        links: list[tuple[IntArray, IntArray, int]] = [
            (edges.source, edges.target, len(self.shop.ids[relations[name].target]))
            for name, edges in self.shop.edges.items()
            if relations[name].source == "Product" != relations[name].target and len(edges.source)
        ] or [(self.histories.products, self.histories.rows(), self.shop.users)]
        blocks = [
            sp.csr_array((np.ones(len(product)), (product, node)), shape=(self.shop.products, nodes)).sign()
            for product, node, nodes in links
        ]
        return sp.csr_array(sp.hstack(blocks))


@dataclass(frozen=True)
class _Answers:
    """Questions with what was shown: ranked (C, K), scores (P,) of the candidates or none."""

    known: _Known
    questions: Questions
    ranked: Int64
    scores: Float32

    @cached_property
    def users(self) -> Int32:
        """(U,) positions of those who ask."""
        return np.unique(self.questions.user)

    @cached_property
    def asker(self) -> Int64:
        """(C,) which of `users` asks."""
        return np.searchsorted(self.users, self.questions.user)

    @cached_property
    def answered(self) -> Int64:
        """The questions that have an answer."""
        return np.flatnonzero(self.questions.answers.lengths())

    @cached_property
    def hits(self) -> Hits:
        """Whether an answer stands there, for the `answered`."""
        rows = np.broadcast_to(self.answered[:, None], (len(self.answered), self.ranked.shape[1]))
        return contains(self.questions.answers, rows, self.ranked[self.answered])

    @cached_property
    def labels(self) -> BoolArray:
        """(P,) whether each candidate is an answer."""
        return labels(self.questions)

    @cached_property
    def rows(self) -> Int64:
        """(P,) which question each candidate belongs to."""
        lists = self.questions.candidates
        return np.empty(0, np.int64) if lists is None else lists.rows()

    def values(self, metric: str, k: int) -> FloatArray:
        """(C,) of each question, NaN where it does not count."""
        if metric == "auc_within":
            return metrics.auc_within(self.scores, self.labels, self.rows, len(self.questions))
        found = np.full(len(self.questions), np.nan)
        found[self.answered] = self._of_lists(metric, k)
        return found

    def _of_lists(self, metric: str, k: int) -> FloatArray:
        if metric in _BY_HITS:
            return _BY_HITS[metric](self.hits, self.questions.answers.lengths()[self.answered], k)
        ranked = self.ranked[self.answered]
        if metric == "novelty":
            return metrics.novelty(ranked, self.known.met, self.known.shop.users, k)
        if metric == "popularity":
            return metrics.popularity(ranked, self.known.met, k)
        return metrics.diversity(ranked, self.known.described, k)

    def overall(self, metric: str, k: int) -> float:
        """A metric of all lists together."""
        return _OVERALL[metric](self.ranked[self.answered], self.known.shop.products, k)

    def auc(self, kept: BoolArray) -> float:
        """Pooled over the candidates of some of the questions; NaN without both labels."""
        among = kept[self.rows]
        return metrics.auc(self.scores[among], self.labels[among])

    def by_user(self, values: FloatArray) -> FloatArray:
        """(2, U) sums of the values that count, and how many."""
        counts = ~np.isnan(values)
        found = np.where(counts, values, 0.0)
        return np.stack([np.bincount(self.asker, weights, len(self.users)) for weights in (found, counts)])

    def auc_by_user(self) -> FloatArray:
        """(2, U) as `by_user`, such that the mean is the pooled AUC and moves like it when users get weights.

        The first-order part of the bootstrap: each candidate's placement says how the AUC changes with it.
        """
        placed, label = metrics.placements(self.scores, self.labels), self.labels
        total = float(placed[label].mean())
        change = (placed - total) / np.where(label, label.sum(), (~label).sum())
        users = len(self.users)
        return np.stack([total + users * np.bincount(self.asker[self.rows], change, users), np.ones(users)])


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


def _require(questions: Questions, wanted: Mapping[str, tuple[str, int]]) -> None:
    if not wanted:
        raise MetricError(f"no metric was asked for; {suggestion('', NAMES)}")
    if not len(questions):
        raise MetricError("there are no questions to measure on; hold some data out of the shop that is learned from")
    answers, candidates = questions.answers, questions.candidates
    if not len(answers.products):
        raise MetricError(f"none of the {len(questions)} questions has an answer; there is nothing to measure")
    _require_distinct(answers, "answers")
    if candidates is not None:
        _require_distinct(candidates, "candidates")
        missing = np.flatnonzero(~contains(candidates, answers.rows(), answers.products))
        if len(missing):
            row, product = answers.rows()[missing[0]], answers.products[missing[0]]
            raise MetricError(f"question {row}: its answer {product} is not among its candidates; add it to them")
    for name in sorted(set(wanted) & set(_BY_SCORES)):
        _require_labels(name, answers, candidates)


def _require_distinct(lists: Ragged, what: str) -> None:
    if twice := repeated(lists):
        raise MetricError(f"question {twice[0]}: product {twice[1]} is twice among its {what}; keep one")


def _require_labels(name: str, answers: Ragged, candidates: Ragged | None) -> None:
    if candidates is None:
        raise MetricError(f"{name} compares answers with other candidates, but these questions are about all products")
    right, wrong = answers.lengths(), candidates.lengths() - answers.lengths()
    if not (wrong.any() if name == "auc" else ((right > 0) & (wrong > 0)).any()):
        raise MetricError(f"{name} needs candidates that are no answers{'' if name == 'auc' else ' beside answers'}")


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


def _groups(answers: _Answers, values: Mapping[str, FloatArray], auc: bool) -> dict[str, Group]:
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

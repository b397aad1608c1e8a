"""What was shown as the answers to questions, and what each metric says of it.

Shapes: C questions, U users who ask, N products, K products shown for a question, P candidates of all
questions together.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from gnn import metrics
from gnn.data import Float32, Int32, Int64, Shop
from gnn.metric_names import BY_HITS, OVERALL
from gnn.metrics import Hits
from gnn.paths import BoolArray, FloatArray, IntArray
from gnn.ranking import contains, labels, met_products
from gnn.tasks import Questions, Ragged


@dataclass(frozen=True)
class Known:
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
class Answers:
    """Questions with what was shown: ranked (C, K), scores (P,) of the candidates or none."""

    known: Known
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
        if metric in BY_HITS:
            return BY_HITS[metric](self.hits, self.questions.answers.lengths()[self.answered], k)
        ranked = self.ranked[self.answered]
        if metric == "novelty":
            return metrics.novelty(ranked, self.known.met, self.known.shop.users, k)
        if metric == "popularity":
            return metrics.popularity(ranked, self.known.met, k)
        return metrics.diversity(ranked, self.known.described, k)

    def overall(self, metric: str, k: int) -> float:
        """A metric of all lists together."""
        return OVERALL[metric](self.ranked[self.answered], self.known.shop.products, k)

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

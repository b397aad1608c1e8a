"""Metrics of ranked lists and of scores, with binary relevance.

Three kinds: how many answers a list holds (`recall` to `reciprocal_rank`), what sort of products it
holds whether they are answers or not (`novelty` to `gini`), and how well scores part the answers from
the other candidates (`auc`). Each docstring names the definition, the range and which way is better.

Shapes:
    hits: (C, K) true where the product at that rank is an answer.
    answers: (C,) number of answers, each at least 1.
    ranked: (C, K) positions of products, best first, -1 where a list has ended.
    scores, labels: (P,) of labelled candidates; scores are numbers, labels are true for answers.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.paths import BoolArray, FloatArray, IntArray

Hits = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
ScoreArray = npt.NDArray[np.floating[Any]]

# Lists whose products are added up at once in `diversity`: bounds the memory where the rows are long.
_LISTS = 256


def recall(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """(C,) share of the answers that are among the first k (Herlocker et al. 2004). In [0, 1], larger is better."""
    return np.asarray(hits[:, :k].sum(axis=1) / answers)


def precision(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """(C,) share of the first k that are answers (Herlocker et al. 2004). In [0, 1], larger is better.

    A list that ends early is divided by k all the same.
    """
    return np.asarray(hits[:, :k].sum(axis=1) / k)


def hit_rate(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """(C,) 1 if any of the first k is an answer (Deshpande and Karypis 2004). In [0, 1], larger is better."""
    return np.asarray(hits[:, :k].any(axis=1), np.float64)


def ndcg(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """(C,) discounted gain of the first k over that of the best possible list. In [0, 1], larger is better.

    Järvelin and Kekäläinen 2002 with gain 1 and discount 1 / log2(rank + 1); the best list is cut at
    min(k, answers).
    """
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    gain = hits[:, :k] @ discount[: hits[:, :k].shape[1]]
    ideal = np.cumsum(discount)[np.minimum(answers, k) - 1]
    return np.asarray(gain / ideal)


def average_precision(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """(C,) precision at the rank of each answer, summed over min(k, answers). In [0, 1], larger is better.

    Average precision of Buckley and Voorhees 2000, cut at k and divided by the number of answers that a list
    of k can hold (McFee et al. 2012). An answer that is not among the first k counts as precision 0;
    libraries that divide by the answers found give larger figures.
    """
    first = hits[:, :k]
    precisions = np.cumsum(first, axis=1) / np.arange(1, first.shape[1] + 1)
    return np.asarray((precisions * first).sum(axis=1) / np.minimum(answers, k))


def reciprocal_rank(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """(C,) 1 / rank of the first answer, 0 if not among the first k (Voorhees 1999). In [0, 1], larger is better."""
    first = hits[:, :k]
    return np.asarray(np.where(first.any(axis=1), 1.0 / (1.0 + first.argmax(axis=1)), 0.0))


def novelty(ranked: IntArray, met: Counts, users: int, k: int) -> FloatArray:
    """(C,) mean self-information -log2(share of users who met the product) (Zhou et al. 2010).

    In [0, log2(users)] bits, larger is less known. A product that nobody met counts as met once; an empty
    list has novelty 0.

    Args:
        ranked: lists.
        met: (N,) number of users who met each product.
        users: number of users altogether.
        k: length of the lists.
    """
    return _mean_of_list(ranked[:, :k], -np.log2(np.maximum(met, 1) / users))


def popularity(ranked: IntArray, met: Counts, k: int) -> FloatArray:
    """(C,) mean number of users who met the products of the list (Yin et al. 2012): bias to the popular.

    In [0, users], smaller is less biased; an empty list has 0. Arguments as in `novelty`.
    """
    return _mean_of_list(ranked[:, :k], met.astype(np.float64))


def diversity(ranked: IntArray, described: sp.csr_array, k: int) -> FloatArray:
    """(C,) mean of 1 - cosine over the pairs of a list (Ziegler et al. 2005). In [0, 1], larger is more varied.

    A product without description resembles no other; a list of fewer than two products has diversity 0.

    Args:
        ranked: lists.
        described: (N, M), not negative; the row of a product is what it is compared by.
        k: length of the lists.
    """
    norms = np.sqrt(described.multiply(described).sum(axis=1))
    unit = sp.diags_array(np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)) @ described
    parts = [_diversity(ranked[at : at + _LISTS, :k], unit, norms > 0) for at in range(0, len(ranked), _LISTS)]
    return np.concatenate(parts) if parts else np.empty(0)


def coverage(ranked: IntArray, products: int, k: int) -> float:
    """Share of the products that are among anybody's first k (Ge, Delgado-Battenfeld and Jannach 2010).

    In [0, 1], larger is more of the catalogue.
    """
    shown = np.unique(ranked[:, :k])
    return float((shown >= 0).sum() / products)


def gini(ranked: IntArray, products: int, k: int) -> float:
    """Gini coefficient of how often each product is shown (Fleder and Hosanagar 2009).

    In [0, 1 - 1 / products]; 0 is all equally often, so smaller is fairer. 0 if nothing is shown.
    """
    shown = ranked[:, :k]
    exposure = np.sort(np.bincount(shown[shown >= 0], minlength=products))
    order = 2 * np.arange(1, products + 1) - products - 1
    return float(order @ exposure / (products * max(exposure.sum(), 1)))


def auc(scores: ScoreArray, labels: BoolArray) -> float:
    """Chance that an answer scores above another candidate, over all pairs, ties half (Fawcett 2006).

    The rank sum of Mann and Whitney 1947, over the candidates of all questions together. In [0, 1], 0.5 is
    chance, larger is better; NaN if either label is missing.
    """
    return float(auc_within(scores, labels, np.zeros(len(scores), np.int64), 1)[0])


def auc_within(scores: ScoreArray, labels: BoolArray, groups: IntArray, count: int) -> FloatArray:
    """(C,) `auc` among the candidates of each group alone, NaN for a group without both labels.

    Args:
        scores, labels: of all candidates.
        groups: (P,) which group each candidate is in.
        count: C, number of groups.
    """
    order = np.lexsort((scores, groups))
    value, group, label = scores[order], groups[order], labels[order]
    fresh = np.r_[True, (value[1:] != value[:-1]) | (group[1:] != group[:-1])][: len(order)]
    bounds = np.r_[np.flatnonzero(fresh), len(order)]
    # Candidates that tie share the mean of their ranks: counted half above and half below each other.
    ranks = np.repeat((bounds[:-1] + bounds[1:] + 1) / 2, np.diff(bounds)) - np.searchsorted(group, group)
    answers = np.bincount(group, label, count)
    others = np.bincount(group, ~label, count)
    above = np.bincount(group, ranks * label, count) - answers * (answers + 1) / 2
    return np.asarray(np.divide(above, answers * others, out=np.full(count, np.nan), where=answers * others > 0))


def placements(scores: ScoreArray, labels: BoolArray) -> FloatArray:
    """(P,) share of the candidates of the other label that each stands on the right side of, ties half.

    DeLong, DeLong and Clarke-Pearson 1988. In [0, 1]; the mean over either label is `auc`. Both labels
    must be there.
    """
    shares = np.empty(len(scores))
    for label in (True, False):
        others, own = np.sort(scores[labels != label]), scores[labels == label]
        below = (np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")) / 2 / len(others)
        shares[labels == label] = below if label else 1.0 - below
    return shares


def _mean_of_list(shown: IntArray, values: FloatArray) -> FloatArray:
    present = shown >= 0
    return np.asarray(np.where(present, values[shown], 0.0).sum(axis=1) / np.maximum(present.sum(axis=1), 1))


def _diversity(shown: IntArray, unit: sp.csr_array, described: BoolArray) -> FloatArray:
    present = shown >= 0
    rows, products = np.nonzero(present)[0], shown[present]
    lists = sp.csr_array((np.ones(len(rows)), (rows, products)), shape=(len(shown), unit.shape[0]))
    # |sum of unit vectors|² adds up the cosines of all pairs at once, those with itself included.
    together = lists @ unit
    similar = together.multiply(together).sum(axis=1) - lists @ described.astype(np.float64)
    pairs = (size := present.sum(axis=1)) * (size - 1)
    mean = np.divide(similar, pairs, out=np.ones(len(shown)), where=pairs > 0)
    return np.asarray(np.clip(1.0 - mean, 0.0, 1.0))

"""Metrics of ranked lists, with binary relevance.

Recall@k, precision@k and hit rate@k as in Herlocker et al. 2004; NDCG@k after Järvelin and Kekäläinen
2002 with gain 1 and discount 1 / log2(rank + 1), the ideal list cut at min(k, number of answers).
All lie in [0, 1], larger is better.

Shapes: `hits` is (U, K), 1 where the product at that rank is an answer; `answers` is (U,), each at
least 1. Results are (U,).
"""

import numpy as np
import numpy.typing as npt

from gnn.paths import FloatArray, IntArray

Hits = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


def recall(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """Share of the answers that are among the first k."""
    return np.asarray(hits[:, :k].sum(axis=1) / answers)


def precision(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """Share of the first k that are answers."""
    return np.asarray(hits[:, :k].sum(axis=1) / k)


def hit_rate(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """1 if any of the first k is an answer."""
    return np.asarray(hits[:, :k].any(axis=1), np.float64)


def ndcg(hits: Hits, answers: Counts, k: int) -> FloatArray:
    """Discounted gain of the first k over that of the best possible list."""
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    gain = hits[:, :k] @ discount[: hits[:, :k].shape[1]]
    ideal = np.cumsum(discount)[np.minimum(answers, k) - 1]
    return np.asarray(gain / ideal)


def coverage(ranked: IntArray, products: int, k: int) -> float:
    """Share of the products that are among anybody's first k (Ge, Delgado-Battenfeld and Jannach 2010)."""
    shown = np.unique(ranked[:, :k])
    return float((shown >= 0).sum() / products)

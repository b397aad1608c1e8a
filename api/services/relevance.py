"""How well products fit what is searched for, out of several lists of what was found.

    relevance(i) = Σ_l 1 / (60 + rank_l(i))                   over the lists that have product i

Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): lists whose scores cannot be compared are joined by their
ranks, and k = 60 is theirs. What a list scores nearly alike has one rank in it: BM25 gives a title of three words a
fifth more than one of five that has the same of them, and that makes it no better a hit.

What relevance puts on a viewer's score is scaled by these scores:

    extra(i) = (60 + 11) / 10 · range · relevance(i) / (L / 61)

with L lists and `range` the difference between the largest and the smallest score of what was found. The whole range
is then worth ten ranks from the top of all lists: what the viewer likes best can come before what fits a little
better, never before what fits much better.

Shapes: C products that were found.
"""

from collections.abc import Sequence

import numpy as np

from api.services.catalogue import FloatArray
from gnn.data import Int64

_K = 60
_ALIKE = 0.8
"""Of the best of a group: what scores as much as that belongs to it."""
_RANKS = 10
"""How many ranks from the top the viewer's liking can make up for."""


def ranks(scores: FloatArray) -> Int64:
    """(C,) rank of each score, from 1; what is nearly alike shares one, what is not above 0 has none: 0."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    found = np.zeros(len(scores), np.int64)
    start, end = 0, int(np.count_nonzero(scores > 0))
    while start < end:
        stop = int(np.searchsorted(-falling[:end], -_ALIKE * falling[start], side="right"))
        found[order[start:stop]] = start + 1
        start = stop
    return found


def fused(lists: Sequence[FloatArray]) -> FloatArray:
    """(C,) relevance as a share of what the first of all lists has, 0 to 1.

    Args:
        lists: (C,) scores each, 0 for what a list does not have; those that have nothing do not count.
    """
    counted = [found for found in map(ranks, lists) if found.any()]
    total = np.zeros(len(lists[0]))
    for found in counted:
        total += np.where(found > 0, 1.0 / (_K + found), 0.0)
    return total * (_K + 1) / max(len(counted), 1)


def put_on(relevance: FloatArray, scores: FloatArray) -> FloatArray:
    """(C,) what relevance puts on a viewer's scores.

    Args:
        relevance: (C,) as of `fused`.
        scores: (C,) of the viewer, finite.
    """
    # Where the viewer likes all alike any scale will do.
    spread = float(np.ptp(scores)) if len(scores) else 0.0
    return np.asarray((_K + 1 + _RANKS) / _RANKS * (spread or 1.0) * relevance)

"""RecBole's split of each user's interactions by ratio, 8:1:1."""

import numpy as np

from gnn.data import Int64
from gnn.datasets.interactions import Interactions

HELD_OUT = 0.1


def split_users(rows: Interactions, *, by_time: bool, seed: int) -> tuple[Interactions, Interactions, Interactions]:
    """Train, validation and test: the first 80 % of each user, the next and the last 10 %.

    Of few interactions, as in RecBole, the test part and then the validation part get one each as long
    as train keeps one. What happened at the same time is in random order.
    """
    chance = np.random.default_rng(seed).permutation(len(rows))
    rows = rows.take(np.lexsort((chance, rows.time_ms, rows.user) if by_time else (chance, rows.user)))
    total = np.bincount(rows.user)
    valid, test = _held_out(total)
    starts = np.cumsum(total) - total
    place = np.arange(len(rows)) - starts[rows.user]
    in_test = place >= (total - test)[rows.user]
    in_valid = ~in_test & (place >= (total - test - valid)[rows.user])
    return rows.take(~in_test & ~in_valid), rows.take(in_valid), rows.take(in_test)


def _held_out(total: Int64) -> tuple[Int64, Int64]:
    """Sizes of each user's validation and test part."""
    part = (total * HELD_OUT).astype(np.int64)
    small = (part == 0) & (total > 1)
    test = part + small
    valid = part + (small & (total - test > 1))
    return valid, test

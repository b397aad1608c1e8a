"""Products that stand beside an answer: drawn from those that the user has in no part of the data."""

import numpy as np

from gnn.data import Int32, Int64
from gnn.datasets.interactions import Interactions

NEGATIVES = 99
Negatives = tuple[Int64, Int32]
"""Rows (P,) and products (P,)."""


def drawn(users: Int32, had: Interactions, products: int, seed: tuple[int, int]) -> Negatives:
    """99 different products for each row, uniformly, or all where there are fewer.

    Args:
        users: (C,) who asks.
        had: what each user has in any part, ordered by user.
        products: N.
        seed: of the data set and of the part.
    """
    generator = np.random.default_rng(seed)
    own = np.zeros(products, bool)
    starts, ends = (np.searchsorted(had.user, users, side) for side in ("left", "right"))
    found = []
    for start, end in zip(starts, ends, strict=True):
        mine = had.product[start:end]
        own[mine] = True
        # A uniform sample without the user's own products is a uniform sample of the others.
        sample = generator.choice(products, min(products, NEGATIVES + len(mine)), replace=False)
        found.append(sample[~own[sample]][:NEGATIVES])
        own[mine] = False
    rows = np.repeat(np.arange(len(users)), [len(row) for row in found])
    return rows, np.concatenate([*found, np.empty(0, np.int64)]).astype(np.int32)

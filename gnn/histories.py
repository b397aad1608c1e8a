"""Histories of many users at once: what each did with each product until a moment."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.data import Int32, Int64, Shop
from gnn.units import History


@dataclass(frozen=True)
class Histories:
    """Units of all users, user by user.

    Shapes:
        indptr: (U + 1,) units of user u are indptr[u] : indptr[u + 1].
        products, behaviours, events, last_ms: (J,), as in `History`.
    """

    indptr: Int64
    products: Int32
    behaviours: Int32
    events: npt.NDArray[np.float64]
    last_ms: Int64

    def of(self, user: int) -> History:
        """The history of one user."""
        span = slice(self.indptr[user], self.indptr[user + 1])
        return History(self.products[span], self.behaviours[span], self.events[span], self.last_ms[span])

    def lengths(self) -> Int64:
        """(U,) number of units."""
        return np.diff(self.indptr)


def histories(shop: Shop) -> Histories:
    """Folds the events of known users into units of (user, product, behaviour)."""
    known = shop.events.take(shop.events.user >= 0)
    key = (known.user.astype(np.int64) * shop.products + known.product) * len(shop.behaviours) + known.behaviour
    units, first, inverse, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    last = np.zeros(len(units), np.int64)
    np.maximum.at(last, inverse, known.time_ms)
    return Histories(
        indptr=np.searchsorted(known.user[first], np.arange(shop.users + 1)).astype(np.int64),
        products=known.product[first],
        behaviours=known.behaviour[first],
        events=counts.astype(np.float64),
        last_ms=last,
    )


def interactions(shop: Shop) -> sp.csr_array:
    """(U, N) 1 where a user did anything with a product; columns in order in each row."""
    past = histories(shop)
    matrix = sp.csr_array((np.ones(len(past.products)), past.products, past.indptr), (shop.users, shop.products))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix

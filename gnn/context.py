"""What is known of people beside what they did: how much more a product is taken in their country, say.

    lift_v(i) = log((n_v(i) + a_v) / (e_v(i) + a_v)),   e_v(i) = n_v · s(i)

n_v(i) people of value v took product i, n_v is their sum over all products, and s(i) the product's share of what
everybody took. The lift is the log of the posterior mean of a rate with a gamma prior of mean one and shape a_v
(gamma-Poisson shrinkage, DuMouchel 1999): it says nothing of a product that few have met, a new one among them.
The shape is estimated from the data by moments, Var(n_v) = e_v + e_v²/a_v. Each value has its own: the country that
most people are from is hardly unlike all together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.data import Int32, Shop, UserProperty
from gnn.histories import interactions
from gnn.paths import FloatArray, IntArray

FEWEST_PEOPLE = 10
"""Who shares a value with fewer people is told by it, and too few show nothing: such values are left out."""
SMALLEST, LARGEST = 0.1, 1e6
"""Between these the shape is kept: what differs more is chance, what differs less does not differ."""


@dataclass(frozen=True)
class ContextPrior:
    """Lifts of all products for each value of a property of people, and how much they count.

    Attributes:
        values: the V values.
        counts: (V, N) people of a value who took a product; columns in order in each row.
        share: (N,) of what everybody took.
        shape: (V,) a_v.
        weight: fitted.
    """

    values: tuple[str, ...]
    counts: sp.csr_array
    share: FloatArray
    shape: FloatArray
    weight: float = 1.0

    @cached_property
    def totals(self) -> FloatArray:
        """(V,) n_v."""
        return np.asarray(self.counts.sum(axis=1), np.float64).ravel()

    def rows(self, known: UserProperty) -> Int32:
        """(U,) where each user's value is; -1 where nothing is known of it."""
        place = {value: row for row, value in enumerate(self.values)}
        of_name = np.array([*(place.get(name, -1) for name in known.names), -1], np.int32)
        return np.asarray(of_name[known.codes], np.int32)

    def lift(self, row: int, products: IntArray | None = None) -> FloatArray:
        """(P,) weighted lifts of some products for a value, of all if not said."""
        span = slice(self.counts.indptr[row], self.counts.indptr[row + 1])
        taken = np.zeros(len(self.share))
        taken[self.counts.indices[span]] = self.counts.data[span]
        share = self.share
        if products is not None:
            taken, share = taken[products], share[products]
        expected = self.totals[row] * share
        shape = self.shape[row]
        return np.asarray(self.weight * np.log((taken + shape) / (expected + shape)))

    def longer(self, more: int) -> "ContextPrior":
        """With room for new products at the end, of which nothing is known yet."""
        wide = (self.counts.shape[0], self.counts.shape[1] + more)
        parts = (self.counts.data, self.counts.indices, self.counts.indptr)
        counts = sp.csr_array(parts, shape=wide)
        return replace(self, counts=counts, share=np.pad(self.share, (0, more)))


@dataclass(frozen=True)
class Contexts:
    """Properties of the users of a shop: what they say, and who has which value.

    Attributes:
        priors: name of the property -> its lifts.
        rows: name -> (U,) the row of each user in them; -1 where nothing is known.
    """

    priors: Mapping[str, ContextPrior]
    rows: Mapping[str, Int32]

    def lifts(self, user: int, products: IntArray) -> FloatArray:
        """(C, P) weighted lifts of some products for a user, property by property."""
        found = np.zeros((len(self.priors), len(products)))
        for number, (name, prior) in enumerate(self.priors.items()):
            if (row := self.rows[name][user]) >= 0:
                found[number] = prior.lift(int(row), products)
        return found

    def add_to(self, scores: npt.NDArray[np.float32], users: npt.NDArray[np.integer]) -> None:
        """Adds the lifts of all products to (B, N) scores of some users."""
        for name, prior in self.priors.items():
            rows = self.rows[name][users]
            for row in np.unique(rows[rows >= 0]):
                scores[rows == row] += prior.lift(int(row)).astype(scores.dtype)


def contexts(shop: Shop) -> Contexts:
    """What a shop's properties of people say of its products, not weighted yet.

    A property is absent where fewer than two of its values have `FEWEST_PEOPLE`.
    """
    taken = interactions(shop.of_target())
    priors = {name: prior for name, known in shop.contexts.items() if (prior := _prior(taken, known)) is not None}
    return contexts_of(priors, shop)


def weighted(found: Contexts, weights: Mapping[str, float]) -> dict[str, ContextPrior]:
    """The lifts with fitted weights; a property that counts nothing is absent."""
    return {name: replace(prior, weight=weights[name]) for name, prior in found.priors.items() if name in weights}


def contexts_of(priors: Mapping[str, ContextPrior], shop: Shop) -> Contexts:
    """A model's lifts for the users of a shop."""
    known = {name: prior for name, prior in priors.items() if name in shop.contexts}
    return Contexts(known, {name: prior.rows(shop.contexts[name]) for name, prior in known.items()})


def _prior(taken: sp.csr_array, known: UserProperty) -> ContextPrior | None:
    """Args:
    taken: (U, N) 1 where a user took a product.
    known: a property of the users.
    """
    active = (known.codes >= 0) & (np.diff(taken.indptr) > 0)
    people = np.bincount(known.codes[active], minlength=len(known.names))
    kept = np.flatnonzero(people >= FEWEST_PEOPLE)
    if len(kept) < 2:
        return None
    row = np.full(len(known.names) + 1, -1)
    row[kept] = np.arange(len(kept))
    of_user = row[known.codes]
    users = np.flatnonzero(active & (of_user >= 0))
    ones = np.ones(len(users))
    members = sp.csr_array((ones, (of_user[users], users)), shape=(len(kept), taken.shape[0]))
    counts = sp.csr_array(members @ taken)
    counts.sort_indices()
    everybody = np.asarray(taken.sum(axis=0), np.float64).ravel()
    share = everybody / everybody.sum()
    return ContextPrior(tuple(known.names[k] for k in kept), counts, share, _shape(counts, share))


def _shape(counts: sp.csr_array, share: FloatArray) -> FloatArray:
    """(V,) a_v of Var(n_v) = e_v + e_v²/a_v over all products.

    Σ (n - e)² is taken from the sparse counts: Σ n² - 2 Σ n e + Σ e².
    """
    totals = np.asarray(counts.sum(axis=1), np.float64).ravel()
    squares = totals**2 * float((share**2).sum())
    met = np.asarray(counts.power(2).sum(axis=1), np.float64).ravel() - 2 * totals * (counts @ share)
    beyond = met + squares - totals
    return np.asarray(
        np.where(beyond > 0, squares / np.where(beyond > 0, beyond, 1.0), LARGEST).clip(SMALLEST, LARGEST)
    )

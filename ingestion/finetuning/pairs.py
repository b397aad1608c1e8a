"""Which products go together: those that meet in baskets and sessions more often than by chance.

**Shapes**: G groups (baskets and sessions), N products, P pairs.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from schema.snapshot import Snapshot

IntArray = npt.NDArray[np.int64]

LARGEST = 100
"""Different products that a group may have: a wholesaler's order of hundreds says little about any two of them."""
LEAST = 3
"""Groups in which two products have to meet to be a pair."""
PARTNERS = 10
"""Pairs of each product: its strongest."""
_ROWS = 1024


@dataclass(frozen=True)
class Pairs:
    """Products with their partners; (P,) each. A pair may be there both ways, or only one.

    Attributes:
        first, second: positions of the product and of its partner.
        weight: n_ij / sqrt(n_i n_j) of the groups they are in; not swayed by what is in every basket.
    """

    first: IntArray
    second: IntArray
    weight: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    def take(self, kept: npt.NDArray[Any]) -> "Pairs":
        """Some of the pairs, in the same order."""
        return Pairs(self.first[kept], self.second[kept], self.weight[kept])


@dataclass(frozen=True)
class Meetings:
    """Which products are in which groups: (G, N), ones."""

    links: sp.csc_array

    @cached_property
    def totals(self) -> IntArray:
        """(N,) groups that each product is in."""
        return np.diff(self.links.indptr).astype(np.int64)

    def together(self, products: IntArray) -> npt.NDArray[np.bool_]:
        """(n, n) which of some products are known to go together: they met, and more often than by chance."""
        some = self.links[:, products]
        met = (some.T @ some).toarray()
        return np.asarray(met * self.links.shape[0] > np.outer(self.totals[products], self.totals[products]))

    def pairs(self) -> Pairs:
        """Each product with its strongest partners, which it met `LEAST` times and more often than by chance."""
        blocks = [self._pairs(start) for start in range(0, self.links.shape[1], _ROWS)]
        return Pairs(*(np.concatenate([getattr(b, name) for b in blocks]) for name in ("first", "second", "weight")))

    def _pairs(self, start: int) -> Pairs:
        met = sp.coo_array(self.links[:, start : start + _ROWS].T @ self.links)
        first, second, count = met.row.astype(np.int64) + start, met.col.astype(np.int64), met.data.astype(np.int64)
        chance = self.totals[first] * self.totals[second]
        kept = (first != second) & (count >= LEAST) & (count * self.links.shape[0] > chance)
        pairs = Pairs(first[kept], second[kept], count[kept] / np.sqrt(chance[kept]))
        order = np.lexsort((pairs.second, -pairs.weight, pairs.first))
        sorted_first = pairs.first[order]
        return pairs.take(order[np.arange(len(order)) - np.searchsorted(sorted_first, sorted_first) < PARTNERS])


def meetings_of(snapshot: Snapshot) -> Meetings:
    """The groups of a snapshot's events, as the ontology's meetings by basket and by session say."""
    events, products = snapshot.events(), snapshot.manifest.nodes["Product"]
    blocks: list[sp.csr_array] = [
        _links(events, meeting.by, meeting.behaviours, products)
        for meeting in snapshot.ontology.meetings.values()
        if meeting.by != "user"
    ]
    links = sp.vstack(blocks) if blocks else sp.csr_array((0, products), dtype=np.int32)
    return Meetings(sp.csc_array(links))


def _links(events: pa.Table, by: str, behaviours: tuple[str, ...], products: int) -> sp.csr_array:
    """(G, N) the groups of one kind that have two products at least and `LARGEST` at most."""
    behaviour = events.column("behaviour").cast(pa.string())
    counted = pc.and_(pc.is_in(behaviour, pa.array(behaviours)), pc.is_valid(events.column(by)))
    some = events.filter(counted)
    group = some.column(by).cast(pa.string()).combine_chunks().dictionary_encode()
    rows, columns = group.indices.to_numpy(), some.column("product").to_numpy()
    links = sp.csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape=(len(group.dictionary), products))
    links.sum_duplicates()
    links.data[:] = 1
    size = np.diff(links.indptr)
    return links[np.flatnonzero((size > 1) & (size <= LARGEST))]

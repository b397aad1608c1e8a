"""Splits: what a model may see, and what it is asked afterwards.

Where events have times, the question is the next thing that a known user wants: first target events
(purchases) after a cut. Repeat purchases and users without history are other questions; they are counted
apart. Where a public split asks otherwise, a validation part is cut that resembles its question.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.data import Int32, Int64, Shop, TrainingError
from gnn.histories import interactions
from gnn.paths import FloatArray
from gnn.spectral import singular_vectors
from gnn.tasks import Questions, Ragged, Split
from gnn.units import MS_PER_DAY

TEST_DAYS = 30.0
LARGEST_SHARE = 0.2
LEFT_OUT = 0.2
"""Share of each user's products that is left out where there are no times."""
LIKENESS_RANK = 64
NEGATIVES = 99


@dataclass(frozen=True)
class Pairs:
    """Distinct (user, product) pairs, ordered by user; (P,) each."""

    user: Int32
    product: Int32

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True)
class TimeSplit:
    """What came before a moment, and who first bought what from it on.

    Attributes:
        seen: the shop before the cut.
        first: pairs of users with history who had not bought the product before.
        repeat: pairs of users with history who had.
        newcomers: pairs of users without any event before the cut.
    """

    seen: Shop
    cut_ms: int
    first: Pairs
    repeat: Pairs
    newcomers: Pairs

    def ask(self, pairs: Pairs, *, repeats: bool = False) -> Questions:
        """One question for each user of some pairs, at the moment of the cut."""
        users, row = np.unique(pairs.user, return_inverse=True)
        moments = np.full(len(users), self.cut_ms, np.int64)
        return Questions(
            users.astype(np.int32), moments, Ragged.from_rows(row, pairs.product, len(users)), repeats=repeats
        )


def split_by_time(shop: Shop) -> TimeSplit:
    """Cuts off the last 30 days, or the last fifth of the time where the data spans less than 150 days.

    Raises:
        TrainingError: all events happened at one moment.
    """
    times = shop.events.time_ms
    start, end = int(times.min()), int(times.max())
    if start == end:
        raise TrainingError("all events happened at one moment; a split by time needs events over days")
    window = min(TEST_DAYS * MS_PER_DAY, LARGEST_SHARE * (end - start))
    return split_at(shop, end + 1 - int(window))


def split_at(shop: Shop, cut_ms: int) -> TimeSplit:
    """Cuts a shop at a moment."""
    events = shop.events
    later = events.take((events.time_ms >= cut_ms) & (events.behaviour == shop.target) & (events.user >= 0))
    seen = shop.until(cut_ms)
    known = np.zeros(shop.users, bool)
    known[seen.events.user[seen.events.user >= 0]] = True
    before = seen.events.take((seen.events.behaviour == shop.target) & (seen.events.user >= 0))
    asked = np.unique(_key(shop, later.user, later.product))
    user, product = (asked // shop.products).astype(np.int32), (asked % shop.products).astype(np.int32)
    had = np.isin(asked, _key(shop, before.user, before.product))
    return TimeSplit(
        seen,
        cut_ms,
        first=Pairs(user[known[user] & ~had], product[known[user] & ~had]),
        repeat=Pairs(user[had], product[had]),
        newcomers=Pairs(user[~known[user]], product[~known[user]]),
    )


def split_last(shop: Shop, seed: int) -> Split:
    """Each user's last product left out and asked for, at its moment, among others that the user never met.

    Leave-one-out with sampled negatives asks the same (as ReChorus does).
    """
    bought = np.flatnonzero((shop.events.behaviour == shop.target) & (shop.events.user >= 0))
    last = np.full(shop.users, -1, np.int64)
    last[shop.events.user[bought]] = bought  # events are in order of time
    counts = np.bincount(shop.events.user[bought], minlength=shop.users)
    asked = last[counts >= 2]
    seen = shop.without(asked)
    users, answers = shop.events.user[asked], shop.events.product[asked]
    candidates = _among_unmet(shop, users, answers, np.random.default_rng(seed))
    one = np.arange(len(asked) + 1, dtype=np.int64)
    return Split(seen, Questions(users, shop.events.time_ms[asked], Ragged(one, answers), candidates))


def split_random(shop: Shop, seed: int) -> Split:
    """A share of each user's products left out at random, where the test part was drawn like that."""
    generator = np.random.default_rng(seed)
    matrix = interactions(shop)
    return _left_out(shop, matrix, generator.random(len(matrix.indices)), generator)


def split_share(shop: Shop, seed: int) -> Split:
    """A share of each user's products left out: at random for one half of the users, by likeness for the others.

    What people take later is less like what they took before than a random part of it is, so that a random
    part alone flatters terms that know near twins. For every other user a product is drawn and those most
    like it are left out together.
    """
    generator = np.random.default_rng(seed)
    matrix = interactions(shop)
    user = np.repeat(np.arange(shop.users), np.diff(matrix.indptr))
    key = generator.random(len(matrix.indices))
    alike = generator.random(shop.users) < 0.5
    return _left_out(shop, matrix, np.where(alike[user], _unlikeness(matrix, user, generator), key), generator)


def _left_out(shop: Shop, matrix: sp.csr_array, key: FloatArray, generator: np.random.Generator) -> Split:
    """The share of each user's products with the smallest keys is asked for; (P,) keys of a shop's `interactions`."""
    user = np.repeat(np.arange(shop.users), np.diff(matrix.indptr))
    product = matrix.indices.astype(np.int32)
    held = _first_of_each(key, user, shop.users, generator)
    asked = np.unique(user[held])
    row = np.searchsorted(asked, user[held])
    events = shop.events
    gone = np.isin(_key(shop, events.user, events.product), _key(shop, user[held].astype(np.int32), product[held])) & (
        events.user >= 0
    )
    moments = np.full(len(asked), shop.as_of_ms, np.int64)
    answers = Ragged.from_rows(row, product[held], len(asked))
    return Split(shop.without(np.flatnonzero(gone)), Questions(asked.astype(np.int32), moments, answers))


def _unlikeness(matrix: sp.csr_array, user: Int64, generator: np.random.Generator) -> FloatArray:
    """(P,) how unlike each (user, product) pair's product is to one drawn from the user's."""
    vectors, values = singular_vectors(matrix, LIKENESS_RANK, generator)
    vectors = vectors * values
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    lengths = np.diff(matrix.indptr)
    drawn = matrix.indptr[:-1] + (generator.random(len(lengths)) * lengths).astype(np.int64)
    seeds = matrix.indices[np.minimum(drawn, max(len(matrix.indices) - 1, 0))]
    return np.asarray(-np.einsum("pd,pd->p", vectors[matrix.indices], vectors[seeds[user]]))


def _first_of_each(key: FloatArray, user: Int64, users: int, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """(P,) the share of each user's pairs with the smallest keys; at least one pair stays."""
    order = np.lexsort((key, user))
    lengths = np.bincount(user, minlength=users)
    rank = np.arange(len(user)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    held = np.floor(lengths * LEFT_OUT + generator.random(users))
    held = np.minimum(held, lengths - 1).clip(0)
    result = np.zeros(len(user), bool)
    result[order] = rank < np.repeat(held, lengths)
    return result


def _among_unmet(shop: Shop, users: Int32, answers: Int32, generator: np.random.Generator) -> Ragged:
    """The answer of each question and up to `NEGATIVES` products that its user never met."""
    met = np.unique(_key(shop, shop.events.user, shop.events.product))
    drawn = generator.integers(0, shop.products, (len(users), NEGATIVES))
    row = np.repeat(np.arange(len(users)), NEGATIVES)
    pairs = np.unique(row * np.int64(shop.products) + drawn.ravel())
    row, product = pairs // shop.products, (pairs % shop.products).astype(np.int32)
    fresh = ~np.isin(_key(shop, users[row], product), met)
    rows = np.concatenate([np.arange(len(users)), row[fresh]])
    return Ragged.from_rows(rows, np.concatenate([answers, product[fresh]]), len(users))


def _key(shop: Shop, user: Int32, product: Int32) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return user.astype(np.int64) * shop.products + product

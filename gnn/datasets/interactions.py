"""Who had what and when, before it is a shop or a question."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.data import Int32, Int64
from gnn.tasks import Questions, Ragged


@dataclass(frozen=True)
class Interactions:
    """Pairs of a user and a product at a time, by position; (E,) each."""

    user: Int32
    product: Int32
    time_ms: Int64

    def __len__(self) -> int:
        return len(self.user)

    def take(self, kept: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> "Interactions":
        """Some of them."""
        return Interactions(self.user[kept], self.product[kept], self.time_ms[kept])

    def distinct(self) -> "Interactions":
        """Each pair once, at its earliest time; ordered by user, then product."""
        order = np.lexsort((self.time_ms, self.product, self.user))
        user, product = self.user[order], self.product[order]
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(user) != 0) | (np.diff(product) != 0)
        return self.take(order[new])

    def keys(self) -> Int64:
        """(E,) one number for each pair."""
        return (self.user.astype(np.int64) << 32) | self.product

    @classmethod
    def without_times(cls, user: Int32, product: Int32) -> "Interactions":
        """Of data that knows no times: all at one moment."""
        return cls(user, product, np.zeros(len(user), np.int64))

    @classmethod
    def joined(cls, parts: Sequence["Interactions"]) -> "Interactions":
        """Several parts as one."""
        return cls(
            np.concatenate([part.user for part in parts]),
            np.concatenate([part.product for part in parts]),
            np.concatenate([part.time_ms for part in parts]),
        )


def new_to_users(held: Interactions, seen: Interactions) -> tuple[Interactions, list[str]]:
    """Held-out pairs that are not seen, and a note where any were: ranking all products leaves those out."""
    known = np.isin(held.keys(), seen.keys())
    if not known.any():
        return held, []
    return held.take(~known), [f"{known.sum()} held-out pairs are in the training part too and are not asked for"]


def ask_users(held: Interactions, seen: Interactions) -> Questions:
    """One question for each user of a held-out part, among all products.

    Its moment is the user's earliest held-out pair, or the latest seen one where that is later, so that
    all that was seen of the user counts even in parts that were drawn at random.
    """
    users, rows = np.unique(held.user, return_inverse=True)
    moment = np.full(len(users), np.iinfo(np.int64).max)
    np.minimum.at(moment, rows, held.time_ms)
    place = np.searchsorted(users, seen.user)
    own = np.append(users, -1)[place] == seen.user
    np.maximum.at(moment, place[own], seen.time_ms[own])
    return Questions(users.astype(np.int32), moment, Ragged.from_rows(rows, held.product, len(users)))

"""How much a unit of a history counts: by how often it happened and how long ago.

    a = events^p · (floor + (1 - floor) · 2^(-age / half-life))

A unit is one product and one behaviour, all its events together. Its amount depends on nothing else in the
history, so that taking another unit out leaves it as it is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MS_PER_DAY = 86_400_000.0
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class History:
    """Units of a history by position, (J,) each."""

    products: npt.NDArray[np.int32]
    behaviours: npt.NDArray[np.int32]
    events: npt.NDArray[np.float64]
    last_ms: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.products)

    def take(self, kept: Array) -> "History":
        """Some of the units."""
        return History(self.products[kept], self.behaviours[kept], self.events[kept], self.last_ms[kept])


@dataclass(frozen=True)
class UnitWeights:
    """How much a unit counts by its number of events and its age; (B,) each, half-lives in days."""

    saturation: npt.NDArray[np.float64]
    half_life: npt.NDArray[np.float64]
    floor: npt.NDArray[np.float64]

    def amounts(self, history: History, as_of_ms: int | npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(J,) events^p · recency.

        Args:
            history: J units.
            as_of_ms: the moment of the answer, or (J,) one for each unit where many histories are joined.
        """
        b = history.behaviours
        age = np.maximum(as_of_ms - history.last_ms, 0) / MS_PER_DAY
        recency = self.floor[b] + (1.0 - self.floor[b]) * np.exp2(-age / self.half_life[b])
        return np.asarray(history.events ** self.saturation[b] * recency)

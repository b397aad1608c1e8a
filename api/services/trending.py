"""What gains now: a ranked list for nobody in particular, and what each place in it rests on."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from api.services.listing import nobody
from api.services.live import LiveState
from api.services.viewing import Viewing
from gnn.gains import Gains

_GAINS = "GAINS"


@dataclass(frozen=True)
class Demand:
    """How often a product was met of late, as far as a half-life reaches, and what its usual share would make of it."""

    half_life_days: float
    counted: float
    expected: float


@dataclass(frozen=True)
class Trend:
    """Products by how much they gain; `gains` is None where the shop has no times."""

    viewing: Viewing
    gains: Gains | None

    def demand(self, position: int) -> list[Demand]:
        """What a product's place rests on, the shortest half-life first."""
        if self.gains is None:
            return []
        counts = zip(self.gains.counted[:, position], self.gains.expected[:, position], strict=True)
        found = zip(self.gains.half_lives, counts, strict=True)
        return [Demand(days, float(counted), float(expected)) for days, (counted, expected) in found]


def trending(state: LiveState, as_of: datetime) -> Trend:
    """What gains at the minute of a moment."""
    gains, scorer = state.gains(as_of), state.scorer
    scores = np.zeros(scorer.size) if gains is None else gains.score
    gaining = replace(scorer, alive=scorer.alive & (scores > 0))
    gaining.__dict__["positions"] = scorer.positions  # the same, and long to make again
    viewing = nobody(replace(state, scorer=gaining, index=None), as_of)
    return Trend(replace(viewing, scores=scores, by=(_GAINS,)), gains)

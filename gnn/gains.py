"""What gains now: products that are met more often of late than their share of all demand foretells.

    e_h(i) = c_∞(i) · Σ_j c_h(j) / Σ_j c_∞(j)
    gain(i) = mean over h of (c_h(i) - e_h(i)) / √(e_h(i) + 1)

c_h are decayed counts (`gnn.popularity`) of the shortest half-lives h, c_∞ those of the longest. A product's share of
the shop's own demand is what is compared, so that a season in which all of a shop sells more raises nobody. The
deviation is in standard deviations of a count that is expected (Poisson), softened by one event: a single event makes
no wave, and a hundred more of what sells by the thousands make a small one.
"""

from dataclasses import dataclass

import numpy as np

from gnn.data import Int64
from gnn.paths import FloatArray
from gnn.popularity import Pulse

RECENT = 2
"""Half-lives that are now: the shortest ones of the data."""


@dataclass(frozen=True)
class Gains:
    """How much each product gains at a moment.

    Shapes:
        half_lives: (H,) in days.
        counted, expected: (H, N).
        score: (N,); zero where nothing can be compared.
    """

    half_lives: tuple[float, ...]
    counted: FloatArray
    expected: FloatArray
    score: FloatArray


def gains(pulse: Pulse, as_of_ms: int, products: Int64, time_ms: Int64) -> Gains:
    """What gains at a moment, of what was met by then.

    Args:
        pulse: the model's own counts.
        as_of_ms: the moment; before the model's own it is the model's own.
        products: (E,) positions of what was met since the model's moment.
        time_ms: (E,) when, not after `as_of_ms`.
    """
    counts = pulse.counted(max(as_of_ms, pulse.as_of_ms), products, time_ms)
    recent, always = counts[:-1][:RECENT], counts[-1]
    share = recent.sum(axis=1) / max(float(always.sum()), 1e-12)
    expected = np.outer(share, always)
    deviation = (recent - expected) / np.sqrt(expected + 1.0)
    score = deviation.mean(axis=0) if len(recent) else np.zeros(len(always))
    return Gains(pulse.horizons[:-1][:RECENT], recent, expected, score)

"""How often what was shown is chosen: counts and rates by model, placement and rank."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from graph import ServedCount


@dataclass(frozen=True)
class ClickThrough:
    """What came of the products that one model put to one rank in one way.

    `rate` is clicked / shown. `weighted_rate` is `weighted_rate` of this module.
    """

    model: str
    placement: str
    rank: int
    shown: int
    clicked: int
    bought: int
    rate: float
    weighted_rate: float | None


def click_through(counts: Iterable[ServedCount]) -> list[ClickThrough]:
    """Counts of all propensities together, by model, placement and rank."""

    def place(count: ServedCount) -> tuple[str, str, int]:
        return count.model, count.placement, count.rank

    return [_row(*key, list(some)) for key, some in groupby(sorted(counts, key=place), key=place)]


def weighted_rate(counts: Iterable[ServedCount]) -> float | None:
    """Click-through with each product weighted by the inverse of its propensity: Σ clicked / p over Σ shown / p.

    Where products are drawn for a place at random with known probabilities, the plain rate is that of the products
    that were drawn most. This one is what it would be if all that can be drawn came equally often (the self-normalised
    estimator of inverse propensity scores). What was shown with an unknown propensity is left out; None where nothing
    is left.
    """
    known = [(count.propensity, count) for count in counts if count.propensity]
    shown = sum(count.shown / propensity for propensity, count in known)
    return sum(count.clicked / propensity for propensity, count in known) / shown if shown else None


def _row(model: str, placement: str, rank: int, counts: Sequence[ServedCount]) -> ClickThrough:
    shown, clicked, bought = (sum(getattr(c, name) for c in counts) for name in ("shown", "clicked", "bought"))
    return ClickThrough(model, placement, rank, shown, clicked, bought, clicked / shown, weighted_rate(counts))

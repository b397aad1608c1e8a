"""Popularity: everybody gets what most people bought, lately."""

import numpy as np
import numpy.typing as npt

from gnn.baselines.common import Deadline, Fitted, Goal, best, sampled, tuning_note
from gnn.data import Float32, Shop
from gnn.tasks import Questions, Ranker, Split
from gnn.units import MS_PER_DAY

HALF_LIVES = (3.0, 7.0, 15.0, 30.0, 90.0, 1e6)
"""Days to choose from; the last is popularity over all time."""


def popularity(shop: Shop, half_life: float) -> npt.NDArray[np.float64]:
    """(N,) target events of each product, halved for every half-life of their age."""
    events = shop.events
    bought = events.behaviour == shop.target
    age = np.maximum(shop.as_of_ms - events.time_ms[bought], 0) / MS_PER_DAY
    weights = np.exp2(-age / half_life)
    return np.asarray(np.bincount(events.product[bought], weights=weights, minlength=shop.products), np.float64)


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted:
    """Popularity with the best half-life; over all time where the events have no different times."""
    asked = sampled(validation.questions, seed)
    choices = HALF_LIVES[::-1] if np.ptp(shop.events.time_ms) else HALF_LIVES[-1:]
    half_life, complete = best(
        choices, lambda choice: goal(_ranker(validation.seen, choice), asked), Deadline.after(seconds)
    )
    return Fitted(_ranker(shop, half_life), {"half_life_days": half_life}, complete, tuning_note(complete))


def _ranker(shop: Shop, half_life: float) -> Ranker:
    scores = popularity(shop, half_life).astype(np.float32)

    def answer(questions: Questions) -> Float32:
        return np.tile(scores, (len(questions), 1))

    return answer

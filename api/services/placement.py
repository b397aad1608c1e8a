"""Lists that are not in the order of the scores alone: what a caller and the rules of the shop may ask for.

The best by score are put into an order in which neighbours are less alike; some slots of that list go to products that
few have met, drawn at random; and pinned products are put at their places. The same moment, options and seed give the
same list however far it is followed, so that a page can begin where another one ended.

Of u drawn evenly from 0 to 1, slot k explores where floor(k · ε + u) > floor((k - 1) · ε + u): the share ε of all
slots, as even as can be, and each one with the probability ε.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from api.services.catalogue import BoolArray
from api.services.checks import finite
from api.services.errors import BadInputError
from api.services.viewing import Placement, Viewing
from gnn.diversity import Pool, diversified
from gnn.exposure import people_met
from gnn.paths import IntArray
from gnn.scoring import top
from graph.times import to_ms

POOL = 150
"""How many of the best by score diversity chooses from; what follows is in the order of the scores."""

_SEEDS = 2**31
_MIXERS = tuple(np.uint64(factor) for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_LEAST_MET = 0.25
"""Of what is further down, the share that was met by the fewest is what exploration draws from."""


@dataclass(frozen=True)
class Options:
    """How a list is to be put together. The seed is that of the moment where none is given."""

    diversity: float = 0.0
    exploration: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, share in (("diversity", self.diversity), ("exploration", self.exploration)):
            field = f"options.{name}"
            finite(share, field)
            if not 0 <= share <= 1:
                remedy = "give a number from 0 to 1, or leave it out"
                raise BadInputError(f"{name} is {share:g}; it must be from 0 to 1", field=field, remedy=remedy)
        if self.seed is not None and self.seed < 0:
            remedy = "give a number from 0 on, or leave it out"
            raise BadInputError(f"seed is {self.seed}", field="options.seed", remedy=remedy)

    @property
    def moves(self) -> bool:
        """Whether a list is not in the order of its scores."""
        return self.diversity > 0 or self.exploration > 0

    def seed_at(self, as_of: datetime) -> int | None:
        """What the random numbers of a list of a moment come from; None where there are none."""
        if not self.exploration:
            return None
        return to_ms(as_of) % _SEEDS if self.seed is None else self.seed


class Slot(NamedTuple):
    """A product at its place in a list."""

    position: int
    placement: Placement = "SCORE"
    rule: str | None = None
    propensity: float | None = 1.0


def pinned(viewing: Viewing, placeable: BoolArray) -> dict[int, Slot]:
    """Rank -> pinned product: the best by score of those that a rule is for. Of two for one rank the older has it."""
    slots: dict[int, Slot] = {}
    left = placeable.copy()
    for pin in viewing.rules.pins:
        best = top(viewing.scores, 1, left & _among(pin.products, len(left)))
        if not len(best) or pin.rule.position is None:
            continue
        rank = pin.rule.position
        while rank in slots:
            rank += 1
        slots[rank] = Slot(int(best[0]), "RULE", pin.rule.id)
        left[best] = False
    return slots


def place(viewing: Viewing, placeable: BoolArray, known: BoolArray, options: Options, length: int) -> list[Slot]:
    """The first products of a list.

    Args:
        viewing: scores, of all that is known and of what is pinned, and rules.
        placeable: (N,) products that may be in it.
        known: (N,) those that are ranked by score: all, or at least the best `POOL` and `length`.
        options: how it is put together.
        length: how many.
    """
    pins = pinned(viewing, placeable)
    left = placeable.copy()
    left[[slot.position for slot in pins.values()]] = False
    seed = options.seed_at(viewing.as_of)
    if seed is None:
        return _with_pins(_ordered(viewing, left & known, options.diversity, POOL, length), pins, length)
    sure = min(POOL, int(np.count_nonzero(left)) // 2)
    slots = _ordered(viewing, left & known, options.diversity, sure, length)
    return _with_pins(_explored(viewing, left, slots, sure, options.exploration, seed, length), pins, length)


def _ordered(viewing: Viewing, candidates: BoolArray, diversity: float, size: int, length: int) -> list[Slot]:
    """The best by score, the first `size` of them in the order that diversity gives them as far as `length`."""
    best = top(viewing.scores, max(POOL, length), candidates)
    slots = [Slot(position) for position in best.tolist()]
    if not diversity:
        return slots
    head = best[:size]
    rows = diversified(viewing.scores[head], Pool.of(viewing.state.scorer, head), diversity, length).tolist()
    rows += sorted(set(range(len(head))).difference(rows))
    moved = [slots[row] if row == at else slots[row]._replace(placement="DIVERSITY") for at, row in enumerate(rows)]
    return moved + slots[len(head) :]


def _explored(
    viewing: Viewing, left: BoolArray, slots: Sequence[Slot], sure: int, share: float, seed: int, length: int
) -> list[Slot]:
    """A list in which some slots go to products that few have met; of the first `sure` none is drawn."""
    rarely = _rarely_met(viewing, left, slots[:sure])
    ids = viewing.state.scorer.product_ids
    offset = float(np.random.default_rng(seed).random())
    drawn = rarely[np.argsort(_drawn([ids[at] for at in rarely.tolist()], seed), kind="stable")].tolist()
    shown: set[int] = set()
    unmet = (position for position in drawn if position not in shown)
    following = ((at, slot) for at, slot in enumerate(slots) if slot.position not in shown)
    found: list[Slot] = []
    deep = False  # whether anything was shown by its score that might have been drawn
    while len(found) < length:
        k = len(found) + 1
        explores = math.floor(k * share + offset) > math.floor((k - 1) * share + offset)
        position = next(unmet, None) if explores else None
        if position is not None:
            certain = not deep and math.ceil((k - 1) * share) < len(drawn)
            slot = Slot(position, "EXPLORATION", None, share / len(drawn) if certain else None)
        else:
            at, ranked = next(following, (0, None))
            if ranked is None:
                break
            deep = deep or at >= sure
            certain = not deep and math.ceil(k * share) <= len(drawn)
            slot = ranked._replace(propensity=_propensity(k, k - 1 - at, share) if certain else None)
        found.append(slot)
        shown.add(slot.position)
    return found


def _drawn(products: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    """(P,) random numbers that each product has by its id, whatever the others are and wherever a process has it."""
    codes = np.array([crc32(product.encode()) for product in products], np.uint64)
    mixed = (codes << np.uint64(32)) ^ np.uint64(seed)
    for factor in _MIXERS:  # splitmix64 (Steele et al. 2014)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * factor
    return mixed ^ (mixed >> np.uint64(31))


def _propensity(k: int, before: int, share: float) -> float:
    """How probable it is that slot k does not explore and that as many as that did before it."""
    return max(0.0, min(1.0, before + 1 - k * share) - max(0.0, before - (k - 1) * share))


def _rarely_met(viewing: Viewing, left: BoolArray, sure: Sequence[Slot]) -> IntArray:
    """What was met by the fewest people of all that may be shown, but for what surely is."""
    candidates = left.copy()
    candidates[[slot.position for slot in sure]] = False
    positions = np.flatnonzero(candidates)
    if not len(positions):
        return positions
    met = people_met(viewing.state.scorer)[positions]
    return positions[met <= np.quantile(met, _LEAST_MET)]


def _with_pins(slots: Sequence[Slot], pins: Mapping[int, Slot], length: int) -> list[Slot]:
    """A list with pinned products at their ranks, or at its end where it is shorter."""
    found: list[Slot] = []
    following = iter(slots)
    for rank in range(1, length + 1):
        slot = pins.get(rank) or next(following, None)
        if slot is not None:
            found.append(slot)
    late = [slot for rank, slot in sorted(pins.items()) if rank > length]
    return found if len(found) >= length else found + late[: length - len(found)]


def _among(positions: IntArray, size: int) -> BoolArray:
    mask = np.zeros(size, bool)
    mask[positions] = True
    return mask

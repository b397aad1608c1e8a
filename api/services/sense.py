"""Whether words mean anything in a shop: what made-up words reach is as good as nothing.

The nearest product by meaning is there for any words, also for such as nobody has ever used. So words that mean
nothing are made up, of letters drawn at random, and looked up among the shop's own products: what their nearest
products score bounds what counts.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from api.services.interests import Listener
from api.services.live import LiveState
from gnn.meaning import nearness, resemblance
from gnn.paths import FloatArray

_LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
_MADE_UP, _SEED = 64, 1
_SHORTEST, _LONGEST = 3, 9
_HARDLY = 0.95
"""Share of what is made up that is to be found meaningless."""
# Models whose bound is kept: the one that is served, and one that goes or comes.
_KEPT = 2


def made_up(count: int = _MADE_UP, seed: int = _SEED) -> list[str]:
    """Words that mean nothing, every other time two of them; the same for the same seed."""
    generator = np.random.default_rng(seed)

    def word() -> str:
        return "".join(generator.choice(_LETTERS, int(generator.integers(_SHORTEST, _LONGEST + 1))))

    return [" ".join(word() for _ in range(1 + number % 2)) for number in range(count)]


def bound(reached: Sequence[float]) -> float:
    """The cosine from which words mean something, by what made-up ones reach with the product nearest to each."""
    return float(np.quantile(reached, _HARDLY))


class Sense:
    """Tells words that mean something in a shop from others; found out for each model when it is first asked."""

    def __init__(self, listener: Listener) -> None:
        """Args:
        listener: reads words.
        """
        self._listener = listener
        self._bounds: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def has(self, state: LiveState, meaning: FloatArray) -> bool:
        """Whether words whose cosines with all products are known, (N,), mean anything."""
        return nearness(state.scorer, meaning) >= self._bound(state)

    def _bound(self, state: LiveState) -> float:
        version = state.model_version
        with self._lock:
            if version not in self._bounds:
                found = self._found_out(state)
                if found is None:
                    return 0.0  # asked again at the next search
                self._bounds[version] = found
                while len(self._bounds) > _KEPT:
                    self._bounds.popitem(last=False)
            return self._bounds[version]

    def _found_out(self, state: LiveState) -> float | None:
        vectors = self._listener.vectors(made_up())
        if vectors is None:
            return None
        meanings = [resemblance(state.scorer, vector) for vector in vectors]
        reached = [nearness(state.scorer, meaning) for meaning in meanings if meaning is not None]
        return bound(reached) if reached else None

"""Matrix factorisation by the `implicit` package, an epoch at a time: what BPR and ALS share."""

from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp

from gnn.baselines.common import Deadline, dot_ranker, interactions
from gnn.data import Shop, TrainingError
from gnn.tasks import Ranker

MOST_FACTORS = 64


def factors_for(shop: Shop) -> int:
    """64, but in a small shop a quarter of its products or users: more would repeat what was done, not generalise."""
    return max(1, min(MOST_FACTORS, shop.products // 4, shop.users // 4))


def implicit_module(name: str) -> ModuleType:
    """`implicit.cpu.<name>`, imported when it is needed.

    Raises:
        TrainingError: the package is not installed.
    """
    try:
        return import_module(f"implicit.cpu.{name}")
    except ImportError as error:
        raise TrainingError(
            f'the baseline "{name}" needs the package implicit ({error}); install it with `pip install implicit`'
        ) from error


class Factorisation:
    """Training of a model of `implicit`; each epoch is one call of its `fit`, which goes on where it was.

    Args:
        model: set to one iteration, with a numpy generator as its random state: from a number it would
            draw the same samples in each epoch.
    """

    def __init__(self, model: Any, shop: Shop) -> None:
        self._model = model
        self._matrix = interactions(shop)
        # implicit warns about sparse arrays, and wants the older matrices.
        self._old_form = sp.csr_matrix(self._matrix)

    def epoch(self, deadline: Deadline) -> bool:
        """One iteration; the first is done even if the time is over, as there are no factors before it."""
        if deadline.over() and self._model.item_factors is not None:
            return False
        with single_blas_thread():
            self._model.fit(self._old_form, show_progress=False)
        return True

    def ranker(self) -> Ranker:
        """Dot products of copies of the factors."""
        if self._model.item_factors is None:
            self.epoch(Deadline.after(0.0))
        users = np.array(self._model.user_factors, np.float32)
        return dot_ranker(users, np.array(self._model.item_factors, np.float32), self._matrix)


def single_blas_thread() -> Any:
    """A context in which BLAS has one thread: implicit has its own, is slow with more, and warns."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # implicit depends on it

    return threadpool_limits(1, "blas")

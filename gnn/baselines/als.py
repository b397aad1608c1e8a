"""ALS: weighted matrix factorisation by alternating least squares (Hu, Koren and Volinsky 2008).

Solved by conjugate gradients (Takács, Pilászy and Tikk 2011), as `implicit` has it.
"""

import numpy as np
import torch

from gnn.baselines.common import Fitted, Goal
from gnn.baselines.epochs import Patience, Settings, Training, fit_in_epochs
from gnn.baselines.factors import Factorisation, factors_for, implicit_module, single_blas_thread
from gnn.data import Shop
from gnn.tasks import Split

CHOICES: tuple[Settings, ...] = tuple(
    {"alpha": alpha, "regularization": penalty} for alpha in (10.0, 1.0, 40.0) for penalty in (1.0, 10.0, 0.1)
)
"""`alpha` is the weight of a pair that was met, where 1 is that of a pair that was not."""
_PATIENCE = Patience(every=2, epochs=6)


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted:
    """ALS with the best weight, regularisation and number of iterations.

    Raises:
        TrainingError: the package implicit is not installed.
    """
    module = implicit_module("als")

    def start(shop: Shop, settings: Settings) -> Training:
        with single_blas_thread():
            model = module.AlternatingLeastSquares(
                factors=factors_for(shop),
                iterations=1,
                num_threads=torch.get_num_threads(),
                random_state=np.random.default_rng(seed),
                **settings,
            )
        return Factorisation(model, shop)

    return fit_in_epochs(start, CHOICES, _PATIENCE, shop, validation, goal, seconds=seconds, seed=seed)

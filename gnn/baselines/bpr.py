"""BPR: matrix factorisation that ranks what a user met above what not (Rendle et al. 2009)."""

import numpy as np

from gnn.baselines.common import Fitted, Goal
from gnn.baselines.epochs import Patience, Settings, Training, fit_in_epochs
from gnn.baselines.factors import Factorisation, factors_for, implicit_module, single_blas_thread
from gnn.data import Shop
from gnn.tasks import Split

CHOICES: tuple[Settings, ...] = tuple(
    {"learning_rate": rate, "regularization": penalty} for penalty in (0.01, 0.001) for rate in (0.02, 0.05)
)
_PATIENCE = Patience(every=5, epochs=40)


def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted:
    """BPR with the best learning rate, regularisation and number of epochs.

    Raises:
        TrainingError: the package implicit is not installed.
    """
    module = implicit_module("bpr")

    def start(shop: Shop, settings: Settings) -> Training:
        # One thread: several write over each other's steps, and no run would be like another.
        with single_blas_thread():
            model = module.BayesianPersonalizedRanking(
                factors=factors_for(shop),
                iterations=1,
                num_threads=1,
                random_state=np.random.default_rng(seed),
                **settings,
            )
        return Factorisation(model, shop)

    return fit_in_epochs(start, CHOICES, _PATIENCE, shop, validation, goal, seconds=seconds, seed=seed)

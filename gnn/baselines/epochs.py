"""Fitting models that learn epoch by epoch, within a time budget.

At most 60 % of the time goes to training on the validation part, stopped when the goal has not risen for
a while; that chooses the settings and the number of epochs. The final model is trained on the shop for as
many epochs, or until the time is over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gnn.baselines.common import Deadline, Fitted, Goal, sampled
from gnn.data import Shop
from gnn.tasks import Ranker, Split

SEARCH_SHARE = 0.6
MOST_EPOCHS = 1_000

Settings = Mapping[str, float]


class Training(Protocol):
    """A model that is being trained on one shop."""

    def epoch(self, deadline: Deadline) -> bool:
        """Trains for an epoch; False if the deadline came before its end."""

    def ranker(self) -> Ranker:
        """The model as it is now, even before any epoch; to be asked before the next epoch."""


@dataclass(frozen=True)
class Patience:
    """Every how many epochs is looked at the goal, and after how many without a rise training stops."""

    every: int
    epochs: int


@dataclass(frozen=True)
class _Search:
    settings: Settings
    epochs: int
    score: float
    converged: bool


def fit_in_epochs(
    start: Callable[[Shop, Settings], Training],
    choices: Sequence[Settings],
    patience: Patience,
    shop: Shop,
    validation: Split,
    goal: Goal,
    *,
    seconds: float,
    seed: int,
) -> Fitted:
    """Chooses settings and epochs on the validation part and trains on the shop.

    Args:
        start: begins a training; called anew for each choice and for the final model.
        choices: settings to try, with an equal share of the search each; the default ones first.
    """
    deadline = Deadline.after(seconds)
    asked = Split(validation.seen, sampled(validation.questions, seed))
    search = deadline.share(SEARCH_SHARE)
    found = _Search(choices[0], 0, -np.inf, converged=False)
    for number, settings in enumerate(choices):
        if search.over():
            break
        share = search.share(1.0 / (len(choices) - number))
        tried = _searched(start(validation.seen, settings), settings, asked, goal, share, patience)
        found = tried if tried.score > found.score else found
    return _final(start(shop, found.settings), found, deadline)


def _searched(
    training: Training, settings: Settings, asked: Split, goal: Goal, deadline: Deadline, patience: Patience
) -> _Search:
    best, highest = 0, -np.inf
    for epoch in range(1, MOST_EPOCHS + 1):
        if deadline.over() or not training.epoch(deadline):
            break
        if epoch % patience.every:
            continue
        score = goal(training.ranker(), asked.questions)
        if score > highest:
            best, highest = epoch, score
        elif epoch - best >= patience.epochs:
            return _Search(settings, best, highest, converged=True)
    return _Search(settings, best, highest, converged=False)


def _final(training: Training, found: _Search, deadline: Deadline) -> Fitted:
    """Trains for the epochs found; if they were not, for as long as there is time."""
    wanted = found.epochs if found.converged else MOST_EPOCHS
    done = 0
    while done < wanted and training.epoch(deadline):
        done += 1
        if deadline.over():
            break
    converged = found.converged and done == wanted
    tuned = {**found.settings, "epochs": float(done)}
    return Fitted(training.ranker(), tuned, converged, _note(found, done, converged))


def _note(found: _Search, done: int, converged: bool) -> str:
    if converged:
        return f"{done} epochs, after which the validation metric rose no more"
    if found.converged:
        return f"had not converged: time for {done} of {found.epochs} epochs"
    return f"had not converged: the time was over while the validation metric could still rise; {done} epochs"

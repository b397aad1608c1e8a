"""What a model has to beat: the same question answered by simple, well-tuned means and by other models.

`BASELINES` are all of them by name; each is a function of the form `gnn.baselines.common.Fit`. A module is
imported when its baseline is first fitted, so that popularity needs no torch.
"""

from importlib import import_module

from gnn.baselines.common import Fit, Fitted, Goal, Skipped
from gnn.data import Shop
from gnn.tasks import Split

__all__ = ["BASELINES", "Fit", "Fitted", "Goal", "Skipped"]


def _from(module: str) -> Fit:
    def fit(shop: Shop, validation: Split, goal: Goal, *, seconds: float, seed: int) -> Fitted | Skipped:
        lazily: Fit = import_module(f"gnn.baselines.{module}").fit
        return lazily(shop, validation, goal, seconds=seconds, seed=seed)

    return fit


BASELINES: dict[str, Fit] = {
    "popularity": _from("popularity"),
    "item-knn": _from("item_knn"),
    "ease": _from("ease"),
    "gf-cf": _from("gf_cf"),
    "bpr": _from("bpr"),
    "als": _from("als"),
    "lightgcn": _from("lightgcn"),
    "hetero-sage": _from("hetero_sage"),
    "sasrec": _from("sasrec"),
}

"""Evaluation by time: trained on what came before, asked for what people first bought after.

Every model answers the same users with the same products left out, and each is tuned on a part cut
from the training data, never on the test part. What is ranked is the serving form: the scores come
from `gnn.scoring`, as they would over HTTP.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn import metrics
from gnn.baselines.item_knn import NEIGHBOURS, SHRINKAGES, interactions, neighbours
from gnn.baselines.popularity import HALF_LIVES, popularity
from gnn.build import build, fit_split
from gnn.data import Shop, TrainingError, read_shop
from gnn.histories import Histories, histories
from gnn.paths import FloatArray, IntArray
from gnn.scoring import Scorer, top
from gnn.splits import Pairs, Split, split_by_time
from gnn.train import choose_device
from schema.progress import Report, silent
from schema.snapshot import Snapshot

Ranker = Callable[[int], FloatArray]
"""Scores of all products for the user at a position."""
LeftOut = Callable[[int], IntArray]
"""Products that are not ranked for the user at a position."""

_PER_USER = {
    "recall": metrics.recall,
    "ndcg": metrics.ndcg,
    "hit_rate": metrics.hit_rate,
    "precision": metrics.precision,
}


@dataclass(frozen=True)
class Evaluation:
    """Metrics by question and model.

    Attributes:
        questions: "first", "repeat" or "newcomers" -> its numbers of users and answers.
        metrics: question -> model -> "recall@20" and so on.
        tuned: what was chosen for each baseline on the validation part.
        seconds: model -> training and ranking together.
    """

    k: tuple[int, ...]
    cut: datetime
    questions: dict[str, dict[str, int]]
    metrics: dict[str, dict[str, dict[str, float]]]
    tuned: dict[str, dict[str, float]]
    seconds: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `models` holds the main question, first purchases by known users."""
        return {
            "k": list(self.k),
            "cut": self.cut.isoformat(),
            "questions": self.questions,
            "models": self.metrics["first"],
            "segments": {name: found for name, found in self.metrics.items() if name != "first"},
            "tuned": self.tuned,
            "seconds": self.seconds,
        }


def evaluate(
    snapshot: Snapshot,
    *,
    k: Sequence[int] = (10, 20),
    seed: int = 0,
    device: str | None = None,
    report: Report = silent,
) -> Evaluation:
    """Trains on all but the last part of the time and answers for that part, beside the baselines.

    Raises:
        TrainingError: the snapshot holds no events after the cut to ask for, or no `k` is positive.
    """
    if not k or min(k) < 1:
        raise TrainingError(f"k = {list(k)}: give lengths of lists of at least 1")
    split = split_by_time(read_shop(snapshot))
    if not len(split.first):
        raise TrainingError(f"{snapshot.path}: nobody bought anything new in the last part of the time; nothing to ask")
    inner = split_by_time(split.seen)
    rankers, tuned, seconds = {}, {}, {}
    started = time.perf_counter()
    scorer = _trained(split, inner, seed, choose_device(device), report)
    rankers["pathrec"] = scorer_ranker(scorer, histories(split.seen), split)
    seconds["pathrec"] = time.perf_counter() - started
    for name, baseline in (("popularity", _tuned_popularity), ("item-knn", _tuned_knn)):
        started = time.perf_counter()
        rankers[name], tuned[name] = baseline(split, inner, max(k))
        seconds[name] = time.perf_counter() - started
    questions = {"first": split.first, "repeat": split.repeat, "newcomers": split.newcomers}
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in questions}
    owned = _bought(split.seen)
    for number, (model, ranker) in enumerate(rankers.items()):
        started = time.perf_counter()
        for name, pairs in questions.items():
            found[name][model] = _measure(ranker, split, pairs, k, _nothing if name == "repeat" else owned)
        seconds[model] += time.perf_counter() - started
        report("answering the test part", number + 1, len(rankers))
    return Evaluation(
        k=tuple(k),
        cut=datetime.fromtimestamp(split.cut_ms / 1000, UTC),
        questions={n: {"users": len(np.unique(p.user)), "answers": len(p)} for n, p in questions.items()},
        metrics=found,
        tuned=tuned,
        seconds=seconds,
    )


def scorer_ranker(scorer: Scorer, past: Histories, split: Split) -> Ranker:
    """Scores as they are served at the moment of the cut."""
    as_of = datetime.fromtimestamp(split.cut_ms / 1000, UTC)
    users = split.seen.ids["User"]
    return lambda user: scorer.score(past.of(user), as_of, users[user])


def ranked_products(ranker: Ranker, users: IntArray, left_out: LeftOut, size: int, k: int) -> IntArray:
    """(U, k) positions of the first k products for each user, -1 where there are fewer."""
    table = np.full((len(users), k), -1, np.int64)
    for row, user in enumerate(users):
        allowed = np.ones(size, bool)
        allowed[left_out(int(user))] = False
        best = top(ranker(int(user)), k, allowed)
        table[row, : len(best)] = best
    return table


def _trained(split: Split, inner: Split, seed: int, device: str, report: Report) -> Scorer:
    fitted = fit_split(inner, seed=seed, device=device, report=report)
    return build(split.seen, fitted, seed=seed, device=device, version="evaluation", report=report)


def _measure(ranker: Ranker, split: Split, pairs: Pairs, k: Sequence[int], left_out: LeftOut) -> dict[str, float]:
    users = np.unique(pairs.user)
    if not len(users):
        return {}
    ranked = ranked_products(ranker, users, left_out, split.seen.products, max(k))
    hits, answers = hits_and_answers(ranked, users, pairs, split.seen.products)
    result = {
        f"{name}@{cut}": float(metric(hits, answers, cut).mean()) for name, metric in _PER_USER.items() for cut in k
    }
    return result | {f"coverage@{cut}": metrics.coverage(ranked, split.seen.products, cut) for cut in k}


def hits_and_answers(
    ranked: IntArray, users: IntArray, pairs: Pairs, size: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """(U, k) where an answer stands, and (U,) how many answers each user has."""
    asked = pairs.user.astype(np.int64) * size + pairs.product
    keys = users.astype(np.int64)[:, None] * size + ranked
    return np.isin(keys, asked) & (ranked >= 0), np.bincount(np.searchsorted(users, pairs.user), minlength=len(users))


def _nothing(user: int) -> IntArray:
    return np.empty(0, np.int64)


def _bought(shop: Shop) -> LeftOut:
    past = histories(shop)

    def products(user: int) -> IntArray:
        history = past.of(user)
        return np.asarray(history.products[history.behaviours == shop.target])

    return products


def _recall(ranker: Ranker, split: Split, k: int, left_out: LeftOut) -> float:
    return _measure(ranker, split, split.first, [k], left_out).get(f"recall@{k}", 0.0)


def _tuned_popularity(split: Split, inner: Split, k: int) -> tuple[Ranker, dict[str, float]]:
    def ranker(shop: Shop, half_life: float) -> Ranker:
        scores = popularity(shop, half_life)
        return lambda user: scores

    owned = _bought(inner.seen)
    best = max(HALF_LIVES, key=lambda half_life: _recall(ranker(inner.seen, half_life), inner, k, owned))
    return ranker(split.seen, best), {"half_life_days": best}


def _tuned_knn(split: Split, inner: Split, k: int) -> tuple[Ranker, dict[str, float]]:
    def ranker(matrix: sp.csr_array, count: int, shrinkage: float) -> Ranker:
        nearest = neighbours(matrix, count, shrinkage).T.tocsr()
        return lambda user: np.asarray(nearest @ matrix[[user]].toarray().ravel())

    choices = [(count, shrinkage) for count in NEIGHBOURS for shrinkage in SHRINKAGES]
    owned, before = _bought(inner.seen), interactions(inner.seen)
    best = max(choices, key=lambda choice: _recall(ranker(before, *choice), inner, k, owned))
    return ranker(interactions(split.seen), *best), {"neighbours": float(best[0]), "shrinkage": best[1]}

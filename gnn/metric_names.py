"""The names of metrics, "recall@20" or "auc", and what questions must hold for each of them.

The metrics themselves are in `gnn.metrics`.
"""

from collections.abc import Callable, Mapping

import numpy as np

from gnn import metrics
from gnn.metrics import Counts, Hits
from gnn.paths import FloatArray
from gnn.ranking import contains, repeated
from gnn.tasks import Questions, Ragged
from schema.errors import PathrecError, suggestion

BY_HITS: Mapping[str, Callable[[Hits, Counts, int], FloatArray]] = {
    "recall": metrics.recall,
    "precision": metrics.precision,
    "hit_rate": metrics.hit_rate,
    "ndcg": metrics.ndcg,
    "map": metrics.average_precision,
    "mrr": metrics.reciprocal_rank,
}
_BY_PRODUCTS = ("novelty", "popularity", "diversity")
OVERALL = {"coverage": metrics.coverage, "gini": metrics.gini}
BY_SCORES = ("auc", "auc_within")
NO_MEAN = ("auc", *OVERALL)
NAMES = (*(f"{name}@k" for name in (*BY_HITS, *_BY_PRODUCTS, *OVERALL)), *BY_SCORES)


class MetricError(PathrecError):
    """A metric has no such name, or the questions do not hold what it needs."""


def parse(name: str) -> tuple[str, int]:
    """Metric and length of the list, "recall@20" -> ("recall", 20); 0 for metrics of scores.

    Raises:
        MetricError: there is no such metric, or its k is missing, too much or not a positive number.
    """
    metric, at, k = name.partition("@")
    if name in BY_SCORES:
        return name, 0
    if metric in BY_SCORES:
        raise MetricError(f"{name!r}: {metric} looks at all scores and takes no k; write {metric}")
    if f"{metric}@k" not in NAMES:
        raise MetricError(f"there is no metric {name!r}; {suggestion(metric + '@k' * bool(at), NAMES)}")
    if not (k.isascii() and k.isdigit() and int(k)):
        raise MetricError(f"{name!r}: give the length of the list as a positive number, as in {metric}@20")
    return metric, int(k)


def require_measurable(questions: Questions, wanted: Mapping[str, tuple[str, int]]) -> None:
    """Refuses questions that a metric would say nothing of, or something wrong.

    Args:
        questions: what is asked.
        wanted: name -> metric and length of the list, as of `parse`.

    Raises:
        MetricError: saying which question or metric it is.
    """
    if not wanted:
        raise MetricError(f"no metric was asked for; {suggestion('', NAMES)}")
    if not len(questions):
        raise MetricError("there are no questions to measure on; hold some data out of the shop that is learned from")
    answers, candidates = questions.answers, questions.candidates
    if not len(answers.products):
        raise MetricError(f"none of the {len(questions)} questions has an answer; there is nothing to measure")
    _require_distinct(answers, "answers")
    if candidates is not None:
        _require_distinct(candidates, "candidates")
        missing = np.flatnonzero(~contains(candidates, answers.rows(), answers.products))
        if len(missing):
            row, product = answers.rows()[missing[0]], answers.products[missing[0]]
            raise MetricError(f"question {row}: its answer {product} is not among its candidates; add it to them")
    for name in sorted(set(wanted) & set(BY_SCORES)):
        _require_labels(name, answers, candidates)


def _require_distinct(lists: Ragged, what: str) -> None:
    if twice := repeated(lists):
        raise MetricError(f"question {twice[0]}: product {twice[1]} is twice among its {what}; keep one")


def _require_labels(name: str, answers: Ragged, candidates: Ragged | None) -> None:
    if candidates is None:
        raise MetricError(f"{name} compares answers with other candidates, but these questions are about all products")
    right, wrong = answers.lengths(), candidates.lengths() - answers.lengths()
    if not (wrong.any() if name == "auc" else ((right > 0) & (wrong > 0)).any()):
        raise MetricError(f"{name} needs candidates that are no answers{'' if name == 'auc' else ' beside answers'}")

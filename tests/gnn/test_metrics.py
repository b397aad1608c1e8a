import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from gnn import metrics

HITS = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]], bool)
ANSWERS = np.array([3, 2, 1])


def test_values_worked_out_by_hand():
    assert metrics.recall(HITS, ANSWERS, 2) == pytest.approx([1 / 3, 0, 1])
    assert metrics.precision(HITS, ANSWERS, 4) == pytest.approx([0.5, 0, 0.25])
    assert metrics.hit_rate(HITS, ANSWERS, 1) == pytest.approx([1, 0, 0])
    ideal = 1 + 1 / np.log2(3) + 0.5
    assert metrics.ndcg(HITS, ANSWERS, 3) == pytest.approx([(1 + 0.5) / ideal, 0, 1 / np.log2(3)])


def test_ndcg_equals_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    for _ in range(20):
        scores, relevant = generator.normal(size=(1, 30)), generator.random((1, 30)) < 0.2
        if not relevant.any():
            continue
        order = np.argsort(-scores)[:, :10]
        hits = np.take_along_axis(relevant, order, 1)
        assert metrics.ndcg(hits, relevant.sum(1), 10)[0] == pytest.approx(ndcg_score(relevant, scores, k=10))


def test_coverage_counts_products_once_and_no_empty_places():
    ranked = np.array([[0, 1, 2], [0, 3, -1]])
    assert metrics.coverage(ranked, 10, 2) == pytest.approx(0.3)
    assert metrics.coverage(ranked, 10, 3) == pytest.approx(0.4)

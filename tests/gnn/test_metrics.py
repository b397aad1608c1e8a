import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity
from torchmetrics.classification import BinaryAUROC
from torchmetrics.retrieval import (
    RetrievalHitRate,
    RetrievalMAP,
    RetrievalMRR,
    RetrievalNormalizedDCG,
    RetrievalPrecision,
    RetrievalRecall,
)

from gnn import metrics

HITS = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]], bool)
ANSWERS = np.array([3, 2, 1])
PER_LIST = [
    metrics.recall,
    metrics.precision,
    metrics.hit_rate,
    metrics.ndcg,
    metrics.average_precision,
    metrics.reciprocal_rank,
]


def test_values_worked_out_by_hand():
    assert metrics.recall(HITS, ANSWERS, 2) == pytest.approx([1 / 3, 0, 1])
    assert metrics.precision(HITS, ANSWERS, 4) == pytest.approx([0.5, 0, 0.25])
    assert metrics.hit_rate(HITS, ANSWERS, 1) == pytest.approx([1, 0, 0])
    ideal = 1 + 1 / np.log2(3) + 0.5
    assert metrics.ndcg(HITS, ANSWERS, 3) == pytest.approx([(1 + 0.5) / ideal, 0, 1 / np.log2(3)])
    assert metrics.average_precision(HITS, ANSWERS, 4) == pytest.approx([(1 + 2 / 3) / 3, 0, 0.5])
    assert metrics.average_precision(HITS, ANSWERS, 2) == pytest.approx([1 / 2, 0, 0.5])
    assert metrics.reciprocal_rank(HITS, ANSWERS, 4) == pytest.approx([1, 0, 0.5])
    assert metrics.reciprocal_rank(HITS, ANSWERS, 1) == pytest.approx([1, 0, 0])


@pytest.fixture(scope="module")
def judged():
    """(C, N) distinct scores and which of them are answers, at least one in each row.

    All scores are above 0: torchmetrics takes what scores 0 or less for not retrieved.
    """
    generator = np.random.default_rng(0)
    relevant = generator.random((40, 30)) < 0.2
    relevant[:, 0] |= ~relevant.any(axis=1)
    return generator.permuted(np.tile(np.arange(1.0, 31.0), (40, 1)), axis=1), relevant


def in_order(judged):
    scores, relevant = judged
    return np.take_along_axis(relevant, np.argsort(-scores), 1), relevant.sum(1)


def theirs(metric, judged):
    scores, relevant = judged
    rows = np.repeat(np.arange(len(scores)), scores.shape[1])
    return float(
        metric(
            torch.tensor(scores.ravel()), torch.tensor(relevant.ravel()), indexes=torch.tensor(rows, dtype=torch.long)
        )
    )


@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize(
    ("ours", "torchmetrics"),
    [
        (metrics.recall, RetrievalRecall),
        (metrics.precision, RetrievalPrecision),
        (metrics.hit_rate, RetrievalHitRate),
        (metrics.ndcg, RetrievalNormalizedDCG),
        (metrics.reciprocal_rank, RetrievalMRR),
    ],
)
def test_lists_are_judged_as_by_torchmetrics(ours, torchmetrics, k, judged):
    assert ours(*in_order(judged), k).mean() == pytest.approx(theirs(torchmetrics(top_k=k), judged), abs=1e-6)


def test_average_precision_of_whole_lists_is_that_of_torchmetrics_and_scikit_learn(judged):
    found = metrics.average_precision(*in_order(judged), 30)
    assert found.mean() == pytest.approx(theirs(RetrievalMAP(), judged), abs=1e-6)
    assert found == pytest.approx([average_precision_score(y, x) for x, y in zip(*judged, strict=True)])


def test_average_precision_counts_what_the_cut_leaves_out_as_missed(judged):
    # torchmetrics divides by the answers found, which makes a list with fewer of them look better.
    hits, answers = in_order(judged)
    by_found = [
        theirs(RetrievalMAP(top_k=5), (x[None], y[None])) * hit[:5].sum() / min(count, 5)
        for x, y, hit, count in zip(*judged, hits, answers, strict=True)
    ]
    assert metrics.average_precision(hits, answers, 5) == pytest.approx(by_found, abs=1e-6)


def test_ndcg_is_that_of_scikit_learn(judged):
    expected = [ndcg_score(y[None], x[None], k=10) for x, y in zip(*judged, strict=True)]
    assert metrics.ndcg(*in_order(judged), 10) == pytest.approx(expected)


ROWS = st.lists(st.booleans(), min_size=1, max_size=12)


@given(hits=ROWS, missed=st.integers(0, 5), k=st.integers(1, 15))
def test_every_metric_of_lists_is_between_0_and_1(hits, missed, k):
    answers = np.array([max(sum(hits) + missed, 1)])
    for metric in PER_LIST:
        assert 0 <= metric(np.array([hits]), answers, k)[0] <= 1 + 1e-12


@given(answers=st.integers(1, 12), k=st.integers(1, 15))
def test_answers_first_is_perfect(answers, k):
    hits = np.array([[n < answers for n in range(15)]])
    for metric in (metrics.hit_rate, metrics.ndcg, metrics.average_precision, metrics.reciprocal_rank):
        assert metric(hits, np.array([answers]), k) == pytest.approx([1])
    assert metrics.recall(hits, np.array([answers]), 15) == pytest.approx([1])
    assert metrics.precision(hits, np.array([answers]), min(k, answers)) == pytest.approx([1])


@given(hits=ROWS, k=st.integers(1, 12), data=st.data())
def test_an_answer_that_moves_up_makes_no_list_worse(hits, k, data):
    at = data.draw(st.integers(0, len(hits) - 1))
    better = list(hits)
    if at and hits[at] and not hits[at - 1]:
        better[at - 1], better[at] = True, False
    answers = np.array([max(sum(hits), 1)])
    for metric in PER_LIST:
        assert metric(np.array([better]), answers, k)[0] >= metric(np.array([hits]), answers, k)[0] - 1e-12


# What lists are made of.

RANKED = np.array([[0, 1, 2], [0, 3, -1], [-1, -1, -1]])
MET = np.array([4, 2, 0, 1])


def test_coverage_counts_products_once_and_no_empty_places():
    assert metrics.coverage(RANKED, 10, 2) == pytest.approx(0.3)
    assert metrics.coverage(RANKED, 10, 3) == pytest.approx(0.4)


def test_novelty_is_the_mean_surprise_and_what_nobody_met_counts_as_met_once():
    assert metrics.novelty(RANKED, MET, 4, 3) == pytest.approx([(0 + 1 + 2) / 3, (0 + 2) / 2, 0])
    assert metrics.novelty(RANKED, MET, 4, 1) == pytest.approx([0, 0, 0])


def test_popularity_is_the_mean_number_of_users():
    assert metrics.popularity(RANKED, MET, 3) == pytest.approx([2, 2.5, 0])


def test_gini_is_0_for_equal_exposure_and_largest_for_one_product():
    assert metrics.gini(np.array([[0, 1], [2, 3]]), 4, 2) == pytest.approx(0)
    assert metrics.gini(np.array([[2], [2]]), 4, 1) == pytest.approx(1 - 1 / 4)
    assert metrics.gini(np.full((2, 2), -1), 4, 2) == 0


@given(st.lists(st.integers(-1, 6), min_size=1, max_size=20))
def test_gini_is_half_the_relative_mean_difference(shown):
    exposure = np.bincount([p for p in shown if p >= 0], minlength=7)
    difference = np.abs(exposure[:, None] - exposure).mean()
    expected = difference / (2 * exposure.mean()) if exposure.any() else 0
    assert metrics.gini(np.array([shown]), 7, 20) == pytest.approx(expected)


def test_diversity_worked_out_by_hand():
    described = sp.csr_array(np.array([[1.0, 0], [2, 0], [0, 1], [0, 0]]))
    ranked = np.array([[0, 1, -1], [0, 2, -1], [0, 1, 2], [0, 3, -1], [0, -1, -1], [-1, -1, -1]])
    assert metrics.diversity(ranked, described, 3) == pytest.approx([0, 1, 2 / 3, 1, 0, 0])
    assert metrics.diversity(ranked, described, 2) == pytest.approx([0, 1, 0, 1, 0, 0])


def test_diversity_is_the_mean_over_pairs_of_scikit_learns_cosines():
    generator = np.random.default_rng(1)
    described = generator.random((50, 8)) * (generator.random((50, 8)) < 0.3)
    # More lists than are added up at once.
    ranked = np.array([generator.permutation(50)[:6] for _ in range(300)])
    cosine, (first, second) = cosine_similarity(described), np.triu_indices(6, 1)
    expected = [1 - cosine[np.ix_(row, row)][first, second].mean() for row in ranked]
    assert metrics.diversity(ranked, sp.csr_array(described), 6) == pytest.approx(expected)


# Scores.

# Few different values, so that many tie.
LABELLED = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def test_auc_worked_out_by_hand_with_a_tie_counted_half():
    scores, labels = np.array([3.0, 2, 2, 1]), np.array([True, True, False, False])
    assert metrics.auc(scores, labels) == pytest.approx((2 + 1.5) / 4)
    assert metrics.placements(scores, labels) == pytest.approx([1, 0.75, 0.75, 1])
    assert np.isnan(metrics.auc(scores, np.ones(4, bool)))
    assert np.isnan(metrics.auc(np.empty(0), np.empty(0, bool)))


@given(LABELLED)
def test_auc_is_that_of_scikit_learn_and_torchmetrics(rows):
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    found = metrics.auc(scores.astype(np.float32), labels)
    assert found == pytest.approx(roc_auc_score(labels, scores))
    # Scores outside [0, 1] would be put through a sigmoid.
    assert found == pytest.approx(float(BinaryAUROC()(torch.tensor((scores + 3) / 6), torch.tensor(labels).int())))


@given(LABELLED)
def test_auc_of_negated_scores_is_the_rest_of_it(rows):
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    found = metrics.auc(scores.astype(float), labels)
    assert 0 <= found <= 1
    assert metrics.auc(-scores.astype(float), labels) == pytest.approx(1 - found)
    placed = metrics.placements(scores.astype(float), labels)
    assert placed[labels].mean() == pytest.approx(found)
    assert placed[~labels].mean() == pytest.approx(found)


@given(LABELLED, st.randoms(use_true_random=False))
def test_auc_within_is_the_auc_of_each_group_alone(rows, random):
    scores, labels = (np.array(column) for column in zip(*rows, strict=True))
    groups = np.array([random.randrange(3) for _ in rows])
    found = metrics.auc_within(scores.astype(float), labels, groups, 4)
    assert np.isnan(found[3])
    for group in range(3):
        own = labels[groups == group]
        expected = roc_auc_score(own, scores[groups == group]) if len(np.unique(own)) == 2 else np.nan
        assert found[group] == pytest.approx(expected, nan_ok=True)

import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from small_shop import SmallShop

from gnn import metrics
from gnn.data import read_shop
from gnn.measure import _intervals, measure
from gnn.metric_names import NAMES, MetricError
from gnn.ranking import RankingError
from gnn.tasks import Questions, Ragged

# Users 0 to 3 have 1, 2, 3 and 4 products in their history, all of them views; user 0 bought its one.
EVENTS = [
    (0, 0, "purchase", 1.0, None),
    *((1, p, "view", 2.0, None) for p in (0, 1)),
    *((2, p, "view", 3.0, None) for p in (0, 1, 2)),
    *((3, p, "view", 4.0, None) for p in (0, 1, 2, 3)),
    (3, 3, "view", 5.0, None),
]
SCORES = np.array([[9, 4, 3, 2], [1, 2, 3, 4], [4, 3, 2, 1], [1, 1, 2, 1]], np.float32)


def ranker(asked):
    return SCORES[asked.user]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return read_shop(SmallShop(4, 4, EVENTS).write(tmp_path_factory.mktemp("s") / "s"))


def ragged(lists):
    rows = np.repeat(np.arange(len(lists)), [len(products) for products in lists])
    return Ragged.from_rows(rows, np.array([p for products in lists for p in products], np.int32), len(lists))


def questions(users, answers, candidates=None):
    named = None if candidates is None else ragged(candidates)
    return Questions(np.array(users, np.int32), np.zeros(len(users), np.int64), ragged(answers), named)


# Lists of two: user 0 without product 0 sees 1, 2; then 3, 2; then 0, 1; then 2, 0.
EVERYBODY = questions([0, 1, 2, 3], [[1], [0], [0, 1], [1]])


def test_means_worked_out_by_hand(shop):
    names = ["recall@2", "hit_rate@1", "mrr@2", "coverage@1", "novelty@1", "popularity@2", "gini@2"]
    found = measure(ranker, shop, EVERYBODY, names).metrics
    assert list(found) == names
    assert found == pytest.approx(
        {
            "recall@2": 2 / 4,
            "hit_rate@1": 2 / 4,
            "mrr@2": 2 / 4,
            "coverage@1": 1,
            "novelty@1": (np.log2(4 / 3) + np.log2(4) + 0 + np.log2(4 / 2)) / 4,
            "popularity@2": (2.5 + 1.5 + 3.5 + 3) / 4,
            # Shown 2, 2, 3 and 1 times.
            "gini@2": (-3 * 1 - 1 * 2 + 1 * 2 + 3 * 3) / (4 * 8),
        }
    )


def test_diversity_compares_by_the_nodes_of_relations_and_by_users_where_there_are_none(shop, tmp_path):
    asked = questions([2], [[0]])
    met = 1 - 3 / np.sqrt(4 * 3)  # products 0 and 1, met by four users and three of them
    assert measure(ranker, shop, asked, ["diversity@2"]).metrics["diversity@2"] == pytest.approx(met)
    edges = {"MADE_BY": [(0, 0, 0.5), (1, 0, 1.0)], "IN_CATEGORY": [(0, 1, 1.0), (0, 0, 1.0)]}
    edges["COMPLEMENTS"] = [(0, 1, 1.0)]
    nodes = {"Brand": ["b"], "Category": ["c", "d"]}
    linked = read_shop(SmallShop(4, 4, EVENTS, edges=edges, nodes=nodes).write(tmp_path / "s"))
    found = measure(ranker, linked, asked, ["diversity@2"]).metrics["diversity@2"]
    assert found == pytest.approx(1 - 1 / np.sqrt(3))


def test_users_are_grouped_by_the_quartiles_of_their_history(shop):
    found = measure(ranker, shop, EVERYBODY, ["recall@1", "coverage@1"]).groups
    assert {name: group.users for name, group in found.items()} == {"1": 1, "2": 1, "3": 1, "4": 1}
    assert [group.metrics for group in found.values()] == [{"recall@1": value} for value in (1, 0, 0.5, 0)]


def test_groups_are_named_by_the_shortest_and_the_longest_history(tmp_path):
    lengths = [1, 1, 1, 1, 2, 3, 5, 9]
    events = [(user, p, "view", 1.0, None) for user, length in enumerate(lengths) for p in range(length)]
    shop = read_shop(SmallShop(10, 9, [*events, (8, 0, "purchase", 1.0, None)]).write(tmp_path / "s"))
    asked = questions([*range(8), 0], [[1]] * 9)
    found = measure(lambda part: np.ones((len(part), 10), np.float32), shop, asked, ["recall@2"])
    assert {name: group.users for name, group in found.groups.items()} == {"1": 4, "2-3": 2, "5-9": 2}
    assert (found.users, found.questions) == (8, 9)


def test_questions_without_answers_are_counted_and_left_out_of_means(shop):
    asked = questions([0, 1, 2, 3], [[1], [], [], [2]])
    found = measure(ranker, shop, asked, ["recall@1", "coverage@1"])
    assert (found.questions, found.unanswerable, found.users) == (2, 2, 2)
    assert found.metrics == {"recall@1": 1.0, "coverage@1": 0.5}
    assert list(found.groups) == ["1", "4"]


CANDIDATES = questions([0, 1, 2, 3], [[1], [3, 0], [], [1]], [[0, 1, 2], [0, 1, 3], [0, 1], [1]])


def test_auc_looks_at_all_candidates_and_means_only_at_questions_with_answers(shop):
    labels = [0, 1, 0, 1, 0, 1, 0, 0, 1]
    scores = [9, 4, 3, 1, 2, 4, 4, 3, 1]
    found = measure(ranker, shop, CANDIDATES, ["auc", "auc_within", "hit_rate@1"])
    assert found.metrics == pytest.approx(
        {"auc": roc_auc_score(labels, scores), "auc_within": 0.5, "hit_rate@1": 2 / 3}
    )
    assert (found.questions, found.unanswerable, found.users) == (3, 1, 4)
    assert found.groups["1"].metrics == {"auc": 0.5, "auc_within": 0.5, "hit_rate@1": 0}
    assert found.groups["3"].metrics == {}
    assert found.groups["4"].metrics == {"hit_rate@1": 1}


def test_each_score_is_asked_for_once(shop):
    asked_for = []

    def counting(part):
        asked_for.extend(part.user)
        return ranker(part)

    measure(counting, shop, CANDIDATES, ["auc", "recall@2", "ndcg@1"], batch=2)
    measure(counting, shop, EVERYBODY, ["recall@2", "gini@1"], batch=3)
    assert asked_for == [0, 1, 2, 3] * 2


def test_ties_count_against_the_answers_where_the_protocol_says_so(shop):
    def flat(part):
        return np.zeros((len(part), 4), np.float32)

    asked = questions([1], [[0]], [[0, 1]])
    assert measure(flat, shop, asked, ["recall@1"]).metrics == {"recall@1": 1}
    assert measure(flat, shop, asked, ["recall@1"], ties_against=True).metrics == {"recall@1": 0}


@pytest.fixture(scope="module")
def crowd():
    """40 users with one or two questions of eight candidates, and the scores of those."""
    generator = np.random.default_rng(0)
    users = np.r_[np.arange(40), np.arange(0, 40, 2)]
    right = generator.random((60, 8)) < 0.3
    scores = (generator.normal(size=(60, 8)) + right).astype(np.float32)
    asked = questions(users, [np.flatnonzero(row) for row in right], [range(8)] * 60)
    return asked, scores, right


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    events = [(user, user % 8, "purchase", 1.0, None) for user in range(40)]
    return read_shop(SmallShop(8, 40, events).write(tmp_path_factory.mktemp("s") / "s"))


def from_table(asked, scores):
    """A ranker that knows which row of scores a question has, by its moment."""
    numbered = Questions(asked.user, np.arange(len(asked)), asked.answers, asked.candidates)
    return (lambda part: scores[part.as_of_ms]), numbered


def test_intervals_are_those_of_measuring_drawn_users_again(crowd, large):
    asked, scores, right = crowd
    ask, numbered = from_table(asked, scores)
    found = measure(ask, large, numbered, ["auc", "auc_within", "recall@3"], seed=1)
    generator, again = np.random.default_rng(2), []
    recall = metrics.recall(np.take_along_axis(right, np.argsort(-scores), 1), np.maximum(right.sum(1), 1), 3)
    for _ in range(2_000):
        rows = np.concatenate([np.flatnonzero(asked.user == user) for user in generator.integers(40, size=40)])
        pooled = metrics.auc(scores[rows].ravel(), right[rows].ravel())
        within = metrics.auc_within(
            scores[rows].ravel(), right[rows].ravel(), np.repeat(np.arange(len(rows)), 8), len(rows)
        )
        again.append([pooled, np.nanmean(within), recall[rows][right[rows].any(1)].mean()])
    expected = np.quantile(again, [0.025, 0.975], axis=0).T
    assert np.array(list(found.intervals.values())) == pytest.approx(expected, abs=0.015)
    assert all(low < found.metrics[name] < high for name, (low, high) in found.intervals.items())


def test_intervals_depend_on_the_seed_alone_and_not_on_coverage(crowd, large):
    ask, asked = from_table(*crowd[:2])
    names = ["recall@2", "coverage@2", "auc"]
    found = [measure(ask, large, asked, names, seed=seed).intervals for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert list(found[0]) == ["recall@2", "auc"]


def test_an_interval_of_equal_values_is_a_point():
    low, high = _intervals({"recall@1": np.stack([np.full(5, 0.25), np.ones(5)])}, 0)["recall@1"]
    assert low == high == pytest.approx(0.25)


def test_intervals_of_thirty_thousand_users_take_about_a_second_of_work():
    shares = {f"recall@{k}": np.stack([np.random.default_rng(k).random(30_000), np.ones(30_000)]) for k in range(15)}
    started = time.process_time()
    found = _intervals(shares, 0)
    assert time.process_time() - started < 3
    # Of uniform numbers the standard error is known.
    low, high = found["recall@0"]
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(12 * 30_000), rel=0.1)


def test_every_name_can_be_measured(shop):
    names = [name.replace("@k", "@2") for name in NAMES]
    found = measure(ranker, shop, CANDIDATES, names)
    assert list(found.metrics) == names
    assert np.isfinite(list(found.metrics.values())).all()


@pytest.mark.parametrize(
    ("asked", "names", "message"),
    [
        (questions([], []), ["recall@1"], "there are no questions to measure on"),
        (questions([0], [[]]), ["recall@1"], "none of the 1 questions has an answer"),
        (EVERYBODY, [], "no metric was asked for"),
        (EVERYBODY, ["auc"], "these questions are about all products"),
        (questions([0], [[1]], [[1]]), ["auc"], "auc needs candidates that are no answers"),
        (questions([0, 1], [[1], []], [[1], [0]]), ["auc_within"], "auc_within needs candidates .* beside answers"),
        (questions([0], [[1]], [[0, 2]]), ["recall@1"], "question 0: its answer 1 is not among its candidates"),
        (questions([0], [[1, 1]]), ["recall@1"], "question 0: product 1 is twice among its answers"),
        (questions([0, 1], [[1], [2]], [[1], [2, 3, 2]]), ["auc"], "question 1: product 2 is twice among its cand"),
    ],
)
def test_questions_that_cannot_be_measured_are_an_error(shop, asked, names, message):
    with pytest.raises(MetricError, match=message):
        measure(ranker, shop, asked, names)


def test_users_that_the_shop_does_not_know_are_an_error(shop):
    with pytest.raises(RankingError, match="user 4 asks, but the users known are 0 to 3"):
        measure(ranker, shop, questions([4], [[0]]), ["recall@1"])

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_shop import SmallShop

from gnn.data import read_shop
from gnn.ranking import (
    RankingError,
    Selector,
    candidate_scores,
    contains,
    history_products,
    labels,
    rank,
    rank_candidates,
    repeated,
)
from gnn.scoring import top
from gnn.tasks import Questions, Ragged


def ragged(*lists):
    rows = np.repeat(np.arange(len(lists)), [len(products) for products in lists])
    return Ragged.from_rows(rows, np.array([p for products in lists for p in products], np.int32), len(lists))


def questions(answers, candidates=None, *, users=None, repeats=False):
    users = np.arange(len(answers), dtype=np.int32) if users is None else np.array(users, np.int32)
    candidates = None if candidates is None else ragged(*candidates)
    return Questions(users, np.zeros(len(answers), np.int64), ragged(*answers), candidates, repeats)


def by_user(table):
    """A ranker whose scores depend on nothing but who asks."""
    table = np.asarray(table, np.float32)
    return lambda asked: table[asked.user]


def padded(found, k):
    return [*found, *[-1] * (k - len(found))]


# Few different values, so that many tie; two zeros, and both infinities.
VALUES = st.sampled_from([-np.inf, -1.5, -1.0, -0.0, 0.0, 1.0, np.inf])


@settings(deadline=None)
@given(
    scores=hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 60)), elements=VALUES),
    k=st.integers(1, 70),
    batch=st.integers(1, 4),
    data=st.data(),
)
def test_lists_are_those_of_the_plain_top_however_many_scores_tie(scores, k, batch, data):
    had = data.draw(hnp.arrays(bool, scores.shape))
    found = rank(by_user(scores), questions([[]] * len(scores)), ragged(*map(np.flatnonzero, had)), k, batch=batch)
    expected = [top(row, k, ~owned & (row > -np.inf)) for row, owned in zip(scores, had, strict=True)]
    assert found.tolist() == [padded(row, k) for row in expected]


@settings(deadline=None)
@given(
    scores=hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=VALUES),
    k=st.integers(1, 35),
    data=st.data(),
)
def test_ties_against_the_answers_put_them_last_among_their_equals(scores, k, data):
    people, products = scores.shape
    right, had = (data.draw(hnp.arrays(bool, scores.shape)) for _ in range(2))
    asked = questions([*map(np.flatnonzero, right)])
    found = rank(by_user(scores), asked, ragged(*map(np.flatnonzero, had)), k, ties_against=True, batch=3)
    for row in range(people):
        allowed = [p for p in range(products) if not had[row, p] and scores[row, p] > -np.inf]
        expected = sorted(allowed, key=lambda p: (-scores[row, p], right[row, p], p))[:k]
        assert found[row].tolist() == padded(expected, k)
    # Naming all products as candidates is the same question where nobody has anything.
    named = questions([*map(np.flatnonzero, right)], [range(products)] * people)
    everything = rank(by_user(scores), asked, None, k, ties_against=True)
    assert (rank(by_user(scores), named, None, k, ties_against=True) == everything).all()


def test_a_catalogue_of_many_blocks_is_ranked_exactly():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(20, 5_000)).astype(np.float32)
    scores[10:] = np.round(scores[10:], 1)
    found = rank(by_user(scores), questions([[]] * 20), None, 20, batch=8)
    assert found.tolist() == [top(row, 20).tolist() for row in scores]


def test_the_memory_of_a_batch_leaves_no_trace_in_the_next():
    selector = Selector(2, 3, 2)
    nothing = np.empty(0, np.int64)
    selector(np.array([[9, 9, 9], [9, 9, 9]], np.float32), (np.array([0, 1]), np.array([0, 2])))
    found, values = selector(np.array([[1, 2, 3]], np.float32), (nothing, nothing))
    assert found.tolist() == [[2, 1]]
    assert values.tolist() == [[3, 2]]


def test_what_a_user_has_is_left_out_unless_repeats_are_asked_for():
    ranker, seen = by_user([[1, 2, 3], [3, 2, 1]]), ragged([2], [])
    assert rank(ranker, questions([[0], [0]]), seen, 2).tolist() == [[1, 0], [0, 1]]
    assert rank(ranker, questions([[0], [0]], repeats=True), seen, 2).tolist() == [[2, 1], [0, 1]]
    assert rank(ranker, questions([[0], [0]], users=[1, 0]), seen, 2).tolist() == [[0, 1], [1, 0]]


def test_only_candidates_are_ranked_even_if_the_user_has_them():
    asked = questions([[3], [0]], [[1, 3], [2, 0, 1]])
    ranker = by_user([[9, 1, 9, 2], [5, 7, 5, 9]])
    assert rank(ranker, asked, ragged([3], []), 3).tolist() == [[3, 1, -1], [1, 0, 2]]
    assert rank(ranker, asked, None, 3, ties_against=True).tolist() == [[3, 1, -1], [1, 2, 0]]
    assert candidate_scores(ranker, asked, batch=1).tolist() == [1, 2, 5, 5, 7]
    assert labels(asked).tolist() == [False, True, False, True, False]


def test_a_score_that_is_no_number_is_an_error_that_names_the_user():
    scores = np.zeros((4, 6), np.float32)
    scores[3, 5] = np.nan
    asked = questions([[0], [0], [0]], users=[0, 1, 3])
    with pytest.raises(RankingError, match=r"score of product 5 for the user at position 3 \(question 2\)"):
        rank(by_user(scores), asked, None, 2, batch=2)
    with pytest.raises(RankingError, match="position 3"):
        rank(by_user(scores), questions([[0]], [[0, 5]], users=[3]), None, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rank(by_user([[1, 2]]), questions([[0]]), None, 0), "k = 0: give"),
        (lambda: rank(by_user([[1, 2]]), questions([[0]]), ragged(), 1), "user 0 asks"),
        (lambda: rank(by_user([[1, 2]]), questions([[0]], users=[-1]), ragged([]), 1), "user -1 asks"),
        (lambda: rank(lambda asked: np.zeros(2, np.float32), questions([[0]]), None, 1), r"of shape \(2,\)"),
        (lambda: candidate_scores(by_user([[1, 2]]), questions([[0]])), "name their candidates"),
        (lambda: rank_candidates(questions([[0]], [[0, 1]]), np.zeros(3, np.float32), 1), "3 scores are not"),
        (lambda: rank_candidates(questions([[0]]), np.zeros(3, np.float32), 1), "3 scores are not"),
    ],
)
def test_what_cannot_be_ranked_is_said(call, message):
    with pytest.raises(RankingError, match=message):
        call()


def test_it_is_reported_how_far_the_answers_are():
    heard = []
    rank(by_user(np.zeros((5, 2))), questions([[0]] * 5), None, 1, batch=2, report=lambda *news: heard.append(news))
    assert heard == [("answering questions", done, 5) for done in (2, 4, 5)]


def test_no_questions_have_no_lists():
    assert rank(by_user([[1, 2]]), questions([]), None, 3).shape == (0, 3)
    assert rank(by_user([[1, 2]]), questions([], []), None, 3).shape == (0, 3)


def test_the_products_of_a_history_are_those_of_the_target_behaviour_each_once(tmp_path):
    events = [
        (0, 2, "purchase", 1.0, None),
        (0, 2, "purchase", 2.0, None),
        (0, 1, "view", 3.0, None),
        (0, 0, "purchase", 4.0, None),
        (None, 1, "purchase", 5.0, None),
    ]
    found = history_products(read_shop(SmallShop(3, 2, events).write(tmp_path / "s")))
    assert [found.of(user).tolist() for user in range(2)] == [[0, 2], []]


def test_membership_and_repetition_look_at_each_list_apart():
    lists = ragged([1, 2], [3], [])
    rows, products = np.array([[0, 0], [1, 2]]), np.array([[2, 3], [3, -1]])
    assert contains(lists, rows, products).tolist() == [[True, False], [True, False]]
    assert not contains(ragged([], []), rows, products).any()
    assert repeated(lists) is None
    assert repeated(ragged([1, 2], [3, 1, 3])) == (1, 3)

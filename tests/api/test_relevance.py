import numpy as np
import pytest

from api.services.relevance import fused, put_on, ranks


def test_ranks_count_from_the_best_and_what_is_nearly_alike_shares_one() -> None:
    assert ranks(np.array([10.0, 1.0, 9.0, 0.0, 5.0, 4.5])).tolist() == [1, 5, 1, 0, 3, 3]


def test_what_is_alike_is_alike_to_the_best_of_its_group_and_not_to_its_neighbour() -> None:
    assert ranks(np.array([1.0, 0.85, 0.7])).tolist() == [1, 1, 3]


def test_nothing_has_no_rank() -> None:
    assert ranks(np.zeros(3)).tolist() == [0, 0, 0]
    assert ranks(np.empty(0)).tolist() == []


def test_lists_are_joined_by_reciprocal_ranks() -> None:
    words, meaning = np.array([9.0, 3.0, 0.0]), np.array([0.2, 0.9, 0.4])
    # ranks 1, 2, none and 3, 1, 2; as a share of being first in both
    wanted = np.array([1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 62]) / (2 / 61)
    assert fused([words, meaning]) == pytest.approx(wanted)


def test_a_list_that_found_nothing_does_not_count() -> None:
    assert fused([np.array([2.0, 1.0]), np.zeros(2)]) == pytest.approx([1.0, 61 / 62])
    assert fused([np.zeros(2), np.zeros(2)]).tolist() == [0.0, 0.0]


def test_the_whole_range_of_a_viewers_scores_is_worth_ten_ranks_from_the_top() -> None:
    relevance = 61 / (60 + np.arange(1.0, 31.0))
    scores = np.zeros(30)
    scores[10] = 5.0  # of rank 11: liked best
    total = scores + put_on(relevance, scores)
    assert total[10] == pytest.approx(total[0])
    scores[[10, 11]] = 0.0, 5.0
    assert np.argmax(scores + put_on(relevance, scores)) == 0


def test_among_what_fits_alike_the_viewer_decides() -> None:
    scores = np.array([0.1, 0.3, 0.2])
    total = scores + put_on(fused([np.array([1.0, 0.9, 0.95])]), scores)
    assert np.argsort(-total).tolist() == [1, 2, 0]


def test_where_the_viewer_likes_all_alike_relevance_decides() -> None:
    assert np.argmax(put_on(np.array([0.5, 1.0]), np.full(2, 3.0))) == 1

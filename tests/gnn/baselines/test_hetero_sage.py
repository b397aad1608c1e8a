import numpy as np
import pytest

from gnn.baselines import hetero_sage
from gnn.baselines.common import Skipped
from gnn.baselines.hetero_sage import both_ways, edges_of
from schema import memory

from .conftest import Board


def test_every_relation_and_behaviour_with_edges_takes_part_in_both_directions(board: Board):
    edges = edges_of(board.shop)
    assert set(edges) == {
        ("Product", "IN_CATEGORY", "Category"),
        ("Product", "COMPLEMENTS", "Product"),
        ("User", "view", "Product"),
        ("User", "purchase", "Product"),
    }
    both = both_ways(edges)
    assert len(both) == 2 * len(edges)
    np.testing.assert_array_equal(
        both["Category", "rev_IN_CATEGORY", "Product"], edges["Product", "IN_CATEGORY", "Category"].flip(0)
    )


def test_pairs_that_are_predicted_are_no_edges_meanwhile(board: Board):
    training = hetero_sage._HeteroSageTraining(board.shop, seed=0)
    hidden = np.zeros(len(training._pairs), bool)
    hidden[5] = True
    user, product = training._pairs.user[5], training._pairs.product[5]
    whole, graph = training._whole, training._graph(hidden)
    for kind, row in ((("User", "purchase", "Product"), 0), (("Product", "rev_view", "User"), 1)):

        def held(edges, kind=kind, row=row):
            return ((edges[kind][row] == user) & (edges[kind][1 - row] == product)).sum()

        assert held(whole) == 1
        assert held(graph) == 0
        assert graph[kind].shape[1] == whole[kind].shape[1] - 1


def test_without_memory_it_is_skipped(board: Board, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 100)
    found = hetero_sage.fit(board.shop, board.validation, board.goal, seconds=60, seed=0)
    assert isinstance(found, Skipped)
    assert "bytes of memory" in found.reason

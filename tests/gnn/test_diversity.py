from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from random_model import random_model

from gnn.diversity import Pool, diversified
from gnn.scoring import top

# Two pairs of twins and one that is like nobody.
TWINS = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [-0.6, -0.8]])
SCORES = np.array([1.0, 0.9, 0.8, 0.7, 0.0])


def pool(vectors: np.ndarray, links: np.ndarray | None = None) -> Pool:
    links = np.zeros((len(vectors), 0)) if links is None else links
    return Pool(vectors, vectors.any(axis=1), sp.csr_array(links))


def test_without_diversity_the_scores_decide() -> None:
    assert diversified(SCORES, pool(TWINS), 0.0, 5).tolist() == [0, 1, 2, 3, 4]


def test_a_twin_comes_after_the_other_pair_has_begun() -> None:
    assert diversified(SCORES, pool(TWINS), 0.3, 5).tolist()[:3] == [0, 2, 1]


def test_with_diversity_alone_the_least_alike_comes_next() -> None:
    assert diversified(SCORES, pool(TWINS), 1.0, 5).tolist() == [0, 4, 2, 1, 3]


def test_every_step_is_that_of_the_definition() -> None:
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(30, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = np.sort(generator.normal(size=30))[::-1]
    relevance = (scores - scores.min()) / (scores.max() - scores.min())
    cosine = vectors @ vectors.T
    expected = [0]
    while len(expected) < 30:
        left = [i for i in range(30) if i not in expected]
        expected.append(max(left, key=lambda i: 0.7 * relevance[i] - 0.3 * max(cosine[i, j] for j in expected)))
    assert diversified(scores, pool(vectors), 0.3, 30).tolist() == expected


@pytest.mark.parametrize("length", [0, 1, 3, 5, 50])
def test_a_longer_order_begins_like_a_shorter_one(length: int) -> None:
    whole = diversified(SCORES, pool(TWINS), 0.6, 5).tolist()
    assert diversified(SCORES, pool(TWINS), 0.6, length).tolist() == whole[: max(length, 1)]


def test_products_without_vectors_are_compared_by_what_they_are_linked_to() -> None:
    vectors = np.array([[1.0], [0.0], [0.0], [1.0]])
    links = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, 1.0]])
    found = pool(vectors, links)
    assert found.alike(0).tolist() == pytest.approx([1.0, 0.6, 0.0, 1.0])
    assert found.alike(1).tolist() == pytest.approx([0.6, 1.0, 0.8, 0.8])


def test_nothing_to_choose_from_gives_nothing() -> None:
    assert diversified(np.empty(0), pool(np.zeros((0, 2))), 0.5, 5).tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_products_of_a_model_are_compared_by_its_vectors_or_by_its_graph(tmp_path: Path, seed: int) -> None:
    scorer = random_model(tmp_path, seed).scorer
    products = top(scorer.prior, 10)
    found = Pool.of(scorer, products)
    for one in range(10):
        assert found.alike(one)[one] == pytest.approx(1.0) or not (found.there[one] or found.links[[one]].nnz)
        assert np.abs(found.alike(one)).max() <= 1 + 1e-9

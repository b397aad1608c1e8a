import numpy as np
import pytest

from gnn.nearest import lay_out

N, D = 2_000, 24


@pytest.fixture(scope="module")
def vectors():
    generator = np.random.default_rng(4)
    return (generator.normal(size=(N, D)) * generator.uniform(0.2, 3, (N, 1))).astype(np.float32)


@pytest.mark.parametrize("coding", ["fp16", "int8"])
def test_a_search_of_every_cell_finds_the_largest_dot_products(vectors, coding):
    nearest = lay_out(lambda positions: vectors[positions], N, coding)
    query = vectors[5]
    found = nearest.search(query, 20, N)
    exact = np.argsort(-(vectors @ query))[:20]
    assert len(np.intersect1d(found, exact)) >= 19


def test_int8_takes_half_the_memory_of_fp16(vectors):
    half, quarter = (lay_out(lambda positions: vectors[positions], N, coding).bytes for coding in ("fp16", "int8"))
    assert half - quarter == N * D


def test_fewer_come_back_where_there_are_fewer(vectors):
    nearest = lay_out(lambda positions: vectors[positions], 3)
    assert sorted(nearest.search(vectors[0], 10, 8)) == [0, 1, 2]

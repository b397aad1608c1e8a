import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn import walk
from gnn.paths import arrays

N, M = 9, 11


def incidence(generator, rows=N, columns=M):
    matrix = sp.random_array((rows, columns), density=generator.uniform(0.05, 0.6), rng=generator).tocsr()
    matrix.sort_indices()
    return matrix


def history(generator, most=6):
    """Units of a history; the same product may be there more than once."""
    count = int(generator.integers(0, most))
    return generator.integers(0, N, count).astype(np.int64), generator.normal(size=count)


def single(values):
    """As many histories at once are walked with: a loop is compiled for each kind of numbers."""
    return np.asarray(values, np.float32)


def dense_two_steps(links, ends, starts, amounts, own, middle):
    """Σ_j a_j Σ_n w_jn f_n w_ni for i ≠ j, as matrices."""
    middle = middle.copy()
    middle[own] = 0.0
    between = (links.toarray() * middle) @ ends.toarray().T
    np.fill_diagonal(between, 0.0)
    return amounts @ between[starts]


def walked(links, ends, starts, amounts, own, middle, total=None):
    total = np.zeros(N) if total is None else total
    returning = (links.toarray() * ends.toarray()) @ middle
    matrices = [arrays(matrix) for matrix in (links, ends, ends.T.tocsr())]
    walk.two_steps(total, np.zeros(M), starts, amounts, own, middle, returning, *matrices)
    return total


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.booleans())
def test_two_steps_are_the_dense_formula_without_own_middles_and_ways_back(seed, directed):
    generator = np.random.default_rng(seed)
    links = incidence(generator)
    ends = incidence(generator) if directed else links
    starts, amounts = history(generator)
    own = generator.choice(M, int(generator.integers(0, 4)), replace=False).astype(np.int64)
    middle = generator.normal(size=M)
    found = walked(links, ends, starts, amounts, own, middle)
    assert found == pytest.approx(dense_two_steps(links, ends, starts, amounts, own, middle), abs=1e-12)


def test_what_is_there_already_is_added_to():
    generator = np.random.default_rng(1)
    links = incidence(generator)
    starts, amounts, own, middle = np.array([2, 5]), np.ones(2), np.empty(0, np.int64), np.ones(M)
    total = walked(links, links, starts, amounts, own, middle, np.ones(N))
    assert total - 1 == pytest.approx(walked(links, links, starts, amounts, own, middle))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.booleans(), st.booleans())
def test_values_between_products_are_the_dense_formula_whichever_way_is_walked(seed, directed, hub):
    generator = np.random.default_rng(seed)
    links = incidence(generator)
    ends = incidence(generator) if directed else links
    if hub:  # a node that leads everywhere is not worth following
        ends = ends.tolil()
        ends[:, 0] = 1.0
        ends = ends.tocsr()
    starts = np.unique(generator.integers(0, N, 4)).astype(np.int64)
    products = generator.permutation(N)[: int(generator.integers(0, N + 1))].astype(np.int64)
    own = generator.choice(M, int(generator.integers(0, 4)), replace=False).astype(np.int64)
    factors = generator.normal(size=(M, 2))
    total = np.zeros((len(starts), len(products), 2))
    place, by_middle = np.zeros(N, np.int32), arrays(ends.T.tocsr())
    walk.two_steps_between(total, place, starts, products, own, factors, arrays(links), arrays(ends), by_middle)
    for sheet, middle in zip(np.moveaxis(total, 2, 0), factors.T, strict=True):
        for row, start in zip(sheet, starts, strict=True):
            alone = dense_two_steps(links, ends, np.array([start]), np.ones(1), own, middle)
            assert row == pytest.approx(alone[products], abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.booleans())
def test_middles_between_two_products_are_those_that_link_both_the_strongest_first(seed, directed):
    generator = np.random.default_rng(seed)
    links = incidence(generator)
    ends = incidence(generator) if directed else links
    starts, products = generator.integers(0, N, (2, 5))
    own = generator.choice(M, int(generator.integers(0, 4)), replace=False).astype(np.int64)
    middle = generator.choice([0.5, 1.0], M)
    links.data[:] = ends.data[:] = 1.0  # so that some are as strong as others
    begins, nodes = walk.middles_between(starts, products, own, middle, arrays(links), arrays(ends))
    for pair, (start, product) in enumerate(zip(starts, products, strict=True)):
        both = np.flatnonzero(links.toarray()[start] * ends.toarray()[product])
        expected = sorted(set(both.tolist()) - set(own.tolist()), key=lambda n: (-middle[n], n))
        assert nodes[begins[pair] : begins[pair + 1]].tolist() == expected


def test_direct_links_between_products_leave_out_the_product_itself():
    generator = np.random.default_rng(5)
    links = incidence(generator, N, N)
    starts, products = np.array([1, 4]), np.array([4, 0, 7, 1])
    total = np.zeros((2, 4))
    walk.one_step_between(total, np.zeros(N, np.int64), starts, products, arrays(links))
    expected = links.toarray()[np.ix_(starts, products)]
    expected[0, 3] = expected[1, 0] = 0.0
    assert total == pytest.approx(expected)


def test_one_step_is_the_sum_of_rows():
    generator = np.random.default_rng(2)
    links = incidence(generator, N, N)
    starts, amounts = np.array([3, 0, 3]), np.array([1.0, -2.0, 0.5])
    total = np.zeros(N)
    walk.one_step(total, starts, amounts, arrays(links))
    assert total == pytest.approx(amounts @ links.toarray()[starts])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.booleans())
def test_many_histories_at_once_reach_what_each_alone_does(seed, directed):
    generator = np.random.default_rng(seed)
    links = incidence(generator)
    ends = incidence(generator) if directed else links
    middle, end_factor = single(generator.normal(size=M)), single(generator.uniform(0.5, 2, N))
    rows = [history(generator) for _ in range(5)]
    indptr = np.cumsum([0, *(len(starts) for starts, _ in rows)]).astype(np.int64)
    joined = np.concatenate([starts for starts, _ in rows]), single(np.concatenate([amounts for _, amounts in rows]))
    own = [generator.permutation(M)[: generator.integers(0, 3)].astype(np.int64) for _ in rows]
    owned = np.cumsum([0, *map(len, own)]).astype(np.int64), np.concatenate(own)
    total = np.zeros((5, N), np.float32)
    read = arrays(links), arrays(ends), arrays(ends.T.tocsr())
    walk.two_steps_of_many(total, (indptr, *joined), owned, end_factor, middle, *read)
    for row, (starts, amounts) in enumerate(rows):
        alone = walked(links, ends, starts, amounts, own[row], middle.astype(float)) * end_factor
        assert total[row] == pytest.approx(alone, abs=1e-4)


def test_direct_links_of_many_histories_are_those_of_each():
    generator = np.random.default_rng(4)
    links, end_factor = incidence(generator, N, N), single(generator.uniform(0.5, 2, N))
    rows = [history(generator) for _ in range(4)]
    indptr = np.cumsum([0, *(len(starts) for starts, _ in rows)]).astype(np.int64)
    joined = np.concatenate([starts for starts, _ in rows]), single(np.concatenate([amounts for _, amounts in rows]))
    total = np.zeros((4, N), np.float32)
    walk.one_step_of_many(total, indptr, *joined, end_factor, arrays(links))
    for row, (starts, amounts) in enumerate(rows):
        alone = np.zeros(N)
        walk.one_step(alone, starts, amounts, arrays(links))
        assert total[row] == pytest.approx(alone * end_factor, abs=1e-5)

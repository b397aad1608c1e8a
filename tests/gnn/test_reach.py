import numpy as np
import pytest
import scipy.sparse as sp

from gnn import reach, walk
from gnn.paths import arrays

N, M = 40, 25
NOBODY = np.empty(0, np.int64)


@pytest.fixture(params=range(5))
def paths(request):
    """Random links with weights of both signs, and what some starts carry."""
    generator = np.random.default_rng(request.param)
    links, ends = (sp.csr_array(sp.random_array((N, M), density=0.2, rng=generator)) for _ in range(2))
    links.data, ends.data = generator.normal(size=links.nnz), generator.normal(size=ends.nnz)
    for matrix in (links, ends):
        matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
        matrix.sort_indices()
    starts = generator.integers(0, N, 6)
    own = generator.choice(M, 3, replace=False)
    middle, end = generator.uniform(0.1, 1, M), generator.uniform(0.1, 1, N)
    return links, ends, starts, generator.normal(size=6), own, middle, end


def carried(paths):
    links, ends, starts, amounts, own, middle, _ = paths
    work = np.zeros(M)
    found = reach.carry(starts, amounts, own, middle, arrays(links), arrays(ends), work)
    assert not work.any()
    return found


def with_ends(onwards, end):
    """Links from the middle with the factor of the end in their weights."""
    indptr, indices, data = arrays(sp.csr_array(onwards.tocsr()))
    return indptr, indices, (data * end[indices]).astype(np.float32)


def dense(paths):
    """(J, N) what each start gives to each product, by plain matrices."""
    links, ends, starts, amounts, own, middle, end = paths
    middle = middle.copy()
    middle[own] = 0.0
    return amounts[:, None] * (links.toarray()[starts] * middle @ ends.toarray().T) * end


def test_what_is_pulled_less_what_returns_is_the_walk(paths):
    links, ends, starts, amounts, own, middle, end = paths
    work, marks, total = np.zeros(M), np.zeros(1, np.uint64), np.zeros(N)
    nodes, values, back = carried(paths)
    reach.pull(total, np.arange(N), nodes, values, arrays(ends), end, work, marks)
    np.subtract.at(total, starts, back * end[starts])
    expected = np.zeros(N)
    walk.two_steps(
        expected,
        np.zeros(len(middle)),
        starts,
        amounts,
        own,
        middle,
        (links.toarray() * ends.toarray()) @ middle,
        arrays(links),
        arrays(ends),
        arrays(sp.csr_array(ends.T.tocsr())),
    )
    assert total == pytest.approx(expected * end, abs=1e-12)
    assert not work.any()
    assert not marks.any()


def test_with_steps_enough_all_that_is_carried_is_spread(paths):
    _, ends, *_, end = paths
    reached, touched = np.zeros(N, np.float32), np.empty(N + 1, np.int32)
    nodes, values, _ = carried(paths)
    count = reach.spread(nodes, values, with_ends(ends.T, end), 10_000, reached, touched, 0)
    assert reached == pytest.approx(dense(paths).sum(axis=0), abs=1e-5)
    assert set(np.flatnonzero(reached)) <= set(touched[:count])
    reach.clear(touched[:count], reached)
    assert not reached.any()


def test_with_few_steps_the_whole_is_kept_about_right():
    generator = np.random.default_rng(0)
    nodes, products = 20_000, 50
    links = sp.csr_array(
        (np.ones(nodes * 4), generator.integers(0, products, nodes * 4).astype(np.int32), np.arange(nodes + 1) * 4),
        shape=(nodes, products),
    )
    values = generator.exponential(size=nodes)
    results = []
    for budget in (10**9, 24_000):  # the second is enough for a tenth of the nodes
        reached, touched = np.zeros(products, np.float32), np.empty(products + 1, np.int32)
        reach.spread(np.arange(nodes), values, with_ends(links, np.ones(products)), budget, reached, touched, 0)
        results.append(reached)
    assert results[1].sum() == pytest.approx(results[0].sum(), rel=0.01)
    assert results[1] == pytest.approx(results[0], rel=0.25)


def test_the_best_that_was_touched_is_found():
    generator = np.random.default_rng(1)
    size = 6_000
    reached, prior = generator.normal(size=size).astype(np.float32), 0.3 * generator.normal(size=size)
    trend = generator.uniform(0.5, 2, size)
    touched = generator.permutation(size)[:5_000].astype(np.int32)
    expected = touched[np.argsort(-(prior + trend * reached)[touched])]
    for k in (7, 30, 400, 5_000):
        assert set(reach.best(touched, reached, prior, trend, k)) == set(expected[:k])
    assert set(reach.best(touched, reached, prior, trend, 9_000)) == set(touched)


def test_dot_products_are_those_of_float64_and_do_not_depend_on_each_other():
    generator = np.random.default_rng(2)
    vectors, query = generator.normal(size=(N, 13)).astype(np.float32), generator.normal(size=13)
    everything = reach.dots(np.arange(N), vectors, query)
    assert everything == pytest.approx(vectors.astype(np.float64) @ query, rel=1e-12)
    some = np.array([7, 3, 31])
    assert (reach.dots(some, vectors, query) == everything[some]).all()

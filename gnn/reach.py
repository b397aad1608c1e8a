"""Walks of one history that cost what they touch, not what there is: for shops of very many products.

`gnn.walk` goes through arrays of all products and all middle nodes. Here a walk has two halves that
meet in the middle nodes: `carry` lists the ones that a history reaches, `spread` goes on from them to
products and `pull` reads from given products what is carried to them. Work arrays are handed in all zero
and handed back all zero.

Shapes: J units, T reached middle nodes, M middle nodes, P given products, N products.
"""

import heapq
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Csr = tuple[Array, Array, Array]

# Sizes are compared by the exponent of a float64 and three more bits: eight steps to a doubling.
_BITS = 49
_SIZES = 1 << (63 - _BITS)

# The best are sought among so many times as many; from how many it is estimated which these are.
_AMONG, _SAMPLE = 8, 1024

# Going to a middle node costs about as much as following so many of its links.
_NODE = 8


@numba.njit(cache=True, nogil=True)
def carry(
    starts: Array, amounts: Array, own: Array, middle_factor: Array, links: Csr, ends: Csr, work: Array
) -> tuple[Array, Array, Array]:
    """(T,) middle nodes that the starts lead to, (T,) what each carries on, (J,) what comes back to each start.

    Args:
        starts, amounts: (J,) products and what each carries.
        own: middle nodes that no path goes through.
        middle_factor: (M,)
        links, ends: indptr, indices, data of (N, M), from start and from end to the middle; columns in order.
        work: (≥ M,) zeros.
    """
    indptr, indices, data = links
    end_indptr, end_indices, end_data = ends
    steps = 0
    for k in range(len(starts)):
        steps += indptr[starts[k] + 1] - indptr[starts[k]]
    nodes, back = np.empty(steps + 1, np.int64), np.zeros(len(starts))
    count = 0
    for n in own:
        work[n] = np.nan  # whatever is added: neither zero nor a number
    for k in range(len(starts)):
        other, last = end_indptr[starts[k]], end_indptr[starts[k] + 1]
        for at in range(indptr[starts[k]], indptr[starts[k] + 1]):
            n = indices[at]
            nodes[count] = n
            count += work[n] == 0.0
            work[n] += amounts[k] * data[at]
            while other < last and end_indices[other] < n:
                other += 1
            if other < last and end_indices[other] == n and not np.isnan(work[n]):
                back[k] += amounts[k] * data[at] * middle_factor[n] * end_data[other]
    for n in own:
        work[n] = 0.0
    values = np.empty(count)
    kept = 0
    for at in range(count):
        n = nodes[at]
        value = work[n] * middle_factor[n]
        # What came to zero on the way is in the list twice, and is zero the second time.
        work[n] = 0.0
        if value != 0.0:
            nodes[kept] = n
            values[kept] = value
            kept += 1
    return nodes[:kept], values[:kept], back


@numba.njit(cache=True, nogil=True)
def spread(
    nodes: Array,
    values: Array,
    onwards: Csr,
    budget: int,
    reached: Array,
    touched: Array,
    count: int,
) -> int:
    """Adds to `reached` about what the nodes carry to products, in about `budget` steps.

    What carries much is followed. Of the rest every so many-th is, in proportion to what it carries, and stands
    for those that are not: nothing is left out on the whole, and what many weak paths reach is found as well.

    Args:
        nodes, values: (T,) as `carry` gives them.
        onwards: indptr, indices, data of (M, N), from the middle to the end; float32, with the factor of the end.
        budget: how many links may be followed; a node counts as `_NODE` links more.
        reached: (N,) is added to.
        touched: (N + 1,) its first `count` are the products with something in `reached`; the last is written over.
        count: how many there are before.

    Returns:
        How many there are after.
    """
    indptr, indices, data = onwards
    least, full, share = _least(nodes, values, indptr, budget), len(touched) - 1, 0.5
    for at in range(len(nodes)):
        value = values[at]
        if abs(value) < least:
            share += abs(value) / least
            if share < 1.0:
                continue
            share -= 1.0
            value = least if value > 0.0 else -least
        carried = np.float32(value)
        for to in range(indptr[nodes[at]], indptr[nodes[at] + 1]):
            i = indices[to]
            # Written in any case and counted where it is new: a branch here would be guessed wrong half the time.
            touched[min(count, full)] = i
            count += reached[i] == 0.0
            reached[i] += carried * data[to]
    return min(count, full)


@numba.njit(cache=True, nogil=True)
def _least(nodes: Array, values: Array, indptr: Array, budget: int) -> float:
    """What a node has to carry so that all that carry more, and in proportion the rest, fit into the budget."""
    sizes = np.abs(values).view(np.int64) >> _BITS
    steps, weighed = np.zeros(_SIZES), np.zeros(_SIZES)
    for at in range(len(nodes)):
        cost = indptr[nodes[at] + 1] - indptr[nodes[at]] + _NODE
        steps[sizes[at]] += cost
        weighed[sizes[at]] += abs(values[at]) * cost
    total, rest, left = steps.sum(), weighed.sum(), float(budget)
    if total <= budget:
        return 0.0
    for size in range(_SIZES - 1, -1, -1):
        # The mean of those of one size stands for them; they differ by an eighth.
        if steps[size] >= left or weighed[size] * left < rest * steps[size]:
            break
        left -= steps[size]
        rest -= weighed[size]
    return float(rest / left)


@numba.njit(cache=True, nogil=True)
def best(touched: Array, reached: Array, prior: Array, trend: Array, k: int) -> Array:
    """The (≤ k,) touched products with the largest prior + trend · reached, in no order.

    Only the `_AMONG` · k of them that most is carried to are looked at, or about so many: prior and trend are of all
    products, and far away.

    Args:
        touched: products.
        reached, prior, trend: (N,)
        k: how many.
    """
    least = -np.inf
    if len(touched) > _AMONG * k:
        sample = np.sort(reached[touched[:: len(touched) // _SAMPLE + 1]])
        least = sample[len(sample) - 1 - len(sample) * _AMONG * k // len(touched)]
    heap = [(-np.inf, np.int64(-1))] * k
    for i in touched:
        if reached[i] < least:
            continue
        value = prior[i] + trend[i] * reached[i]
        if value > heap[0][0]:
            heapq.heapreplace(heap, (value, np.int64(i)))
    return np.array([i for _, i in heap if i >= 0], np.int64)


@numba.njit(cache=True, nogil=True)
def clear(touched: Array, reached: Array) -> None:
    """Sets what was touched back to zero; everything, where more was touched than the list could hold."""
    if len(touched) == len(reached):
        reached[:] = 0.0
    for i in touched:
        reached[i] = 0.0


@numba.njit(cache=True, nogil=True)
def pull(
    total: Array,
    products: Array,
    nodes: Array,
    values: Array,
    inwards: Csr,
    end_factor: Array,
    work: Array,
    marks: Array,
) -> None:
    """Adds to `total` (P,) what the nodes carry to some products, all paths of them.

    Args:
        total: is added to.
        products: (P,)
        nodes, values: (T,) as `carry` gives them.
        inwards: indptr, indices, data of (N, M), from the end to the middle.
        end_factor: (N,)
        work: (≥ M,) zeros.
        marks: a zero bit for each place of `work`. Most middle nodes of a product carry nothing: asking a
            bit first stays in the fast memory of the core.
    """
    indptr, indices, data = inwards
    for at in range(len(nodes)):
        n = nodes[at]
        work[n] = values[at]
        marks[n >> 6] |= np.uint64(1) << np.uint64(n & 63)
    for k in range(len(products)):
        i = products[k]
        found = 0.0
        for at in range(indptr[i], indptr[i + 1]):
            n = indices[at]
            if (marks[n >> 6] >> np.uint64(n & 63)) & np.uint64(1):
                found += work[n] * data[at]
        total[k] += found * end_factor[i]
    for n in nodes:
        work[n] = 0.0
        marks[n >> 6] = 0


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def dots(products: Array, vectors: Array, query: Array) -> Array:
    """(P,) dot products of the (d,) float64 query with rows of (N, d) float32 vectors, added up as float64.

    A row's result is the same number whichever others are asked for with it.
    """
    total = np.empty(len(products))
    for k in range(len(products)):
        row = vectors[products[k]]
        found = 0.0
        for at in range(len(query)):
            found += query[at] * row[at]
        total[k] = found
    return total

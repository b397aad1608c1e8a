"""Walks over the incidence, compiled: history product - middle node - product.

Loops over CSR rows are what the explicit terms are; numba runs them some ten times as fast as slicing
sparse matrices does for the short rows of one history. All arrays are plain numpy.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Csr = tuple[Array, Array, Array]
# Where the starts have more than a link for so many middle nodes, all of these are looked at.
_FEW = 4


@numba.njit(cache=True, nogil=True)
def two_steps(  # noqa: C901 (plain loops; a helper that takes tuples of arrays costs more than their steps)
    total: Array,
    carried: Array,
    starts: Array,
    amounts: Array,
    own: Array,
    middle_factor: Array,
    returning: Array,
    links: Csr,
    ends: Csr,
    by_middle: Csr,
) -> None:
    """Adds to `total` (N,) what all paths from the starts to every other product amount to.

    Args:
        total: (N,) is added to.
        carried: (M,) zeros to write to. Made by numpy, which leaves untouched memory alone; made here, all of it
            would be cleared at every walk.
        starts, amounts: (J,) products and what each carries.
        own: middle nodes that no path goes through.
        middle_factor: (M,)
        returning: (N,) what all paths from a product back to it amount to, if it carries one.
        links: indptr, indices, data of (N, M), from the start to the middle; no data where all are one.
        ends: the same from the end to the middle; columns sorted in each row, as in `links`.
        by_middle: the transpose of `ends`, (M, N).
    """
    indptr, indices, data = links
    middle_indptr, middle_products, middle_data = by_middle
    for k in range(len(starts)):
        j = starts[k]
        if len(data):
            for at in range(indptr[j], indptr[j + 1]):
                carried[indices[at]] += amounts[k] * data[at]
        else:
            for at in range(indptr[j], indptr[j + 1]):
                carried[indices[at]] += amounts[k]
        # A product is no reason for itself: what leads back to the start is taken off.
        back = returning[j]
        for n in own:
            back -= _at(links, j, n) * middle_factor[n] * _at(ends, j, n)
        total[j] -= amounts[k] * back
    for n in own:
        carried[n] = 0.0
    for n in _reached(starts, links, len(carried)):
        value = carried[n] * middle_factor[n]
        if value != 0.0:
            # Each middle node is spread once, however many starts lead to it.
            carried[n] = 0.0
            if len(middle_data):
                for to in range(middle_indptr[n], middle_indptr[n + 1]):
                    total[middle_products[to]] += value * middle_data[to]
            else:
                for to in range(middle_indptr[n], middle_indptr[n + 1]):
                    total[middle_products[to]] += value


@numba.njit(cache=True, nogil=True)
def _reached(starts: Array, links: Csr, size: int) -> Array:
    """Middle nodes that the starts lead to, some of them twice; all, in the order of memory, where few are left."""
    count = _lengths(links, starts)
    if count * _FEW >= size:
        return np.arange(size, dtype=np.uint32)
    nodes = np.empty(count, np.uint32)
    count = 0
    for j in starts:
        for at in range(links[0][j], links[0][j + 1]):
            nodes[count] = links[1][at]
            count += 1
    return nodes


@numba.njit(cache=True, nogil=True)
def _at(matrix: Csr, row: int, column: int) -> float:
    """One weight of a matrix whose columns are sorted in each row."""
    indptr, indices, data = matrix
    low, high = indptr[row], indptr[row + 1]
    while low < high:
        middle = (low + high) // 2
        if indices[middle] < column:
            low = middle + 1
        else:
            high = middle
    return _weight(data, low) if low < indptr[row + 1] and indices[low] == column else 0.0


@numba.njit(cache=True, nogil=True)
def _weight(data: Array, at: int) -> float:
    """The weight of a link. Where all are one, reading them would take longer than the walk itself."""
    return data[at] if len(data) else 1.0


@numba.njit(cache=True, nogil=True)
def one_step(total: Array, starts: Array, amounts: Array, links: Csr) -> None:
    """Adds to `total` (N,) what leads from the starts along direct links (N, N)."""
    indptr, indices, data = links
    for k in range(len(starts)):
        for at in range(indptr[starts[k]], indptr[starts[k] + 1]):
            total[indices[at]] += amounts[k] * data[at]


@numba.njit(cache=True, nogil=True)
def two_steps_between(
    total: Array,
    place: Array,
    starts: Array,
    products: Array,
    own: Array,
    factors: Array,
    links: Csr,
    ends: Csr,
    by_middle: Csr,
) -> None:
    """Adds to `total` (J, I, V) what the paths between each start and each product amount to.

    Whichever is shorter is walked: from the middle nodes of the starts to all that they lead to, or from the
    products back to these.

    Args:
        total: (J, I, V) is added to, V choices of middle factors.
        place: (N,) zeros to write to, made by numpy as in `two_steps`.
        starts: (J,)
        products: (I,), each once.
        own: middle nodes that no path goes through.
        factors: (M, V)
        links, ends, by_middle: as of `two_steps`.
    """
    # Arrays by themselves: to take one out of a tuple costs more than a step of the walk.
    table, nodes, first, start, weight = _by_node(starts, own, links)
    end_indptr, end_indices, end_data = ends
    middle_indptr, middle_products, middle_data = by_middle
    if _longer(by_middle, nodes, _lengths(ends, products)):
        for i in range(len(products)):
            product = products[i]
            for to in range(end_indptr[product], end_indptr[product + 1]):
                n = end_indices[to]
                at = table[_slot(table, nodes, n)]
                if at >= 0:
                    _add(total, i, product, end_data[to], starts, first[at], first[at + 1], start, weight, factors, n)
        return
    for i in range(len(products)):
        place[products[i]] = i + 1
    for at in range(len(nodes)):
        n = nodes[at]
        for to in range(middle_indptr[n], middle_indptr[n + 1]):
            i = place[middle_products[to]] - 1
            if i >= 0:
                _add(
                    total, i, products[i], middle_data[to], starts, first[at], first[at + 1], start, weight, factors, n
                )


@numba.njit(cache=True, nogil=True)
def _by_node(starts: Array, own: Array, links: Csr) -> tuple[Array, Array, Array, Array, Array]:
    """Links of some starts by their middle node, in tables as large as what there is of them.

    Returns:
        table: where each node is among the nodes, -1 where none is; `_slot` says at which place.
        nodes: (T,) different ones.
        first: (T + 1,) where the links of each begin.
        start, weight: (L,) of each link, the start as its number among the starts; the weight of own nodes is 0.
    """
    indptr, indices, data = links
    count = _lengths(links, starts)
    size = 4
    while size < 2 * count:
        size *= 2
    table = np.full(size, -1, np.int32)
    nodes, place, first = np.empty(count, np.int32), np.empty(count, np.int32), np.zeros(count + 2, np.int32)
    start, weight = np.empty(count, np.int32), np.empty(count)
    link, different = 0, 0
    for j in starts:
        for at in range(indptr[j], indptr[j + 1]):
            slot = _slot(table, nodes, indices[at])
            if table[slot] < 0:
                table[slot] = different
                nodes[different] = indices[at]
                different += 1
            place[link] = table[slot]
            # Counted two places on, so that filling in leaves where each begins.
            first[place[link] + 2] += 1
            link += 1
    for at in range(different):
        first[at + 2] += first[at + 1]
    link = 0
    for k in range(len(starts)):
        for at in range(indptr[starts[k]], indptr[starts[k] + 1]):
            to = first[place[link] + 1]
            first[place[link] + 1] += 1
            start[to] = k
            weight[to] = data[at]
            link += 1
    for n in own:
        slot = _slot(table, nodes, n)
        if table[slot] >= 0:
            weight[first[table[slot]] : first[table[slot] + 1]] = 0.0
    return table, nodes[:different], first[: different + 1], start, weight


@numba.njit(cache=True, nogil=True)
def _slot(table: Array, nodes: Array, n: int) -> int:
    """Where a node is in a table, or would be: the size is a power of two, and half of it is free."""
    slot = (n * 0x9E3779B1 >> 12) & (len(table) - 1)
    while table[slot] >= 0 and nodes[table[slot]] != n:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@numba.njit(cache=True, nogil=True)
def _add(
    total: Array,
    i: int,
    product: int,
    end_weight: float,
    starts: Array,
    first: int,
    last: int,
    start: Array,
    weight: Array,
    factors: Array,
    n: int,
) -> None:
    """Adds the paths between the starts of some links to a middle node and one product."""
    for variant in range(factors.shape[1]):
        value = end_weight * factors[n, variant]
        for link in range(first, last):
            k = start[link]
            if starts[k] != product:
                total[k, i, variant] += weight[link] * value


@numba.njit(cache=True, nogil=True)
def _length(matrix: Csr, row: int) -> Any:
    return matrix[0][row + 1] - matrix[0][row]


@numba.njit(cache=True, nogil=True)
def _lengths(matrix: Csr, rows: Array) -> int:
    """How many entries some rows have together."""
    count = 0
    for row in rows:
        count += _length(matrix, row)
    return count


@numba.njit(cache=True, nogil=True)
def _longer(matrix: Csr, rows: Array, least: int) -> bool:
    """Whether some rows together have more entries than so many."""
    for row in rows:
        least -= _length(matrix, row)
        if least < 0:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def middles_between(
    starts: Array, products: Array, own: Array, middle_factor: Array, links: Csr, ends: Csr
) -> tuple[Array, Array]:
    """Middle nodes of the paths of some pairs: those with the largest amount first, else in order.

    Args:
        starts, products: (P,) each.
        own, middle_factor, links, ends: as of `two_steps`; columns are sorted in each row.

    Returns:
        (P + 1,) where those of each pair begin, and the nodes, one pair after the other.
    """
    begins = np.zeros(len(starts) + 1, np.int64)
    most = 0
    for pair in range(len(starts)):
        most += min(_length(links, starts[pair]), _length(ends, products[pair]))
    nodes, amounts = np.empty(most, np.int64), np.empty(most)
    count = 0
    for pair in range(len(starts)):
        at, other = links[0][starts[pair]], ends[0][products[pair]]
        last, other_last = links[0][starts[pair] + 1], ends[0][products[pair] + 1]
        while at < last and other < other_last:
            n, m = links[1][at], ends[1][other]
            if n == m and not _in(own, n):
                nodes[count] = n
                amounts[count] = links[2][at] * ends[2][other] * middle_factor[n]
                count += 1
            at += n <= m
            other += m <= n
        here = slice(begins[pair], count)
        nodes[here] = nodes[here][np.argsort(-amounts[here], kind="mergesort")]
        begins[pair + 1] = count
    return begins, nodes[:count]


@numba.njit(cache=True, nogil=True)
def one_step_between(total: Array, place: Array, starts: Array, products: Array, links: Csr) -> None:
    """Adds to `total` (J, I) the direct links (N, N) from each start to each other product.

    Args:
        total: (J, I) is added to.
        place: (N,) zeros to write to.
        starts: (J,)
        products: (I,), each once.
        links: indptr, indices, data.
    """
    indptr, indices, data = links
    for i in range(len(products)):
        place[products[i]] = i + 1
    for k in range(len(starts)):
        for at in range(indptr[starts[k]], indptr[starts[k] + 1]):
            column = place[indices[at]]
            if column > 0 and indices[at] != starts[k]:
                total[k, column - 1] += data[at]


@numba.njit(cache=True, nogil=True)
def _in(values: Array, wanted: int) -> bool:
    for value in values:  # noqa: SIM110 (a loop compiles, a generator does not)
        if value == wanted:
            return True
    return False


@numba.njit(cache=True, nogil=True, parallel=True)
def two_steps_of_many(  # noqa: C901 (as `two_steps`, once a row)
    total: Array,
    histories: tuple[Array, Array, Array],
    own: tuple[Array, Array],
    end_factor: Array,
    middle_factor: Array,
    links: Csr,
    ends: Csr,
    by_middle: Csr,
) -> None:
    """Adds the paths of many histories to (B, N), one history a row, as `two_steps` does for one.

    Args:
        total: (B, N) float32, is added to.
        histories: (B + 1,) where each begins, its products and what each carries.
        own: (B + 1,) where each person's middle nodes begin, and these.
        end_factor, middle_factor: (N,) and (M,) float32.
        links, ends, by_middle: as of `two_steps`.
    """
    indptr, starts, amounts = histories
    own_indptr, own_nodes = own
    link_indptr, link_indices, link_data = links
    end_indptr, end_indices, end_data = ends
    middle_indptr, middle_products, middle_data = by_middle
    for row in numba.prange(len(indptr) - 1):
        carried = np.zeros(len(middle_factor), np.float32)
        shut = np.zeros(len(middle_factor), np.int8)
        for at in range(own_indptr[row], own_indptr[row + 1]):
            shut[own_nodes[at]] = 1
        for k in range(indptr[row], indptr[row + 1]):
            for at in range(link_indptr[starts[k]], link_indptr[starts[k] + 1]):
                if shut[link_indices[at]] == 0:
                    carried[link_indices[at]] += amounts[k] * link_data[at]
        reached = np.zeros(len(end_factor), np.float32)
        for k in range(indptr[row], indptr[row + 1]):
            for at in range(link_indptr[starts[k]], link_indptr[starts[k] + 1]):
                n = link_indices[at]
                value = carried[n] * middle_factor[n]
                if value != 0.0:
                    carried[n] = 0.0
                    for to in range(middle_indptr[n], middle_indptr[n + 1]):
                        reached[middle_products[to]] += value * middle_data[to]
        for k in range(indptr[row], indptr[row + 1]):
            j = starts[k]
            other = end_indptr[j]
            for at in range(link_indptr[j], link_indptr[j + 1]):
                n = link_indices[at]
                while other < end_indptr[j + 1] and end_indices[other] < n:
                    other += 1
                if other < end_indptr[j + 1] and end_indices[other] == n and shut[n] == 0:
                    reached[j] -= amounts[k] * link_data[at] * middle_factor[n] * end_data[other]
        total[row] += reached * end_factor


@numba.njit(cache=True, nogil=True, parallel=True)
def one_step_of_many(
    total: Array,
    indptr: Array,
    starts: Array,
    amounts: Array,
    end_factor: Array,
    links: Csr,
) -> None:
    """Adds the direct links of many histories to (B, N), one history a row."""
    link_indptr, link_indices, link_data = links
    for row in numba.prange(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            for at in range(link_indptr[starts[k]], link_indptr[starts[k] + 1]):
                total[row, link_indices[at]] += amounts[k] * link_data[at] * end_factor[link_indices[at]]

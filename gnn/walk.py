"""Walks over the incidence, compiled: history product - middle node - product.

Loops over CSR rows are what the explicit terms are; numba runs them some ten times as fast as slicing
sparse matrices does for the short rows of one history. All arrays are plain numpy.
"""

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@numba.njit(cache=True, nogil=True)
def two_steps(  # noqa: C901 (three plain loops; a helper would be compiled once more)
    total: Array,
    carried: Array,
    starts: Array,
    amounts: Array,
    own: Array,
    middle_factor: Array,
    links: tuple[Array, Array, Array],
    ends: tuple[Array, Array, Array],
    by_middle: tuple[Array, Array, Array],
) -> None:
    """Adds to `total` (N,) what all paths from the starts to every other product amount to.

    Args:
        total: (N,) is added to.
        carried: (M,) zeros to write to. Made by numpy, which leaves untouched memory alone; made here, all of it
            would be cleared at every walk.
        starts, amounts: (J,) products and what each carries.
        own: middle nodes that no path goes through.
        middle_factor: (M,)
        links: indptr, indices, data of (N, M), from the start to the middle.
        ends: the same from the end to the middle; columns sorted in each row, as in `links`.
        by_middle: the transpose of `ends`, (M, N).
    """
    indptr, indices, data = links
    end_indptr, end_indices, end_data = ends
    middle_indptr, middle_products, middle_data = by_middle
    for k in range(len(starts)):
        for at in range(indptr[starts[k]], indptr[starts[k] + 1]):
            carried[indices[at]] += amounts[k] * data[at]
    for n in own:
        carried[n] = 0.0
    for k in range(len(starts)):
        j = starts[k]
        other = end_indptr[j]
        for at in range(indptr[j], indptr[j + 1]):
            n = indices[at]
            # A product is no reason for itself: what leads back to the start is taken off again.
            while other < end_indptr[j + 1] and end_indices[other] < n:
                other += 1
            if other < end_indptr[j + 1] and end_indices[other] == n and not _in(own, n):
                total[j] -= amounts[k] * data[at] * middle_factor[n] * end_data[other]
    for k in range(len(starts)):
        for at in range(indptr[starts[k]], indptr[starts[k] + 1]):
            n = indices[at]
            value = carried[n] * middle_factor[n]
            if value != 0.0:
                # Each middle node is spread once, however many starts lead to it.
                carried[n] = 0.0
                for to in range(middle_indptr[n], middle_indptr[n + 1]):
                    total[middle_products[to]] += value * middle_data[to]


@numba.njit(cache=True, nogil=True)
def one_step(total: Array, starts: Array, amounts: Array, links: tuple[Array, Array, Array]) -> None:
    """Adds to `total` (N,) what leads from the starts along direct links (N, N)."""
    indptr, indices, data = links
    for k in range(len(starts)):
        for at in range(indptr[starts[k]], indptr[starts[k] + 1]):
            total[indices[at]] += amounts[k] * data[at]


@numba.njit(cache=True, nogil=True)
def two_steps_between(
    total: Array,
    scratch: tuple[Array, Array, Array],
    starts: Array,
    products: Array,
    own: Array,
    factors: Array,
    links: tuple[Array, Array, Array],
    ends: tuple[Array, Array, Array],
    by_middle: tuple[Array, Array, Array],
) -> None:
    """Adds to `total` (J, I, V) what the paths between each start and each product amount to.

    Whichever is shorter is walked: from a start to all that its middle nodes lead to, or from the products back
    to the middle nodes of the start.

    Args:
        total: (J, I, V) is added to, V choices of middle factors.
        scratch: zeros to write to: (N,) and (M,) integers and (M,) floats.
        starts: (J,)
        products: (I,), each once.
        own: middle nodes that no path goes through.
        factors: (M, V)
        links, ends, by_middle: as of `two_steps`.
    """
    place, shut, weight = scratch
    indptr, indices, data = links
    middle_indptr, _, _ = by_middle
    back = 0
    for i in range(len(products)):
        place[products[i]] = i + 1
        back += ends[0][products[i] + 1] - ends[0][products[i]]
    for n in own:
        shut[n] = 1
    for k in range(len(starts)):
        row = range(indptr[starts[k]], indptr[starts[k] + 1])
        ahead = 0
        for at in row:
            ahead += middle_indptr[indices[at] + 1] - middle_indptr[indices[at]]
        for at in row:
            weight[indices[at]] = 0.0 if shut[indices[at]] else data[at]
        if ahead <= back:
            _lead_on(total[k], starts[k], place, weight, indices[row.start : row.stop], factors, by_middle)
        else:
            _lead_back(total[k], starts[k], products, weight, factors, ends)
        for at in row:
            weight[indices[at]] = 0.0


@numba.njit(cache=True, nogil=True)
def _lead_on(
    total: Array,
    start: int,
    place: Array,
    weight: Array,
    middles: Array,
    factors: Array,
    by_middle: tuple[Array, Array, Array],
) -> None:
    indptr, products, data = by_middle
    for n in middles:
        if weight[n] != 0.0:
            for to in range(indptr[n], indptr[n + 1]):
                column = place[products[to]]
                if column > 0 and products[to] != start:
                    value = weight[n] * data[to]
                    for variant in range(factors.shape[1]):
                        total[column - 1, variant] += value * factors[n, variant]


@numba.njit(cache=True, nogil=True)
def _lead_back(
    total: Array, start: int, products: Array, weight: Array, factors: Array, ends: tuple[Array, Array, Array]
) -> None:
    indptr, middles, data = ends
    for i in range(len(products)):
        if products[i] != start:
            for at in range(indptr[products[i]], indptr[products[i] + 1]):
                n = middles[at]
                if weight[n] != 0.0:
                    value = weight[n] * data[at]
                    for variant in range(factors.shape[1]):
                        total[i, variant] += value * factors[n, variant]


@numba.njit(cache=True, nogil=True)
def one_step_between(
    total: Array, place: Array, starts: Array, products: Array, links: tuple[Array, Array, Array]
) -> None:
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
    links: tuple[Array, Array, Array],
    ends: tuple[Array, Array, Array],
    by_middle: tuple[Array, Array, Array],
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
    links: tuple[Array, Array, Array],
) -> None:
    """Adds the direct links of many histories to (B, N), one history a row."""
    link_indptr, link_indices, link_data = links
    for row in numba.prange(len(indptr) - 1):
        for k in range(indptr[row], indptr[row + 1]):
            for at in range(link_indptr[starts[k]], link_indptr[starts[k] + 1]):
                total[row, link_indices[at]] += amounts[k] * link_data[at] * end_factor[link_indices[at]]

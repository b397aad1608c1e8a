"""Values of paths between histories and candidates, kept without zeros, and their weighted sums.

Most terms link a product of a history with few of the candidates: kept dense, fitting would read mostly zeros
at every step. The sums are linear, so that their gradient is the same walk the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor

from gnn.paths import FloatArray

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class PathValues:
    """Values between the J_b units of each of B users and their candidates, in R variants.

    Shapes:
        first: (B + 1,) row at which each user begins; R · J_b rows of candidates, variant after variant.
        indptr: (rows + 1,) where each row begins.
        columns, values: which candidate, and the value.
        candidates: I, the most that a user has.
    """

    first: npt.NDArray[np.int64]
    indptr: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    candidates: int

    def sums(self, carried: Tensor) -> Tensor:
        """(R, B, I) Σ_j carried[r, b, j] · value[r, b, j, i], for carried (R, B, J) padded to the most units."""
        result: Tensor = _Sums.apply(carried, self)
        return result

    def linked(self, variants: int, units: int) -> Tensor:
        """(R, B, J) whether there is any path from a unit."""
        people = len(self.first) - 1
        found = np.zeros((variants, people, units), bool)
        for person in range(people):
            rows = np.diff(self.indptr[self.first[person] : self.first[person + 1] + 1]).reshape(variants, -1)
            found[:, person, : rows.shape[1]] = rows > 0
        return torch.from_numpy(found)


def of_person(variants: Sequence[FloatArray]) -> sp.csr_array:
    """(R · J, I) the R dense (J, I) values of one user, one below the other, without zeros."""
    dense = np.concatenate(variants)
    indptr = np.zeros(len(dense) + 1, np.int32)
    columns, values = _compressed(dense, indptr)
    return sp.csr_array((values, columns, indptr), shape=dense.shape)


def joined(people: Sequence[sp.csr_array]) -> PathValues:
    """Several users' values as one."""
    ends = np.cumsum([matrix.nnz for matrix in people])
    starts = [0, *ends[:-1].tolist()]
    indptr = [matrix.indptr[:-1] + start for matrix, start in zip(people, starts, strict=True)]
    return PathValues(
        first=np.concatenate([[0], np.cumsum([matrix.shape[0] for matrix in people])]),
        indptr=np.concatenate([*indptr, ends[-1:]]).astype(np.int64),
        columns=np.concatenate([matrix.indices for matrix in people]).astype(np.int32),
        values=np.concatenate([matrix.data for matrix in people]),
        candidates=max(matrix.shape[1] for matrix in people),
    )


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, carried: Tensor, paths: PathValues) -> Tensor:
        ctx.paths, ctx.units = paths, carried.shape[2]
        variants, people, _ = carried.shape
        total = np.zeros((variants, people, paths.candidates), np.float32)
        _spread(total, carried.detach().numpy(), paths.first, paths.indptr, paths.columns, paths.values)
        return torch.from_numpy(total)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        paths = ctx.paths
        variants, people, _ = gradient.shape
        back = np.zeros((variants, people, ctx.units), np.float32)
        _gathered(back, gradient.contiguous().numpy(), paths.first, paths.indptr, paths.columns, paths.values)
        return torch.from_numpy(back), None


@numba.njit(cache=True, nogil=True)
def _compressed(dense: Array, indptr: Array) -> tuple[Array, Array]:
    for row in range(len(dense)):
        indptr[row + 1] = indptr[row]
        for value in dense[row]:
            indptr[row + 1] += value != 0.0
    columns, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    at = 0
    for row in range(len(dense)):
        for column in range(dense.shape[1]):
            if dense[row, column] != 0.0:
                columns[at] = column
                values[at] = dense[row, column]
                at += 1
    return columns, values


@numba.njit(cache=True, nogil=True, parallel=True)
def _spread(total: Array, carried: Array, first: Array, indptr: Array, columns: Array, values: Array) -> None:
    variants, people, _ = total.shape
    for task in numba.prange(variants * people):
        variant, person = task // people, task % people
        units = (first[person + 1] - first[person]) // variants
        for unit in range(units):
            row = first[person] + variant * units + unit
            amount = carried[variant, person, unit]
            for at in range(indptr[row], indptr[row + 1]):
                total[variant, person, columns[at]] += amount * values[at]


@numba.njit(cache=True, nogil=True, parallel=True)
def _gathered(back: Array, gradient: Array, first: Array, indptr: Array, columns: Array, values: Array) -> None:
    variants, people, _ = back.shape
    for task in numba.prange(variants * people):
        variant, person = task // people, task % people
        units = (first[person + 1] - first[person]) // variants
        for unit in range(units):
            row = first[person] + variant * units + unit
            sum_ = np.float32(0.0)
            for at in range(indptr[row], indptr[row + 1]):
                sum_ += gradient[variant, person, columns[at]] * values[at]
            back[variant, person, unit] = sum_

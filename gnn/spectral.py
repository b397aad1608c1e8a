"""The smooth part of who met what: leading singular vectors of the normalised incidence."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

from gnn.paths import FloatArray

_POWER_ITERATIONS = 4
_OVERSAMPLING = 10


def singular_vectors(
    matrix: sp.csr_array, width: int, generator: np.random.Generator, exponent: float = 0.5
) -> tuple[FloatArray, FloatArray]:
    """(N, width) V and (width,) S of D_u^-exponent R D_i^-1/2, by a randomised SVD (Halko et al. 2011).

    Args:
        matrix: (U, N) R.
        width: how many; missing ones are zero where the matrix is smaller.
        generator: draws the start.
        exponent: how much less the products of a user with many count.
    """
    rows = np.maximum(matrix.sum(axis=1), 1.0) ** -exponent
    columns = np.maximum(matrix.sum(axis=0), 1.0) ** -0.5
    normal = (sp.diags_array(rows) @ matrix @ sp.diags_array(columns)).astype(np.float32).tocsr()
    transposed = normal.T.tocsr()
    rank = min(width, *normal.shape)
    start = generator.standard_normal((normal.shape[1], min(rank + _OVERSAMPLING, *normal.shape)))
    basis: npt.NDArray[np.floating[Any]] = start.astype(np.float32)
    for _ in range(_POWER_ITERATIONS):
        basis = _orthonormal(np.asarray(transposed @ (normal @ basis)))
    # Of a tall matrix the values and right vectors are those of its triangle.
    corner = scipy.linalg.qr(np.asarray(normal @ basis), mode="r", check_finite=False)[0][: basis.shape[1]]
    _, values, right = np.linalg.svd(corner, full_matrices=False)
    missing = width - rank
    return np.pad((basis @ right.T)[:, :rank], ((0, 0), (0, missing))), np.pad(values[:rank], (0, missing))


def _orthonormal(matrix: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    basis: npt.NDArray[np.floating[Any]] = scipy.linalg.qr(
        matrix, mode="economic", overwrite_a=True, check_finite=False
    )[0]
    return basis


def item_vectors(matrix: sp.csr_array, width: int, generator: np.random.Generator) -> FloatArray:
    """(N, width) V S^1/2: where the free vectors start from."""
    vectors, values = singular_vectors(matrix, width, generator)
    return np.asarray(vectors * np.sqrt(values), np.float64)

"""The smooth part of who met what: leading singular vectors of the normalised incidence."""

import numpy as np
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
    basis = start.astype(np.float32)
    for _ in range(_POWER_ITERATIONS):
        basis = np.linalg.qr(np.asarray(transposed @ (normal @ basis)))[0]
    _, values, right = np.linalg.svd(np.asarray(normal @ basis), full_matrices=False)
    missing = width - rank
    return np.pad((basis @ right.T)[:, :rank], ((0, 0), (0, missing))), np.pad(values[:rank], (0, missing))


def item_vectors(matrix: sp.csr_array, width: int, generator: np.random.Generator) -> FloatArray:
    """(N, width) V S^1/2: where the free vectors start from."""
    vectors, values = singular_vectors(matrix, width, generator)
    return np.asarray(vectors * np.sqrt(values), np.float64)

"""The smooth part of who met what: leading singular vectors of the normalised incidence."""

import numpy as np
import scipy.sparse as sp

from gnn.paths import FloatArray

_POWER_ITERATIONS = 4
_OVERSAMPLING = 10


def item_vectors(matrix: sp.csr_array, width: int, generator: np.random.Generator) -> FloatArray:
    """(N, width) V S^1/2 of D_u^-1/2 R D_i^-1/2, by a randomised SVD (Halko, Martinsson and Tropp 2011).

    Args:
        matrix: (U, N) R.
        width: how many; missing ones are zero where the matrix is smaller.
        generator: draws the start.
    """
    rows = np.maximum(matrix.sum(axis=1), 1.0) ** -0.5
    columns = np.maximum(matrix.sum(axis=0), 1.0) ** -0.5
    normal = (sp.diags_array(rows) @ matrix @ sp.diags_array(columns)).tocsr()
    rank = min(width, *normal.shape)
    basis: FloatArray = generator.standard_normal((normal.shape[1], min(rank + _OVERSAMPLING, *normal.shape)))
    for _ in range(_POWER_ITERATIONS):
        basis = np.linalg.qr(np.asarray(normal.T @ (normal @ basis)))[0]
    _, values, right = np.linalg.svd(np.asarray(normal @ basis), full_matrices=False)
    vectors = (basis @ right.T)[:, :rank] * np.sqrt(values[:rank])
    return np.pad(vectors, ((0, 0), (0, width - rank)))

"""Item-kNN: the nearest neighbours of each product by who met it (Deshpande and Karypis 2004).

Cosine with shrinkage, the k nearest neighbours of every product, summed over the user's products.
"""

import numpy as np
import scipy.sparse as sp

from gnn.data import Shop
from gnn.histories import histories

NEIGHBOURS = (20, 50, 100, 200)
SHRINKAGES = (0.0, 10.0, 50.0)
_ROWS = 1_000


def interactions(shop: Shop) -> sp.csr_array:
    """(U, N) 1 where a user did anything with a product."""
    past = histories(shop)
    matrix = sp.csr_array((np.ones(len(past.products)), past.products, past.indptr), (shop.users, shop.products))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def neighbours(matrix: sp.csr_array, count: int, shrinkage: float) -> sp.csr_array:
    """(N, N) similarity of each product's nearest neighbours, in rows; the product itself left out."""
    columns = matrix.tocsc().T.tocsr()
    degree = np.asarray(matrix.sum(axis=0))
    blocks = []
    for start in range(0, columns.shape[0], _ROWS):
        block = (columns[start : start + _ROWS] @ matrix).toarray()
        rows = np.arange(start, start + len(block))
        block[np.arange(len(block)), rows] = 0.0
        block /= np.sqrt(np.outer(degree[rows], degree)) + shrinkage + 1e-9
        if count < block.shape[1]:
            block[block < -np.partition(-block, count - 1, axis=1)[:, [count - 1]]] = 0.0
        blocks.append(sp.csr_array(block))
    return sp.csr_array(sp.vstack(blocks))

"""One row of S: what a product passes on to others in one hop through a relation (`gnn.propagation` has the whole)."""

import numpy as np

from gnn.paths import FloatArray, PathTerm


def hop_row(term: PathTerm, position: int) -> FloatArray:
    """(N,) one row of S_r: degree-normalised hops from a product through one relation.

    Two steps: (w_in / d_n) w_nj over sqrt(d_i d_j). Direct relations count both ways.
    """
    if term.term.two_steps:
        middles = term.links[[position]]
        shares = middles.data / np.maximum(term.middle_degree[middles.indices], 1.0)
        reached = term.by_middle[middles.indices].T @ shares
        root = np.sqrt(np.maximum(term.degree, 1.0))
    else:
        reached = (term.links[[position]] + term.links[:, [position]].T).toarray().ravel()
        root = np.sqrt(np.maximum(term.out_degree + term.degree, 1.0))
    return np.asarray(reached / (root * root[position]))

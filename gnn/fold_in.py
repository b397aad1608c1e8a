"""What a new product takes from its neighbours in the graph: its prior, its trend, its vector.

Shapes: N products.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gnn.latent import Latent
from gnn.live_links import LiveProduct
from gnn.paths import FloatArray, IntArray, PathTerm
from gnn.scoring import Scorer


def with_category_mean(scorer: Scorer, values: FloatArray, fresh: Sequence[int]) -> FloatArray:
    """Values of new products: the mean of those in the same category, else of all."""
    values = values.copy()
    old = scorer.alive.copy()
    old[list(fresh)] = False
    if not len(fresh) or not old.any():
        return values
    category = next((term for term in scorer.terms if term.term.name == "IN_CATEGORY"), None)
    overall = float(values[old].mean())
    for position in fresh:
        beside = _sharing(category, position) if category is not None else np.empty(0, np.intp)
        beside = beside[old[beside]]
        values[position] = float(values[beside].mean()) if len(beside) else overall
    return values


def _sharing(term: PathTerm, position: int) -> IntArray:
    nodes = term.links[[position]].indices
    return np.unique(term.by_middle[nodes].indices)


def folded_in(scorer: Scorer, latent: Latent, products: Sequence[LiveProduct], fresh: set[int]) -> Latent:
    """Vectors of new products and of known ones whose features changed, layer by layer.

    The first layer is W x. The deeper ones of a new product are the propagated layers of its graph
    neighbours, S^k X = S (S^(k-1) X), with its own row of S; those of a known product stay.
    """
    layers = {part: layer.copy() for part, layer in latent.layers.items()}
    for product in products:
        position = scorer.positions[product.id]
        for modality, projection in latent.projections.items():
            vector = product.features.get(modality)
            if vector is not None and len(vector) == len(projection):
                layers[modality][0, position] = np.asarray(vector, np.float32) @ projection
    rows = {position: _hop(scorer, latent, position) for position in fresh}
    for layer in layers.values():
        for k in range(1, len(layer)):
            for position, (neighbours, shares) in rows.items():
                layer[k, position] = shares @ layer[k - 1, neighbours]
    return replace(latent, layers=layers)


def _hop(scorer: Scorer, latent: Latent, position: int) -> tuple[IntArray, FloatArray]:
    """The row of S of one product: its neighbours and what each passes on."""
    row = np.zeros(scorer.size)
    for term in scorer.terms:
        gate = latent.gates.get(term.term.relation, 0.0) if term.term.kind != "reverse" else 0.0
        if gate:
            row += gate * hop_row(term, position)
    row[position] = 0.0
    neighbours = np.flatnonzero(row)
    return neighbours, row[neighbours]


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

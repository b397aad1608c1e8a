"""What a new product takes from its neighbours in the graph: its prior, its trend, its vector.

Shapes: N products.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from gnn.hops import hop_row
from gnn.latent import FREE, Latent
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

    The first layer is α W x. The deeper ones of a new product are the propagated layers of its graph
    neighbours, S^k X = S (S^(k-1) X), with its own row of S; those of a known product stay. A product whose features
    another encoder made than the model was trained with stays as it is.
    """
    latent = latent.copied(scorer.size)
    for product in products:
        position = scorer.positions[product.id]
        if not latent.fusion.takes(product.features):
            continue
        gates = latent.fusion.shares(product.features)
        parts = latent.fusion.parts(product.features, gates)
        for modality, of_all in latent.shares.items():
            of_all[position] = gates.get(modality, 0.0)
            latent.layers[modality][0, position] = parts.get(modality, 0.0)
    rows = {position: _hop(scorer.terms, latent, position) for position in fresh}
    for layer in latent.layers.values():
        for k in range(1, len(layer)):
            for position, (neighbours, shares) in rows.items():
                layer[k, position] = shares @ layer[k - 1, neighbours]
    latent.renew(np.array([scorer.positions[product.id] for product in products], np.intp))
    return latent


def if_unmet(scorer: Scorer, latent: Latent, positions: Sequence[int]) -> FloatArray:
    """(P, d) vectors that known products would have as new ones, by their features and relations alone."""
    total = np.zeros((len(positions), latent.vectors.shape[1]))
    rows = [_hop(scorer.relations, latent, position) for position in positions]
    for part, layers in latent.layers.items():
        if part != FREE:
            total += latent.hops[0] * layers[0, positions]
        for hop, layer in zip(latent.hops[1:], layers[:-1], strict=True):
            total += hop * np.stack([shares @ layer[neighbours] for neighbours, shares in rows])
    return total


def _hop(terms: Iterable[PathTerm], latent: Latent, position: int) -> tuple[IntArray, FloatArray]:
    """The row of S of one product: its neighbours and what each passes on."""
    row = np.zeros(len(latent.vectors))
    for term in terms:
        gate = latent.gates.get(term.term.relation, 0.0) if term.term.kind != "reverse" else 0.0
        if gate:
            row += gate * hop_row(term, position)
    row[position] = 0.0
    neighbours = np.flatnonzero(row)
    return neighbours, row[neighbours]

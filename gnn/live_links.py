"""The links of a product as the store has them now, put in the place of those at the build.

Shapes: N products, M middle nodes of a term.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.paths import FloatArray, PathTerm
from gnn.scoring import Scorer

Links = Mapping[str, Sequence[tuple[str, float]]]


@dataclass(frozen=True)
class LiveProduct:
    """A product as the store has it now.

    Attributes:
        id: the shop's key.
        features: modality -> vector.
        out: relation -> (id at the other end, weight), for relations that start at the product.
        into: relation -> (product id, weight), for relations between products that end at it.
    """

    id: str
    features: Mapping[str, FloatArray] = field(default_factory=dict)
    out: Links = field(default_factory=dict)
    into: Links = field(default_factory=dict)


def linked(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct]) -> PathTerm:
    """A term with the links of some products as they are now."""
    if term.term.through_nodes:
        return _shared_links(scorer, term, products)
    if term.term.kind in ("forward", "reverse"):
        return _direct_links(scorer, term, products)
    return term


def _shared_links(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct]) -> PathTerm:
    entries = _node_links(scorer, term, products)
    unknown = list(dict.fromkeys(key for _, key in entries if key not in term.key_positions))
    keys = (*term.keys, *unknown)
    columns = {**term.key_positions, **{key: len(term.keys) + n for n, key in enumerate(unknown)}}
    rows = [scorer.positions[product] for product, _ in entries]
    touched = [scorer.positions[product.id] for product in products]
    # A product in the middle is taken as it is now, like one at the end.
    between = [columns[product.id] for product in products if term.term.through_products and product.id in columns]
    links = larger(term.links, scorer.size, len(keys))
    links = _replaced(links, touched, between, rows, [columns[key] for _, key in entries], list(entries.values()))
    degree = _with_own(term.degree, links.sum(axis=1), {*touched, *rows})
    middle_degree = np.concatenate([term.middle_degree, np.zeros(len(unknown))])
    middle_degree = _with_own(middle_degree, links.sum(axis=0), {*between, *range(len(term.keys), len(keys))})
    owner = np.concatenate([term.owner, np.full(len(unknown), -1, np.int32)])
    return replace(
        term, links=links, keys=keys, degree=degree, out_degree=degree, middle_degree=middle_degree, owner=owner
    )


def _node_links(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct]) -> dict[tuple[str, str], float]:
    """(id of the product at the end, key of the node in the middle) -> weight, for links of some products."""
    relation, common = term.term.relation, term.term.kind == "common"
    entries: dict[tuple[str, str], float] = {}
    for product in products:
        ahead, behind = (product.into, product.out) if common else (product.out, product.into)
        entries |= {(product.id, node): weight for node, weight in ahead.get(relation, ())}
        if term.term.through_products:
            others = behind.get(relation, ())
            entries |= {(other, product.id): weight for other, weight in others if other in scorer.positions}
    return entries


def _direct_links(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct]) -> PathTerm:
    relation, backwards = term.term.relation, term.term.kind == "reverse"
    entries = []
    for product in products:
        here = scorer.positions[product.id]
        out = [
            (here, scorer.positions[other], w)
            for other, w in product.out.get(relation, ())
            if other in scorer.positions
        ]
        into = [
            (scorer.positions[other], here, w)
            for other, w in product.into.get(relation, ())
            if other in scorer.positions
        ]
        entries += [(b, a, w) if backwards else (a, b, w) for a, b, w in out + into]
    entries = list({(a, b): (a, b, w) for a, b, w in entries if a != b}.values())
    touched = [scorer.positions[product.id] for product in products]
    rows, columns, weights = zip(*entries, strict=True) if entries else ((), (), ())
    links = _replaced(term.links, touched, touched, rows, columns, weights)
    ends = sorted({*touched, *rows, *columns})
    return replace(
        term,
        links=links,
        out_degree=_with_own(term.out_degree, links.sum(axis=1), ends),
        degree=_with_own(term.degree, links.sum(axis=0), ends),
    )


def larger(links: sp.csr_array, rows: int, columns: int) -> sp.csr_array:
    """The links with room for more products and middle nodes, which nothing links yet."""
    indptr = np.pad(links.indptr, (0, rows - links.shape[0]), mode="edge")
    return sp.csr_array((links.data, links.indices, indptr), shape=(rows, columns))


def _replaced(
    links: sp.csr_array,
    rows_out: Sequence[int],
    columns_out: Sequence[int],
    rows: Sequence[int],
    columns: Sequence[int],
    weights: Sequence[float],
) -> sp.csr_array:
    """The links with whole rows and columns exchanged for the given entries, columns in order in each row."""
    keep_row = np.ones(links.shape[0])
    keep_row[list(rows_out)] = 0.0
    kept = sp.diags_array(keep_row) @ links
    if len(columns_out):
        keep_column = np.ones(links.shape[1])
        keep_column[list(columns_out)] = 0.0
        kept = kept @ sp.diags_array(keep_column)
    entries = (np.asarray(weights, float), (np.asarray(rows, np.int32), np.asarray(columns, np.int32)))
    result: sp.csr_array = (kept + sp.csr_array(entries, shape=links.shape)).tocsr()
    result.eliminate_zeros()
    result.sort_indices()
    return result


def _with_own(frozen: FloatArray, now: npt.ArrayLike, positions: Iterable[int]) -> FloatArray:
    """Frozen degrees, and today's for those that had none at the build."""
    degrees = frozen.copy()
    fresh = [p for p in positions if frozen[p] == 0]
    degrees[fresh] = np.asarray(now, np.float64)[fresh]
    return degrees

"""The links of a product as the store has them now, put in the place of those at the build.

Shapes: N products, M middle nodes of a term.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

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


class Degrees(NamedTuple):
    """Degrees of a term as `PathTerm` has them: (N,) of products at both ends of paths, (M,) in the middle."""

    out: FloatArray
    end: FloatArray
    middle: FloatArray


@dataclass(frozen=True)
class Built:
    """What a model had when it was built. What comes after is new, and its degrees are those of today.

    Attributes:
        products: N.
        degrees: name of a term -> its degrees; a term that is not in it came later.
    """

    products: int
    degrees: Mapping[str, Degrees]

    @classmethod
    def of(cls, scorer: Scorer) -> "Built":
        return cls(
            scorer.size,
            {term.term.name: Degrees(term.out_degree, term.degree, term.middle_degree) for term in scorer.terms},
        )

    def of_term(self, term: PathTerm) -> Degrees:
        """Degrees at the build; of a term that came later, none."""
        return self.degrees.get(term.term.name, Degrees(np.empty(0), np.empty(0), np.empty(0)))


def linked(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct], built: Built) -> PathTerm:
    """A term with the links of some products as they are now; the same if they have none and had none."""
    if term.term.through_nodes:
        return _shared_links(scorer, term, products, built)
    if term.term.kind in ("forward", "reverse"):
        return _direct_links(scorer, term, products, built)
    return term


def _shared_links(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct], built: Built) -> PathTerm:
    entries = _node_links(scorer, term, products)
    touched = [scorer.positions[product.id] for product in products]
    # A product in the middle is taken as it is now, like one at the end.
    between = [product.id for product in products if term.term.through_products]
    if not entries and not _links_any(term.links, touched) and term.key_positions.keys().isdisjoint(between):
        return term
    unknown = list(dict.fromkeys(key for _, key in entries if key not in term.key_positions))
    keys = (*term.keys, *unknown)
    columns = term.key_positions | {key: len(term.keys) + n for n, key in enumerate(unknown)}
    rows, met = [scorer.positions[product] for product, _ in entries], [columns[key] for _, key in entries]
    links = larger(term.links, scorer.size, len(keys))
    met_before = links[touched].indices.tolist()
    middles = [columns[key] for key in between if key in columns]
    links = _replaced(links, touched, middles, rows, met, list(entries.values()))
    frozen = built.of_term(term)
    degree = _with_own(term.degree, frozen.end, links.sum(axis=1), {*touched, *rows})
    since = len(frozen.middle)
    own = {*middles, *(column for column in (*met, *met_before) if column >= since)}
    middle_degree = np.concatenate([term.middle_degree, np.zeros(len(unknown))])
    middle_degree = _with_own(middle_degree, frozen.middle, links.sum(axis=0), own)
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


def _direct_links(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct], built: Built) -> PathTerm:
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
    if not entries and not _links_any(term.links, touched) and not np.isin(term.links.indices, touched).any():
        return term
    rows, columns, weights = zip(*entries, strict=True) if entries else ((), (), ())
    links = _replaced(term.links, touched, touched, rows, columns, weights)
    ends, frozen = sorted({*touched, *rows, *columns}), built.of_term(term)
    return replace(
        term,
        links=links,
        out_degree=_with_own(term.out_degree, frozen.out, links.sum(axis=1), ends),
        degree=_with_own(term.degree, frozen.end, links.sum(axis=0), ends),
    )


def grown(term: PathTerm, more: int) -> PathTerm:
    """A term with room for more products, which nothing links yet; what was worked out of it still holds."""
    size = len(term.degree) + more
    width = term.links.shape[1] + (more if term.term.kind in ("forward", "reverse") else 0)
    result = replace(
        term,
        links=larger(term.links, size, width),
        ends=None if term.ends is None else larger(term.ends, size, width),
        degree=np.pad(term.degree, (0, more)),
        out_degree=np.pad(term.out_degree, (0, more)),
    )
    known, made = term.__dict__, result.__dict__
    made |= {name: known[name] for name in ("key_positions", "_owned", "middle_factor") if name in known}
    if "by_middle" in known:
        made["by_middle"] = larger(term.by_middle, width, size)
    # A product without links counts as if it had one.
    for name, one in (("start_factor", 1.0 / term.scale), ("end_factor", 1.0)):
        if name in known:
            made[name] = np.pad(known[name], (0, more), constant_values=one)
    return result


def larger(links: sp.csr_array, rows: int, columns: int) -> sp.csr_array:
    """The links with room for more products and middle nodes, which nothing links yet."""
    indptr = np.pad(links.indptr, (0, rows - links.shape[0]), mode="edge")
    return sp.csr_array((links.data, links.indices, indptr), shape=(rows, columns))


def _links_any(links: sp.csr_array, rows: Sequence[int]) -> bool:
    indptr = links.indptr
    return any(indptr[row] < indptr[row + 1] for row in rows)


def _replaced(
    links: sp.csr_array,
    rows_out: Sequence[int],
    columns_out: Sequence[int],
    rows: Sequence[int],
    columns: Sequence[int],
    weights: Sequence[float],
) -> sp.csr_array:
    """The links with whole rows and columns exchanged for the given entries, columns in order in each row.

    On the arrays themselves: a change is small, and a matrix product for each would read all links many times.
    """
    kept = np.ones(links.nnz, bool)
    for row in rows_out:
        kept[links.indptr[row] : links.indptr[row + 1]] = False
    if len(columns_out):
        kept &= ~np.isin(links.indices, columns_out)
    kept &= links.data != 0
    before = np.concatenate([[0], np.cumsum(kept)])[links.indptr]  # (N + 1,) where rows begin among those that stay
    indices, data = links.indices[kept], links.data[kept]
    entries = sorted(entry for entry in zip(rows, columns, weights, strict=True) if entry[2])
    at = [
        before[row] + int(np.searchsorted(indices[before[row] : before[row + 1]], column)) for row, column, _ in entries
    ]
    added = np.bincount([row for row, _, _ in entries], minlength=links.shape[0]).astype(np.int64)
    indptr = before + np.concatenate([[0], np.cumsum(added)])
    indices = np.insert(indices, at, [column for _, column, _ in entries])
    data = np.insert(data, at, [weight for _, _, weight in entries])
    return sp.csr_array((data, indices, indptr.astype(links.indptr.dtype)), shape=links.shape)


def _with_own(degrees: FloatArray, frozen: FloatArray, now: npt.ArrayLike, positions: Iterable[int]) -> FloatArray:
    """Degrees with those of today at some positions that had none at the build or were not there."""
    degrees = degrees.copy()
    fresh = [p for p in positions if p >= len(frozen) or frozen[p] == 0]
    degrees[fresh] = np.asarray(now, np.float64)[fresh]
    return degrees

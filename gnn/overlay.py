"""What is new since the build, put over a frozen model: products, relations, deletions.

Every function returns another `Scorer` and leaves the given one as it is, so that a server swaps
models without a lock on its readers. Degrees, exponents and scales of what was there at the build
stay frozen; what is new brings its own. Co-occurrence is not added here: it enters at the next build.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.latent import Latent
from gnn.paths import FloatArray, IntArray, PathTerm
from gnn.scoring import Scorer
from gnn.units import UnitWeights
from schema.ontology import Ontology, Term

# Of `MIDDLE_POWERS`: a node that links many products tells little.
_UNTRAINED_MIDDLE = (0.0, 1.0, 0.0)
Links = Mapping[str, Sequence[tuple[str, float]]]

# A relation without training is normalised like co-occurrence usually is.
_UNTRAINED_EXPONENTS = (0.5, 0.0)


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


def adopt(scorer: Scorer, ontology: Ontology) -> Scorer:
    """The model with empty terms for each relation that the ontology has and training had not.

    A term that is missing beside others of its relation had no paths, or the same ones as another term.
    """
    known = {term.term.relation for term in scorer.terms}
    added = [
        _empty_term(scorer, t)
        for t in ontology.terms
        if t.relation not in known and t.kind not in ("self", "meeting", "next")
    ]
    return replace(scorer, ontology=ontology, terms=(*scorer.terms, *added))


def write_products(scorer: Scorer, products: Sequence[LiveProduct]) -> Scorer:
    """The model with some products as they are now: new ones added, known ones brought up to date.

    A new product gets its explicit paths from its relations, its vector from its features and its
    graph neighbours, its prior and trend from the mean of its category (of all products, if it has none).
    """
    if not products:
        return scorer
    products = list({product.id: product for product in products}.values())
    new = [product for product in products if product.id not in scorer.positions]
    scorer = _with_rows(scorer, [product.id for product in new])
    positions = [scorer.positions[product.id] for product in products]
    alive = scorer.alive.copy()
    alive[positions] = True
    scorer = replace(scorer, alive=alive)
    scorer = replace(scorer, terms=tuple(_linked(scorer, term, products) for term in scorer.terms))
    fresh = [scorer.positions[product.id] for product in new]
    scorer = replace(
        scorer,
        prior=_with_category_mean(scorer, scorer.prior, fresh),
        trend=_with_category_mean(scorer, scorer.trend, fresh),
    )
    if scorer.latent is None:
        return scorer
    return replace(scorer, latent=_folded_in(scorer, scorer.latent, products, set(fresh)))


def remove_products(scorer: Scorer, ids: Iterable[str]) -> Scorer:
    """The model without some products: not recommended, not counted in a history, not in the middle of a path."""
    gone = list(ids)
    alive = scorer.alive.copy()
    alive[[scorer.positions[i] for i in gone if i in scorer.positions]] = False
    terms = tuple(_without_products_between(term, gone) for term in scorer.terms)
    return replace(scorer, alive=alive, terms=terms)


def _without_products_between(term: PathTerm, ids: Sequence[str]) -> PathTerm:
    if not term.term.through_products:
        return term
    return term.without_middles(np.array([term.key_positions[i] for i in ids if i in term.key_positions], np.intp))


def forget_person(scorer: Scorer, key: str) -> Scorer:
    """The model without any path through one person or their baskets.

    Args:
        scorer: the model.
        key: the person's pseudonym.
    """
    person = scorer.people.get(key)
    if person is None:
        return scorer
    people = {k: p for k, p in scorer.people.items() if k != key}
    terms = tuple(term.without_middles(term.owned_by(person)) for term in scorer.terms)
    return replace(scorer, people=people, terms=terms)


def forget_meetings(scorer: Scorer, meetings: Iterable[tuple[str, str, str]]) -> Scorer:
    """The model without single links of its incidence.

    Args:
        scorer: the model.
        meetings: (name of the meeting, pseudonym of the user, basket or session, product id).
    """
    wanted = list(meetings)
    terms = []
    for term in scorer.terms:
        found = [
            (scorer.positions[product], column)
            for name, key, product in wanted
            if product in scorer.positions
            for column in _columns_of(scorer, term, name, key)
        ]
        terms.append(term.without_links([r for r, _ in found], [c for _, c in found]) if found else term)
    return replace(scorer, terms=tuple(terms))


def _columns_of(scorer: Scorer, term: PathTerm, meeting: str, key: str) -> Sequence[int]:
    """Middle nodes of a term that show that somebody met a product in a meeting."""
    if term.term.kind == "next":
        met_by = scorer.ontology.meetings.get(meeting)
        person = scorer.people.get(key)
        # A user who has met a product in no way any more has not come to it or from it either.
        return (
            term.owned_by(person).tolist() if met_by is not None and met_by.by == "user" and person is not None else ()
        )
    return (term.key_positions[key],) if meeting == term.term.name and key in term.key_positions else ()


def _empty_term(scorer: Scorer, term: Term) -> PathTerm:
    n = scorer.size
    return PathTerm(
        term=term,
        links=sp.csr_array((n, 0 if term.two_steps else n)),
        out_degree=np.zeros(n),
        degree=np.zeros(n),
        middle_degree=np.empty(0),
        keys=(),
        owner=np.empty(0, np.int32),
        weights=np.full(len(scorer.behaviours), scorer.default_weight),
        units=_fresh_units(scorer),
        exponents=_UNTRAINED_EXPONENTS,
        middle=_UNTRAINED_MIDDLE,
        scale=1.0,
    )


def _fresh_units(scorer: Scorer) -> UnitWeights:
    """How units count in a term without training: as in the latent one, which all histories have trained."""
    if scorer.latent is not None:
        return scorer.latent.units
    ones = np.ones(len(scorer.behaviours))
    return UnitWeights(0.3 * ones, ones, ones)


def _with_rows(scorer: Scorer, ids: Sequence[str]) -> Scorer:
    """Room for new products at the end of every array; nothing links them yet."""
    if not ids:
        return scorer
    n, more = scorer.size, len(ids)

    def longer(array: FloatArray) -> FloatArray:
        return np.concatenate([array, np.zeros(more)])

    terms = []
    for term in scorer.terms:
        width = term.links.shape[1] + (more if term.term.kind in ("forward", "reverse") else 0)
        links = _larger(term.links, n + more, width)
        ends = None if term.ends is None else _larger(term.ends, n + more, width)
        degrees = (longer(term.degree), longer(term.out_degree))
        terms.append(replace(term, links=links, ends=ends, degree=degrees[0], out_degree=degrees[1]))
    latent, low_pass = scorer.latent, scorer.low_pass
    if low_pass is not None:
        # Nobody has met a new product: the crowd says nothing of it.
        low_pass = replace(
            low_pass,
            basis=np.pad(low_pass.basis, ((0, more), (0, 0))),
            start_factor=longer(low_pass.start_factor),
            end_factor=longer(low_pass.end_factor),
        )
    if latent is not None:
        layers = {part: np.pad(layer, ((0, 0), (0, more), (0, 0))) for part, layer in latent.layers.items()}
        # As the start of a path a new product counts like one that nobody has met yet.
        rarest = np.full(more, latent.start_factor.max(initial=0.0))
        latent = replace(latent, layers=layers, start_factor=np.concatenate([latent.start_factor, rarest]))
    return replace(
        scorer,
        product_ids=(*scorer.product_ids, *ids),
        terms=tuple(terms),
        low_pass=low_pass,
        latent=latent,
        prior=longer(scorer.prior),
        trend=np.concatenate([scorer.trend, np.ones(more)]),
        alive=np.concatenate([scorer.alive, np.ones(more, bool)]),
    )


def _linked(scorer: Scorer, term: PathTerm, products: Sequence[LiveProduct]) -> PathTerm:
    """A term with the links of some products as they are now."""
    if term.term.kind in ("shared", "common"):
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
    links = _larger(term.links, scorer.size, len(keys))
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


def _larger(links: sp.csr_array, rows: int, columns: int) -> sp.csr_array:
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
    entries = (np.asarray(weights, float), (np.asarray(rows, np.intp), np.asarray(columns, np.intp)))
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


def _with_category_mean(scorer: Scorer, values: FloatArray, fresh: Sequence[int]) -> FloatArray:
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


def _folded_in(scorer: Scorer, latent: Latent, products: Sequence[LiveProduct], fresh: set[int]) -> Latent:
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

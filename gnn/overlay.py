"""What is new since the build, put over a frozen model: products, relations, deletions.

Every function returns another `Scorer` and leaves the given one as it is, so that a server swaps
models without a lock on its readers. Degrees, exponents and scales of what was there at the build
stay frozen; what is new brings its own. Co-occurrence is not added here: it enters at the next build.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from gnn.fold_in import folded_in, with_category_mean
from gnn.live_links import Built, LiveProduct, grown, linked
from gnn.paths import FloatArray, PathTerm
from gnn.scoring import Scorer
from gnn.units import UnitWeights
from schema.ontology import Ontology, Term

# A relation without training is normalised like co-occurrence usually is.
_UNTRAINED_EXPONENTS = (0.5, 0.0)
# Of `MIDDLE_POWERS`: a node that links many products tells little.
_UNTRAINED_MIDDLE = (0.0, 1.0, 0.0)


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


def write_products(scorer: Scorer, products: Sequence[LiveProduct], built: Built | None = None) -> Scorer:
    """The model with some products as they are now: new ones added, known ones brought up to date.

    A new product gets its explicit paths from its relations, its vector from its features and its
    graph neighbours, its prior and trend from the mean of its category (of all products, if it has none).
    It stays new until the next build: written in two steps or in one, it is the same, but for what new
    products pass on to each other.

    Args:
        scorer: the model.
        products: as the store has them.
        built: what the model had at its build; all that it has, if not said.
    """
    if not products:
        return scorer
    built = built or Built.of(scorer)
    products = list({product.id: product for product in products}.values())
    scorer = _with_rows(scorer, [product.id for product in products if product.id not in scorer.positions])
    positions = [scorer.positions[product.id] for product in products]
    alive = scorer.alive.copy()
    alive[positions] = True
    scorer = _changed(scorer, alive=alive)
    scorer = _changed(scorer, terms=tuple(linked(scorer, term, products, built) for term in scorer.terms))
    fresh = [position for position in positions if position >= built.products]
    # Of those that were there at the build: which of the new ones came first does not matter.
    settled = replace(scorer, alive=alive & (np.arange(scorer.size) < built.products))
    scorer = _changed(
        scorer,
        prior=with_category_mean(settled, scorer.prior, fresh),
        trend=with_category_mean(settled, scorer.trend, fresh),
    )
    if scorer.latent is not None:
        scorer = _changed(scorer, latent=folded_in(scorer, scorer.latent, products, set(fresh)))
    return _stood_in_for(scorer, products)


def _stood_in_for(scorer: Scorer, products: Sequence[LiveProduct]) -> Scorer:
    """The model with likeness and stand-ins of some products as they are now."""
    if scorer.likeness is None:
        return scorer
    features = {scorer.positions[product.id]: product.features for product in products}
    likeness = scorer.likeness.with_features(features)
    unmet = np.array(sorted(position for position in features if not likeness.met[position]), np.intp)
    stand_ins = scorer.stand_ins.with_rows(likeness.stand_ins(scorer, unmet))
    return _changed(scorer, likeness=likeness, stand_ins=stand_ins)


def remove_products(scorer: Scorer, ids: Iterable[str]) -> Scorer:
    """The model without some products: not recommended, not counted in a history, not in the middle of a path."""
    gone = list(ids)
    alive = scorer.alive.copy()
    alive[[scorer.positions[i] for i in gone if i in scorer.positions]] = False
    terms = tuple(_without_products_between(term, gone) for term in scorer.terms)
    stand_ins = scorer.stand_ins.without(np.flatnonzero(scorer.alive & ~alive))
    return _changed(scorer, alive=alive, terms=terms, stand_ins=stand_ins)


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
    return _changed(scorer, people=people, terms=terms)


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
    return _changed(scorer, terms=tuple(terms))


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
    """Room for new products at the end of every array but the vectors' (`gnn.fold_in`); nothing links them yet."""
    if not ids:
        return scorer
    n, more = scorer.size, len(ids)

    def longer(array: FloatArray) -> FloatArray:
        return np.concatenate([array, np.zeros(more)])

    larger = replace(
        scorer,
        product_ids=(*scorer.product_ids, *ids),
        terms=tuple(grown(term, more) for term in scorer.terms),
        low_pass=scorer.low_pass and scorer.low_pass.longer(more),
        prior=longer(scorer.prior),
        trend=np.concatenate([scorer.trend, np.ones(more)]),
        alive=np.concatenate([scorer.alive, np.ones(more, bool)]),
        contexts={name: prior.longer(more) for name, prior in scorer.contexts.items()},
        pulse=scorer.pulse and scorer.pulse.longer(more),
        likeness=scorer.likeness and scorer.likeness.longer(more),
    )
    larger.__dict__["positions"] = scorer.positions | {key: n + place for place, key in enumerate(ids)}
    return larger


def _changed(scorer: Scorer, **changes: Any) -> Scorer:
    """The model with other arrays for the same products, whose positions would be long to make again."""
    other = replace(scorer, **changes)
    other.__dict__["positions"] = scorer.positions
    return other

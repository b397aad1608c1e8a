"""Who links which products: the incidence behind every explicit term, from a shop's data."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from gnn.data import Events, Int32, Shop
from gnn.paths import FloatArray, PathTerm
from schema.ontology import Term
from schema.pseudonym import pseudonym


@dataclass(frozen=True)
class Incidence:
    """Links of one term without any fitted number; shapes as in `PathTerm`."""

    term: Term
    links: sp.csr_array
    keys: tuple[str, ...]
    owner: Int32

    @cached_property
    def out_degree(self) -> FloatArray:
        """(N,) of a product as the start of a path."""
        if self.term.kind == "self":
            return np.ones(self.links.shape[0])
        return np.asarray(self.links.sum(axis=1), np.float64)

    @cached_property
    def degree(self) -> FloatArray:
        """(N,) of a product as the end of a path."""
        if self.term.two_steps or self.term.kind == "self":
            return self.out_degree
        return np.asarray(self.links.sum(axis=0), np.float64)

    @cached_property
    def middle_degree(self) -> FloatArray:
        """(M,) of the nodes in the middle."""
        return np.asarray(self.links.sum(axis=0), np.float64) if self.term.two_steps else np.empty(0)

    def with_weights(self, weights: FloatArray, exponents: tuple[float, float, float], scale: float) -> PathTerm:
        """The term as it scores."""
        return PathTerm(
            term=self.term,
            links=self.links,
            out_degree=self.out_degree,
            degree=self.degree,
            middle_degree=self.middle_degree,
            keys=self.keys,
            owner=self.owner,
            weights=weights,
            exponents=exponents,
            scale=scale,
        )


def incidences(shop: Shop) -> list[Incidence]:
    """One incidence for each term of the ontology that the data feeds; the others are absent.

    So is a meeting that gathers what another one does already: where everything is a purchase, who
    looked at a product is who bought it.
    """
    found: list[Incidence] = []
    for term in shop.ontology.terms:
        incidence = _incidence(shop, term)
        told = any(_same(incidence, other) for other in found)
        if term.kind == "self" or (_has_paths(incidence) and not told):
            found.append(incidence)
    return found


def people(shop: Shop) -> dict[str, int]:
    """Pseudonym of each user -> position."""
    return {pseudonym("user", user): position for position, user in enumerate(shop.ids["User"])}


def _has_paths(incidence: Incidence) -> bool:
    """Whether any two products are linked; a basket with one product links nothing."""
    if not incidence.term.two_steps:
        return bool(incidence.links.nnz)
    return bool((np.bincount(incidence.links.indices) > 1).any())


def _same(one: Incidence, other: Incidence) -> bool:
    if one.term.kind != "meeting" or one.keys != other.keys or one.links.nnz != other.links.nnz:
        return False
    return np.array_equal(one.links.indptr, other.links.indptr) and np.array_equal(
        one.links.indices, other.links.indices
    )


def _incidence(shop: Shop, term: Term) -> Incidence:
    n = shop.products
    nobody = np.empty(0, np.int32)
    if term.kind == "self":
        return Incidence(term, sp.csr_array((n, 0)), (), nobody)
    if term.kind == "meeting":
        return _meeting(shop, term)
    edges = shop.edges[term.relation]
    ends = (edges.source, edges.target) if term.kind != "reverse" else (edges.target, edges.source)
    if term.kind == "shared":
        keys = shop.ids[shop.ontology.relations[term.relation].target]
        links = _matrix(*ends, edges.weight, (n, len(keys)))
        return Incidence(term, links, keys, np.full(len(keys), -1, np.int32))
    # A relation of a product to itself says nothing.
    weight = np.where(edges.source == edges.target, np.float32(0), edges.weight)
    return Incidence(term, _matrix(*ends, weight, (n, n)), (), nobody)


def _meeting(shop: Shop, term: Term) -> Incidence:
    """Products that meet; how often they met in one group does not count, only that they did."""
    meeting = shop.ontology.meetings[term.relation]
    codes = [shop.behaviours.index(name) for name in meeting.behaviours]
    events = shop.events.take(np.isin(shop.events.behaviour, codes))
    group, names = _groups(shop, events, meeting.by)
    kept = group >= 0
    links = _matrix(
        events.product[kept], group[kept], np.ones(int(kept.sum()), np.float32), (shop.products, len(names))
    )
    links.data[:] = 1.0
    owner = np.full(len(names), -1, np.int32)
    owner[group[kept]] = events.user[kept]
    return Incidence(term, links, tuple(pseudonym(meeting.by, name) for name in names), owner)


def _groups(shop: Shop, events: Events, by: str) -> tuple[Int32, tuple[str, ...]]:
    if by == "user":
        return events.user, shop.ids["User"]
    return (events.basket, shop.baskets) if by == "basket" else (events.session, shop.sessions)


def _matrix(
    rows: Int32, columns: Int32, weights: "np.ndarray[tuple[int], np.dtype[np.float32]]", shape: tuple[int, int]
) -> sp.csr_array:
    """CSR with the weights of repeated pairs added up; weights of zero or less are no link."""
    good = weights > 0
    entries = (weights[good].astype(np.float64), (rows[good], columns[good]))
    matrix = sp.csr_array(sp.coo_array(entries, shape=shape))
    matrix.sum_duplicates()
    return matrix

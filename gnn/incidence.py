"""Who links which products: the incidence behind every explicit term, from a shop's data."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from gnn.data import Events, Int32, Int64, Shop
from gnn.paths import FloatArray, PathTerm
from gnn.units import UnitWeights
from schema.ontology import Term
from schema.pseudonym import pseudonym


@dataclass(frozen=True)
class Incidence:
    """Links of one term without any fitted number; shapes as in `PathTerm`."""

    term: Term
    links: sp.csr_array
    keys: tuple[str, ...]
    owner: Int32
    ends: sp.csr_array | None = None

    @cached_property
    def out_degree(self) -> FloatArray:
        """(N,) of a product as the start of a path."""
        if self.term.kind == "self":
            return np.ones(self.links.shape[0])
        return np.asarray(self.links.sum(axis=1), np.float64)

    @cached_property
    def degree(self) -> FloatArray:
        """(N,) of a product as the end of a path."""
        if self.ends is not None:
            return np.asarray(self.ends.sum(axis=1), np.float64)
        if self.term.two_steps or self.term.kind == "self":
            return self.out_degree
        return np.asarray(self.links.sum(axis=0), np.float64)

    @cached_property
    def middle_degree(self) -> FloatArray:
        """(M,) of the nodes in the middle, counted where paths come in."""
        return np.asarray(self.links.sum(axis=0), np.float64) if self.term.two_steps else np.empty(0)

    @property
    def middles_differ(self) -> bool:
        """Whether it matters how fast middle nodes count less with their degree."""
        return self.term.two_steps and bool(np.ptp(self.middle_degree) > 0)

    @cached_property
    def signature(self) -> FloatArray:
        """Sorted numbers of the middle nodes, equal for nodes with the same links whatever they are called."""
        numbers = np.random.default_rng(0).random(self.links.shape[0])
        linked = np.bincount(self.links.indices, minlength=self.links.shape[1]) > 0
        return np.sort((self.links.T @ numbers)[linked])

    def with_weights(
        self,
        weights: FloatArray,
        units: UnitWeights,
        exponents: tuple[float, float],
        middle: tuple[float, ...],
        scale: float = 1.0,
    ) -> PathTerm:
        """The term as it scores."""
        return PathTerm(
            term=self.term,
            links=self.links,
            ends=self.ends,
            out_degree=self.out_degree,
            degree=self.degree,
            middle_degree=self.middle_degree,
            keys=self.keys,
            owner=self.owner,
            weights=weights,
            units=units,
            exponents=exponents,
            middle=middle,
            scale=scale,
        )


def incidences(shop: Shop) -> list[Incidence]:
    """One incidence for each term of the ontology that the data feeds; the others are absent.

    So is a meeting that gathers what another one does already (where everything is a purchase, who looked at a
    product is who bought it), and a relation between products whose paths another term walks already.
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
    if incidence.ends is not None:
        return bool(incidence.links.nnz and incidence.ends.nnz)
    if not incidence.term.two_steps:
        return bool(incidence.links.nnz)
    return bool((np.bincount(incidence.links.indices) > 1).any())


def _same(one: Incidence, other: Incidence) -> bool:
    if one.links.nnz != other.links.nnz:
        return False
    if one.term.kind == "meeting":
        return (
            one.keys == other.keys
            and np.array_equal(one.links.indptr, other.links.indptr)
            and np.array_equal(one.links.indices, other.links.indices)
        )
    # Two relations to different things are two reasons, even if they link the same products.
    if not (one.term.through_products or other.term.through_products):
        return False
    nodes = one.term.through_nodes and other.term.through_nodes
    return nodes and _equal(one.signature, other.signature)


def _equal(one: FloatArray, other: FloatArray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-9, atol=0.0)


def _incidence(shop: Shop, term: Term) -> Incidence:
    n = shop.products
    nobody = np.empty(0, np.int32)
    if term.kind == "self":
        return Incidence(term, sp.csr_array((n, 0)), (), nobody)
    if term.kind == "meeting":
        return _meeting(shop, term)
    if term.kind == "next":
        return _next(shop, term)
    edges = shop.edges[term.relation]
    ends = (edges.source, edges.target) if term.kind in ("forward", "shared") else (edges.target, edges.source)
    if term.through_nodes:
        relation = shop.ontology.relations[term.relation]
        keys = shop.ids[relation.target if term.kind == "shared" else relation.source]
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
    # Whatever somebody did in a basket makes it theirs, with others' events or without a name in it as well.
    whose, _ = _groups(shop, shop.events, meeting.by)
    known = (whose >= 0) & (shop.events.user >= 0)
    owner = np.full(len(names), -1, np.int32)
    owner[whose[known]] = shop.events.user[known]
    return Incidence(term, links, tuple(pseudonym(meeting.by, name) for name in names), owner)


def _next(shop: Shop, term: Term) -> Incidence:
    """Who came to which product right after which: the middle is one person's step between two moments.

    First-order transitions as in FPMC (Rendle et al. 2010), between all products of one moment and all of
    the next, kept person by person so that nobody's own steps count for them and a person can be forgotten.
    """
    events = shop.events.take(shop.events.user >= 0)
    moment, step = _moments(events)
    owner = np.full(int(step.max(initial=-1)) + 1, -1, np.int32)
    owner[step[step >= 0]] = events.user[step >= 0]
    ones = np.ones(len(events), np.float32)
    step_away = _follows(moment, step)
    arrives, leaves = step >= 0, step_away >= 0
    shape = (shop.products, len(owner))
    links = _matrix(events.product[leaves], step_away[leaves], ones[leaves], shape)
    ends = _matrix(events.product[arrives], step[arrives], ones[arrives], shape)
    links.data[:] = ends.data[:] = 1.0
    names = [pseudonym("user", user) for user in shop.ids["User"]]
    return Incidence(term, links, tuple(names[user] for user in owner), owner, ends)


def _moments(events: Events) -> tuple[Int64, Int64]:
    """(E,) number of each (user, time), and of the step that leads there; -1 for a user's first moment."""
    order = np.argsort(events.user, kind="stable")  # events are in order of time
    user, time = events.user[order], events.time_ms[order]
    same_user = np.concatenate([[False], user[1:] == user[:-1]])[: len(user)]
    later = same_user & np.concatenate([[False], time[1:] != time[:-1]])[: len(user)]
    first = later | ~same_user
    number = np.cumsum(first) - 1
    step_of_moment = np.where(later[first], np.cumsum(later[first]) - 1, -1)
    moment, step = np.empty(len(user), np.int64), np.empty(len(user), np.int64)
    moment[order], step[order] = number, step_of_moment[number]
    return moment, step


def _follows(moment: Int64, step: Int64) -> Int64:
    """(E,) the step that leads away from each event's moment; -1 from a user's last one."""
    of_moment = np.full(int(moment.max(initial=-1)) + 2, -1, np.int64)
    of_moment[moment] = step
    return of_moment[moment + 1]


def _groups(shop: Shop, events: Events, by: str) -> tuple[Int32, tuple[str, ...]]:
    if by == "user":
        return events.user, shop.ids["User"]
    return (events.basket, shop.baskets) if by == "basket" else (events.session, shop.sessions)


def _matrix(
    rows: Int32, columns: Int32 | Int64, weights: "np.ndarray[tuple[int], np.dtype[np.float32]]", shape: tuple[int, int]
) -> sp.csr_array:
    """CSR with the weights of repeated pairs added up; weights of zero or less are no link."""
    good = weights > 0
    # Places of 32 bits in every term: walks are compiled once for each kind of them, for seconds.
    entries = (weights[good].astype(np.float64), (rows[good], columns[good].astype(np.int32)))
    matrix = sp.csr_array(sp.coo_array(entries, shape=shape))
    matrix.sum_duplicates()
    return matrix

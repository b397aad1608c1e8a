"""Search: products by their words and by what the words mean, in the order in which they fit and the viewer likes them.

Three lists are joined (`relevance`): what the store's full-text indexes find in the products' own texts, what they find
in the names of categories, brands and the like, and the nearest by the vectors of the texts. Products with every word
come instead of those with some of them, where there are any. What a filter excludes is taken out of each list before
its ranks are counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product

import numpy as np

from api.services.boosts import with_scores_of
from api.services.catalogue import BoolArray, FloatArray, ProductFilter
from api.services.cursors import Position, question_digest
from api.services.errors import BadInputError, CursorExpiredError
from api.services.explanation import NodeNames
from api.services.facets import Facets, facets
from api.services.interests import Listener
from api.services.live import LiveState
from api.services.pages import check_rules, page_of
from api.services.placement import Options, Slot, pinned
from api.services.recommendation import Recommender
from api.services.relevance import fused, put_on
from api.services.sense import Sense
from api.services.understanding import Understood, understood
from api.services.viewing import Extra, Page, Viewing
from gnn.meaning import resemblance
from gnn.paths import IntArray, PathTerm
from gnn.scoring import top
from graph import Store

NEAREST = 100
"""How many products are found by what their texts mean."""
_NEAR = 0.6
"""Of the nearest product's cosine: what is less like the words is not found by their meaning."""


@dataclass(frozen=True)
class Found:
    """One answer to a search.

    Attributes:
        page: the part of the list that was asked for.
        asked: the query as it was understood.
        lexical_only: whether the words were only looked up, since what they mean could not be read.
        available: whether products that can be had were asked for.
        shown: (N,) all products of the list.
        other: (N,) those that have the words too and are available where the list's are not, or the other way round.
    """

    page: Page
    asked: Understood
    lexical_only: bool
    available: bool
    shown: BoolArray
    other: BoolArray

    @property
    def total(self) -> int:
        return int(np.count_nonzero(self.shown))

    @property
    def facets(self) -> Facets:
        """Counts of the whole list."""
        had, not_had = (self.shown, self.other) if self.available else (self.other, self.shown)
        counts = int(np.count_nonzero(had)), int(np.count_nonzero(not_had))
        return facets(self.page.viewing.state, self.shown, *counts)


class Searcher:
    """Answers searches for a viewer."""

    def __init__(self, store: Store, recommender: Recommender, listener: Listener) -> None:
        """Args:
        store: whose full-text indexes are asked.
        recommender: says what may be shown.
        listener: reads words, while its encoder is ready.
        """
        self._store = store
        self._recommender = recommender
        self._listener = listener
        self._names = NodeNames(store)
        self._sense = Sense(listener)

    def names_of(self, node_type: str, keys: Sequence[str]) -> dict[str, str]:
        """Key -> what a node is called; one query to the store."""
        return self._names.of(node_type, keys)

    def search(
        self, viewing: Viewing, query: str, condition: ProductFilter, first: int, after: Position | None = None
    ) -> Found:
        """The products that fit a query, best first, from a place on; two queries to the store at most.

        What the viewer has bought is found as well. Without a query it is what the viewer likes.

        Raises:
            BadInputError: the place belongs to another search.
            CursorExpiredError: it was found while words could be read, and now they cannot, or the other way round; or
                the rules that ordered the page before are others by now.
        """
        asked, condition = understood(query), replace(condition, include_bought=True)
        words = self._listener.vector(asked.text) if asked.readable else None
        meaning = None if words is None else resemblance(viewing.state.scorer, words)
        lexical_only = asked.readable and meaning is None
        question = _check(viewing, asked, condition, lexical_only, after)
        check_rules(viewing, after)
        allowed = self._recommender.allowed(viewing, condition)
        other = self._recommender.allowed(viewing, replace(condition, available=not condition.available))
        if not asked.text:
            page = self._recommender.page(viewing, condition, first, after, Options())
            return Found(replace(page, question=question), asked, lexical_only, condition.available, allowed, other)
        own, named = self._by_words(viewing.state, asked.words, allowed)
        near = np.zeros(len(allowed))
        if meaning is not None and self._sense.has(viewing.state, meaning):
            near = nearest(meaning, allowed)
        with_words = (own > 0) | (named > 0)
        shown = allowed & (with_words | (near > 0))
        found = np.flatnonzero(shown)
        viewing = _fitting(with_scores_of(viewing, found), found, (own, named, near))
        slots = _slots(viewing, shown, shown & with_words, first, after)
        page = page_of(viewing, shown, slots, first, after, question)
        other = other & with_words
        return Found(page, asked, lexical_only, condition.available, shown, other)

    def _by_words(self, state: LiveState, words: Sequence[str], allowed: BoolArray) -> tuple[FloatArray, FloatArray]:
        """(N,) scores of products by their own texts, and by the names of what they are linked to."""
        own, named = _scores(state, self._store.find_texts(words, every=True))
        if len(words) > 1 and not (own[allowed].any() or named[allowed].any()):
            own, named = _scores(state, self._store.find_texts(words, every=False))
        return own, named


def _scores(state: LiveState, found: Mapping[str, Mapping[str, float]]) -> tuple[FloatArray, FloatArray]:
    scorer = state.scorer
    own, named = np.zeros(scorer.size), np.zeros(scorer.size)
    for key, score in found["Product"].items():
        position = scorer.position(key)
        if position is not None:
            own[position] = score
    terms = {term.term.name: term for term in scorer.terms}
    for relation, keys in _linked(state, found):
        for column, score in _columns(terms.get(relation), keys):
            links = terms[relation].by_middle
            span = links.indices[links.indptr[column] : links.indptr[column + 1]]
            named[span] = np.maximum(named[span], score)
    return own, named


def _columns(term: PathTerm | None, keys: Mapping[str, float]) -> list[tuple[int, float]]:
    """Columns of the nodes that a term knows, with their scores."""
    known = {} if term is None else term.key_positions
    return [(known[key], score) for key, score in keys.items() if key in known]


def _linked(state: LiveState, found: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, dict[str, float]]]:
    """Relation of products -> what was found that it leads to; in a tree, with all that is below."""
    for name, relation in state.scorer.ontology.relations.items():
        if relation.source != "Product" or relation.target == "Product" or not found.get(relation.target):
            continue
        keys: dict[str, float] = {}
        for key, score in found[relation.target].items():
            for node in state.categories.below(key) if relation.target == "Category" else (key,):
                keys[node] = max(score, keys.get(node, 0.0))
        yield name, keys


def nearest(meaning: FloatArray, allowed: BoolArray) -> FloatArray:
    """(N,) cosines of the nearest products that may be shown, 0 for all others."""
    best = top(meaning, NEAREST, allowed)
    near = np.zeros(len(meaning))
    near[best] = np.where(meaning[best] >= _NEAR * meaning[best].max(initial=0.0), meaning[best], 0.0)
    return near


def _fitting(viewing: Viewing, found: IntArray, lists: Sequence[FloatArray]) -> Viewing:
    """The viewing with relevance put on the scores of what was found."""
    values = np.zeros(len(viewing.scores))
    values[found] = put_on(fused([scores[found] for scores in lists]), viewing.scores[found])
    return viewing.with_extras(Extra("RELEVANCE", values))


def _slots(viewing: Viewing, shown: BoolArray, pinnable: BoolArray, first: int, after: Position | None) -> list[Slot]:
    """The slots that follow a place, one more than the first of them if there is a next one."""
    pins = pinned(viewing, pinnable)
    rest = shown.copy()
    rest[[slot.position for slot in pins.values()]] = False
    order = top(viewing.scores, int(np.count_nonzero(rest)), rest)
    for rank, slot in sorted(pins.items()):
        order = np.insert(order, min(rank - 1, len(order)), slot.position)
    start = 0 if after is None else _behind(viewing, order, after)
    at_its_place = {slot.position: slot for slot in pins.values()}
    return [at_its_place.get(position, Slot(position)) for position in order[start : start + first + 1].tolist()]


def _behind(viewing: Viewing, order: IntArray, place: Position) -> int:
    """Where a list goes on: behind the last product, and if that is gone, where it was."""
    last = np.flatnonzero(order == viewing.state.scorer.positions.get(place.product, -1))
    return int(last[0]) + 1 if len(last) else place.rank - 1


def _check(
    viewing: Viewing, asked: Understood, condition: ProductFilter, lexical_only: bool, after: Position | None
) -> str:
    """The digest of a search, which a place that goes on with it has to carry."""

    def question(without_text: bool, only: bool) -> str:
        parts = asdict(viewing.audience), asked.text, asdict(condition)
        return question_digest("search", *parts, without_text, only)

    now = question(viewing.heard.without_text, lexical_only)
    if after is None or after.question == now:
        return now
    remedy = "ask again from the first page, without a cursor"
    if after.question in {question(*flags) for flags in product((False, True), repeat=2)}:
        message = "the words of this list can be read by now, or no longer"
        raise CursorExpiredError(message, field="after", remedy=remedy)
    remedy = "pass the cursor with the query, audience and filter it came with"
    raise BadInputError("the cursor belongs to another list", field="after", remedy=remedy)

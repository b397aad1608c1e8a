"""Lists of products by what they are: by price, title or age, page by page.

A page is sought among the arrays of the live state: what may be shown, what comes after a place, the first of these.
A place is a key and a product, not a number, so that a list goes on rightly while products come and go.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from api.services.catalogue import BoolArray, ProductFilter
from api.services.cursors import Place, Position, question_digest
from api.services.directory import prefix_of
from api.services.errors import BadInputError
from api.services.live import LiveState
from api.services.viewing import Audience, Viewing

Full = tuple[float | str, str]
_PRIOR = "PRIOR"


class SortKey(StrEnum):
    """What a list is sorted by."""

    NEWEST = "NEWEST"
    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    TITLE = "TITLE"


@dataclass(frozen=True)
class ListPage:
    """A part of a list: product ids, each with its place."""

    items: tuple[Place, ...]
    total: int | None
    has_next: bool


@dataclass(frozen=True)
class _Order:
    """An ascending order of the N products.

    `coarse` (N,) is one that `full`, of a position, refines; `of` gives the coarse key of a place.
    """

    coarse: npt.NDArray[Any]
    full: Callable[[int], Full]
    of: Callable[[float | str], Any]


def nobody(state: LiveState, as_of: datetime) -> Viewing:
    """The shop as it is for nobody in particular: every product has its prior."""
    return Viewing(
        state=replace(state, index=None),  # the scores of all are there
        as_of=as_of,
        audience=Audience(),
        units=(),
        history=state.scorer.history(()),
        strategy="POPULAR",
        scores=state.scorer.prior,
        context={},
        by=(_PRIOR,),
    )


def sorted_page(
    state: LiveState, allowed: BoolArray, condition: ProductFilter, key: SortKey, first: int, after: Place | None
) -> ListPage:
    """A page of the products that may be shown, sorted; equal ones are in the order of their ids.

    Raises:
        BadInputError: the place is of another list, or the shop does not know when products came.
    """
    question = question_digest("products", key, asdict(condition))
    check_place(after, question)
    order = _order(state, key)
    found = _following(order, allowed, None if after is None else after.order, first + 1)
    items = tuple(Place(question, *order.full(position)) for position in found[:first])
    return ListPage(items, int(np.count_nonzero(allowed)), len(found) > first)


def check_place(place: Place | Position | None, question: str) -> None:
    """Lets a list go on only from a place of its own.

    Raises:
        BadInputError: it is of another list.
    """
    if place is not None and place.question != question:
        remedy = "pass the cursor with the arguments it came with"
        raise BadInputError("the cursor belongs to another list", field="after", remedy=remedy)


def _order(state: LiveState, key: SortKey) -> _Order:
    ids, shelf, directory = state.scorer.product_ids, state.shelf, state.directory
    if key is SortKey.TITLE:
        titles, prefixes = directory.titles, directory.prefixes
        return _Order(prefixes, lambda p: (titles[p], ids[p]), lambda title: np.uint64(prefix_of(str(title))))
    if key is SortKey.NEWEST and directory.time is None:
        raise BadInputError(
            "products have no time in this shop's ontology",
            field="sortKey",
            remedy="choose another sortKey, or give products a property of type datetime",
        )
    values = {SortKey.PRICE_ASC: shelf.price, SortKey.PRICE_DESC: -shelf.price, SortKey.NEWEST: -directory.came_ms}[key]
    # What has no price, or no time, comes last either way.
    numbers = np.where(np.isnan(values), np.inf, values)
    return _Order(numbers, lambda p: (float(numbers[p]), ids[p]), lambda number: number)


def _following(order: _Order, allowed: BoolArray, after: Full | None, count: int) -> list[int]:
    """Positions of the first `count` allowed products after a place."""
    candidates = np.flatnonzero(allowed)
    if after is not None:
        start = order.of(after[0])
        values = order.coarse[candidates]
        tied = [p for p in candidates[values == start].tolist() if order.full(p) > after]
        candidates = np.concatenate([candidates[values > start], np.array(tied, np.intp)])
    if len(candidates) > count:
        values = order.coarse[candidates]
        # All that tie with the last one stay in: the order decides, not the partition.
        candidates = candidates[values <= np.partition(values, count - 1)[count - 1]]
    return sorted(candidates.tolist(), key=order.full)[:count]

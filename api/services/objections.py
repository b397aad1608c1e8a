"""What a viewer's feedback does to an answer: what is not shown to them, and what of their history does not count."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np

from api.services.catalogue import BoolArray
from api.services.viewing import Unit, Viewing
from graph import Feedback, FeedbackKind, Store


def set_aside(units: Iterable[Unit], feedback: Iterable[Feedback], as_of: datetime) -> set[Unit]:
    """The units that the viewer calls a wrong reason.

    A list goes on as it began: what was said after its moment counts for the next one. What the request itself
    names counts in any case.
    """
    wrong = {
        (given.target, given.behaviour)
        for given in feedback
        if given.kind is FeedbackKind.WRONG_REASON and given.time <= as_of
    }
    if not wrong:
        return set()
    return {
        unit
        for unit in units
        if unit.behaviour is not None and not wrong.isdisjoint({(unit.product, None), (unit.product, unit.behaviour)})
    }


def hidden(viewing: Viewing, store: Store, until: datetime | None = None) -> BoolArray:
    """(N,) products that the viewer does not want to see: that they said so until a moment, or at all."""
    scorer = viewing.state.scorer
    found = np.zeros(scorer.size, bool)
    products = [scorer.positions.get(key) for key in _targets(viewing, FeedbackKind.NOT_INTERESTED, until)]
    found[[position for position in products if position is not None]] = True
    categories = tuple(_targets(viewing, FeedbackKind.NEVER_THIS_CATEGORY, until))
    return found | viewing.state.in_categories(store, categories) if categories else found


def bearing_on(viewing: Viewing, position: int, store: Store) -> list[Feedback]:
    """What the viewer said because of which a product is in none of their lists, or has another score."""
    product = viewing.state.scorer.product_ids[position]
    aside = {key for unit in viewing.set_aside for key in ((unit.product, None), (unit.product, unit.behaviour))}

    def bears(given: Feedback) -> bool:
        if given.kind is FeedbackKind.NOT_INTERESTED:
            return given.target == product
        if given.kind is FeedbackKind.NEVER_THIS_CATEGORY:
            return bool(viewing.state.in_categories(store, (given.target,))[position])
        return given.time <= viewing.as_of and (given.target, given.behaviour) in aside

    return [given for given in viewing.feedback if bears(given)]


def _targets(viewing: Viewing, kind: FeedbackKind, until: datetime | None) -> Iterator[str]:
    said = (given for given in viewing.feedback if until is None or given.time <= until)
    return (given.target for given in said if given.kind is kind)

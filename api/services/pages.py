"""A page of a ranked list, out of the slots that follow a place in it."""

from collections.abc import Sequence
from uuid import uuid4

from api.services.boosts import told_apart
from api.services.catalogue import BoolArray
from api.services.cursors import Position
from api.services.errors import CursorExpiredError
from api.services.placement import Slot
from api.services.viewing import Page, Ranked, Viewing


def check_rules(viewing: Viewing, after: Position | None) -> None:
    """Lets a list go on only under the rules that ordered it.

    Raises:
        CursorExpiredError: they are others by now.
    """
    if after is not None and after.rules != viewing.rules.digest:
        remedy = "ask again from the first page, without a cursor"
        raise CursorExpiredError("the rules that order this list were changed", field="after", remedy=remedy)


def page_of(
    viewing: Viewing, allowed: BoolArray, slots: Sequence[Slot], first: int, after: Position | None, question: str
) -> Page:
    """A page of the slots that follow a place; one more than the first of them says that there is a next one."""
    start = 1 if after is None else after.rank + 1
    ids, scores = viewing.state.scorer.product_ids, viewing.scores
    items = [
        Ranked(at, ids[at], rank, float(scores[at]), slot.placement, slot.rule, slot.propensity)
        for rank, slot in enumerate(slots[:first], start)
        for at in (slot.position,)
    ]
    return Page(
        id=uuid4().hex,
        viewing=viewing,
        question=question,
        allowed=allowed,
        items=told_apart(viewing, allowed, items),
        length=start - 1 + len(items),
        has_next=len(slots) > first,
        has_previous=after is not None,
    )

"""What somebody has looked at or put into the cart and not bought: where they may go on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from api.services.catalogue import ProductFilter
from api.services.cursors import Place, question_digest
from api.services.listing import check_place, nobody
from api.services.shop import Shop
from api.services.viewing import Audience, Unit
from graph.records import HistoryRow
from graph.times import to_ms
from schema.ontology import Ontology


@dataclass(frozen=True)
class UnfinishedPage:
    """What somebody did last with each product, each with its place."""

    as_of: datetime
    items: tuple[tuple[Place, Unit], ...]
    total: int
    has_next: bool


def unfinished(shop: Shop, audience: Audience, as_of: datetime, first: int, after: Place | None) -> UnfinishedPage:
    """What a user and a session left at a moment and may be shown, the latest first. One query to the store.

    Raises:
        BadInputError: the place is of another list.
        UnavailableError: no model is served, or the store cannot be reached.
    """
    question = question_digest("continueShopping", audience.user_id, audience.session_id)
    check_place(after, question)
    as_of = as_of if after is None or after.as_of is None else after.as_of
    moment = shop.store.history(user=audience.user_id, session=audience.session_id, as_of=as_of)
    state = shop.live.at_least(moment.change_number)
    scorer, allowed = state.scorer, shop.recommender.allowed(nobody(state, as_of), ProductFilter())
    known = ((scorer.position(unit.product), unit) for unit in _left(moment.rows, scorer.ontology))
    left = [unit for position, unit in known if position is not None and allowed[position]]
    placed = [(Place(question, -float(to_ms(unit.last)), unit.product, as_of), unit) for unit in left]
    placed.sort(key=lambda item: item[0].order)
    rest = [item for item in placed if after is None or item[0].order > after.order]
    return UnfinishedPage(as_of, tuple(rest[:first]), len(placed), len(rest) > first)


def leading(ontology: Ontology) -> frozenset[str]:
    """Behaviours on the way to what the model predicts: all that products meet by, such as a view and the cart."""
    named = {behaviour for meeting in ontology.meetings.values() for behaviour in meeting.behaviours}
    return frozenset(named - {ontology.target_behaviour})


def _left(rows: Iterable[HistoryRow], ontology: Ontology) -> Iterable[Unit]:
    """The last unit of each product that was not bought."""
    rows = list(rows)
    bought = {row.product for row in rows if row.behaviour == ontology.target_behaviour}
    wanted = leading(ontology)
    last: dict[str, HistoryRow] = {}
    for row in sorted(rows, key=lambda row: (row.last, row.behaviour)):
        if row.behaviour in wanted and row.product not in bought:
            last[row.product] = row
    return [Unit(*row) for row in last.values()]

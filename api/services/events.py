"""Events as they come in: checked one by one, written together, counted from the next request on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from api.services.checks import KEY_LENGTH
from api.services.errors import BadInputError
from api.services.recommendation import Recommender
from graph import Store
from schema.ontology import Ontology
from schema.tables import EVENTS

LIMIT = 1_000
# Clocks of different machines differ a little; an event from the real future is a mistake.
_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class EventDraft:
    """An event as somebody sent it."""

    event_id: str
    product_id: str
    behaviour: str
    user_id: str | None = None
    session_id: str | None = None
    time: datetime | None = None
    value: float | None = None
    basket_id: str | None = None
    recommendation_id: str | None = None


@dataclass(frozen=True)
class Rejection:
    """Why the event at an index was not recorded."""

    index: int
    code: str
    message: str


@dataclass(frozen=True)
class Receipt:
    """What became of a batch; the ids are those of events."""

    accepted: tuple[str, ...]
    duplicates: tuple[str, ...]
    rejected: tuple[Rejection, ...]


class EventRecorder:
    """Writes events to the store."""

    def __init__(self, store: Store, recommender: Recommender) -> None:
        self._store = store
        self._recommender = recommender

    def record(self, drafts: Sequence[EventDraft]) -> Receipt:
        """Records what is sound. When it returns, the events are committed.

        Raises:
            BadInputError: more events than one batch may have.
            StoreError: nothing was recorded.
        """
        if len(drafts) > LIMIT:
            remedy = f"send at most {LIMIT} at a time"
            raise BadInputError(f"events has {len(drafts)} entries", field="events", remedy=remedy)
        now = self._recommender.now()
        mistakes = [mistake(draft, self._store.ontology, now) for draft in drafts]
        rejected = [Rejection(i, *found) for i, found in enumerate(mistakes) if found is not None]
        sound = {
            draft.event_id: (i, draft) for i, draft in reversed(list(enumerate(drafts))) if mistakes[i] is None
        }  # of several with one id the first counts
        rows = [sound[key][1] for key in reversed(sound)]
        follows = {draft.event_id: draft.recommendation_id for draft in rows if draft.recommendation_id}
        recorded = self._store.record_events(event_table(rows, now), follows) if rows else None
        unknown = set(recorded.unknown_products) if recorded else set()
        rejected += [
            Rejection(i, "NOT_FOUND", f"there is no product {draft.product_id}; write it with upsertProducts first")
            for key, (i, draft) in sound.items()
            if key in unknown
        ]
        repeated = [d.event_id for i, d in enumerate(drafts) if mistakes[i] is None and sound[d.event_id][0] != i]
        return Receipt(
            accepted=tuple(recorded.accepted) if recorded else (),
            duplicates=(*(recorded.duplicates if recorded else ()), *repeated),
            rejected=tuple(sorted(rejected, key=lambda rejection: rejection.index)),
        )


def mistake(draft: EventDraft, ontology: Ontology, now: datetime) -> tuple[str, str] | None:
    """Code and message of what is wrong with an event; None if nothing is."""
    for name, key in (("eventId", draft.event_id), ("productId", draft.product_id)):
        if not key.strip():
            return "BAD_USER_INPUT", f"{name} is empty; every event needs one"
    keys = (draft.event_id, draft.product_id, draft.user_id, draft.session_id, draft.basket_id, draft.recommendation_id)
    if any(len(key or "") > KEY_LENGTH for key in keys):
        return "BAD_USER_INPUT", f"an id is longer than {KEY_LENGTH} characters"
    if draft.behaviour not in ontology.behaviours:
        known = ", ".join(ontology.behaviours)
        return "BAD_USER_INPUT", f"there is no behaviour {draft.behaviour[:50]}; there is {known}"
    if not draft.user_id and not draft.session_id:
        return "BAD_USER_INPUT", "an event belongs to a user or a session; give userId or sessionId"
    if draft.value is not None and not math.isfinite(draft.value):
        return "BAD_USER_INPUT", "value is not a finite number; leave it out if there is none"
    return _wrong_time(draft.time, now)


def event_table(drafts: Sequence[EventDraft], now: datetime) -> pa.Table:
    """The drafts as the store takes them; an event without a time happens now."""
    rows = [
        {
            "id": draft.event_id,
            "user": draft.user_id or None,
            "product": draft.product_id,
            "behaviour": draft.behaviour,
            # Not later than now, so that an event from a clock that is ahead counts at once.
            "time": min(draft.time, now) if draft.time else now,
            "value": draft.value,
            "basket": draft.basket_id or None,
            "session": draft.session_id or None,
        }
        for draft in drafts
    ]
    return pa.Table.from_pylist(rows, schema=EVENTS)


def _wrong_time(moment: datetime | None, now: datetime) -> tuple[str, str] | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        return "BAD_USER_INPUT", "time has no zone; give it as in 2026-01-31T12:00:00Z, or leave it out for now"
    if moment.astimezone(UTC) > now + _TOLERANCE:
        return "BAD_USER_INPUT", f"time lies in the future; by the shop's clock it is {now.isoformat()}"
    return None

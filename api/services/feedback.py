"""What viewers say of what they are shown, and whose a session is: checked, kept, counted from the next request on."""

from dataclasses import dataclass

from api.services.checks import checked_key
from api.services.errors import BadInputError, NotFoundError
from api.services.recommendation import Recommender
from graph import FeedbackKind, FeedbackRecord, Store
from schema.errors import suggestion


@dataclass(frozen=True)
class FeedbackDraft:
    """Feedback as somebody sent it; `undo` takes it back."""

    kind: FeedbackKind
    user_id: str | None = None
    session_id: str | None = None
    product_id: str | None = None
    behaviour: str | None = None
    category_id: str | None = None
    recommendation_id: str | None = None
    undo: bool = False


class FeedbackRecorder:
    """Writes feedback to the store."""

    def __init__(self, store: Store, recommender: Recommender) -> None:
        self._store = store
        self._recommender = recommender

    def record(self, draft: FeedbackDraft) -> bool:
        """Keeps feedback or takes it back; False if there was nothing to do.

        Raises:
            BadInputError: it does not say whose it is, or what it is about.
            NotFoundError: there is no such product or category.
        """
        given = self._checked(draft)
        if draft.undo:
            return self._store.withdraw_feedback(given)
        label = "Category" if given.kind is FeedbackKind.NEVER_THIS_CATEGORY else "Product"
        if not self._store.nodes(label, [given.target]).num_rows:
            field = "input.categoryId" if label == "Category" else "input.productId"
            raise NotFoundError(f"there is no {label.lower()} {given.target}", field=field)
        return self._store.record_feedback(given)

    def link(self, session_id: str, user_id: str) -> int:
        """Gives a user what a session did and said; says how many events.

        Raises:
            BadInputError: an id is empty or too long.
        """
        return self._store.link_session(checked_key(session_id, "sessionId"), checked_key(user_id, "userId"))

    def _checked(self, draft: FeedbackDraft) -> FeedbackRecord:
        if not draft.user_id and not draft.session_id:
            raise BadInputError("feedback is of a user or a session", field="input", remedy="give userId or sessionId")
        if draft.behaviour is not None and draft.behaviour not in (known := self._store.ontology.behaviours):
            hint = suggestion(draft.behaviour, known)
            raise BadInputError(f"there is no behaviour {draft.behaviour}; {hint}", field="input.behaviour")
        return FeedbackRecord(
            kind=draft.kind,
            target=_target(draft),
            user=checked_key(draft.user_id, "input.userId") if draft.user_id else None,
            session=checked_key(draft.session_id, "input.sessionId") if draft.session_id else None,
            time=self._recommender.now(),
            behaviour=draft.behaviour,
            recommendation=draft.recommendation_id,
        )


def _target(draft: FeedbackDraft) -> str:
    """What feedback is about, where it names that and nothing else."""
    of_category = draft.kind is FeedbackKind.NEVER_THIS_CATEGORY
    name, key, other = "productId", draft.product_id, draft.category_id
    if of_category:
        name, key, other = "categoryId", draft.category_id, draft.product_id
    if key is None or other is not None:
        raise BadInputError(f"{draft.kind} is about one {name}", field="input", remedy=f"give {name} and no other")
    if draft.behaviour is not None and draft.kind is not FeedbackKind.WRONG_REASON:
        raise BadInputError("only a WRONG_REASON has a behaviour", field="input.behaviour", remedy="leave it out")
    return key

# ruff: noqa: D101 - a type is described in the schema itself
"""What viewers say of what they are shown, and whose a session is."""

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.graphql.user_errors import UserError, attempt
from api.services.feedback import FeedbackDraft
from graph import Feedback
from graph import FeedbackKind as Kind

if TYPE_CHECKING:
    from api.graphql.products import Product


@strawberry.enum(description="What a viewer says.")
class FeedbackKind(Enum):
    NOT_INTERESTED = strawberry.enum_value(
        "NOT_INTERESTED", description="A product shall be in none of the viewer's lists."
    )
    WRONG_REASON = strawberry.enum_value(
        "WRONG_REASON",
        description="What the viewer did with a product says nothing of them: it adds nothing to any score.",
    )
    NEVER_THIS_CATEGORY = strawberry.enum_value(
        "NEVER_THIS_CATEGORY",
        description="A category, with all below it, shall be in none of the viewer's lists.",
    )


@strawberry.input(description="What a viewer says of what they are shown. It counts in the very next answer.")
class FeedbackInput:
    kind: FeedbackKind
    user_id: str | None = strawberry.field(default=None, description="Whose; it goes before a session.")
    session_id: str | None = strawberry.field(default=None, description="Whose, where the user is not known.")
    product_id: str | None = strawberry.field(default=None, description="Of NOT_INTERESTED and WRONG_REASON.")
    behaviour: str | None = strawberry.field(
        default=None,
        description="Of WRONG_REASON: only this one, as `because.behaviour` names it; by default all that was done.",
    )
    category_id: str | None = strawberry.field(default=None, description="Of NEVER_THIS_CATEGORY.")
    recommendation_id: strawberry.ID | None = strawberry.field(
        default=None, description="The answer that it is about, if any."
    )
    undo: bool = strawberry.field(default=False, description="Takes back what was said before in the same words.")

    def draft(self) -> FeedbackDraft:
        """What the services take."""
        return FeedbackDraft(
            kind=Kind[self.kind.name],
            user_id=self.user_id,
            session_id=self.session_id,
            product_id=self.product_id,
            behaviour=self.behaviour,
            category_id=self.category_id,
            recommendation_id=self.recommendation_id,
            undo=self.undo,
        )


@strawberry.type(description="What the viewer has said.")
class GivenFeedback:
    kind: FeedbackKind
    product: Annotated["Product", strawberry.lazy("api.graphql.products")] | None = strawberry.field(
        description="Null for a category."
    )
    category_id: str | None = strawberry.field(description="The shop's own key; null for a product.")
    behaviour: str | None = strawberry.field(description="Of a WRONG_REASON that is about one only.")
    given_at: datetime = strawberry.field(description="When, by the shop's clock.")


@strawberry.type
class RecordFeedbackPayload:
    changed: bool = strawberry.field(
        description="False where it had been said before, or where there was nothing to take back."
    )
    user_errors: list[UserError]


@strawberry.type
class LinkSessionPayload:
    user_id: str | None = strawberry.field(description="Null where something is wrong.")
    moved_events: int = strawberry.field(description="Events that were nobody's before.")
    user_errors: list[UserError]


@strawberry.type
class FeedbackMutations:
    @resolver("Keeps what a viewer says of a product, a reason or a category, or takes it back.")
    def record_feedback(self, info: Info[Context, None], input: FeedbackInput) -> RecordFeedbackPayload:  # noqa: A002
        changed, errors = attempt(lambda: info.context.shop.feedback.record(input.draft()), False)
        return RecordFeedbackPayload(changed=changed, user_errors=errors)

    @resolver("Gives a user what was done and said in a session so far; who is not known yet is created.")
    def link_session(self, info: Info[Context, None], session_id: str, user_id: str) -> LinkSessionPayload:
        moved, errors = attempt(lambda: info.context.shop.feedback.link(session_id, user_id), 0)
        return LinkSessionPayload(user_id=None if errors else user_id, moved_events=moved, user_errors=errors)


def given_feedback(given: Feedback, product: "Product | None") -> GivenFeedback:
    """The type of feedback."""
    return GivenFeedback(
        kind=FeedbackKind(given.kind.value),
        product=product,
        category_id=None if product is not None else given.target,
        behaviour=given.behaviour,
        given_at=given.time,
    )

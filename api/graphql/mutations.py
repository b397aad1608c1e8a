# ruff: noqa: D101 - a type is described in the schema itself
"""The mutations. What is wrong with their input comes back beside the payload, as `userErrors`."""

import strawberry
from strawberry.types import Info

from api import metrics
from api.graphql.context import Context
from api.graphql.feedback import FeedbackMutations
from api.graphql.fields import resolver
from api.graphql.inputs import EventInput, ProductInput
from api.graphql.knowledge import KnowledgeMutations
from api.graphql.products import Product, product_of
from api.graphql.rules import RuleMutations
from api.graphql.user_errors import UserError, attempt
from api.services.errors import NotFoundError
from api.services.events import Receipt
from api.services.products import Written


@strawberry.type(description="An event that was not recorded.")
class RejectedEvent:
    index: int = strawberry.field(description="Its place in the input, from 0.")
    code: str
    message: str


@strawberry.type
class RecordEventsPayload:
    accepted: list[str] = strawberry.field(description="Events that were recorded and count from now on, by eventId.")
    duplicates: list[str] = strawberry.field(description="Events that had been recorded before.")
    rejected: list[RejectedEvent]
    user_errors: list[UserError]


@strawberry.type(description="A product that was written without its picture.")
class WithoutImage:
    product_id: str
    reason: str = strawberry.field(description="As in the quarantine of pictures: missing, damaged, …; or `encoder`.")
    message: str


@strawberry.type
class UpsertProductsPayload:
    products: list[Product]
    without_text: list[str] = strawberry.field(
        description="Products whose words could not be encoded now; they count by their relations until they are."
    )
    without_image: list[WithoutImage] = strawberry.field(
        description="Products whose picture cannot be used or could not be encoded now, and why."
    )
    user_errors: list[UserError]


@strawberry.type
class DeleteProductsPayload:
    deleted_product_ids: list[str]
    user_errors: list[UserError]


@strawberry.type
class DeleteEventsPayload:
    deleted_event_ids: list[str]
    user_errors: list[UserError]


@strawberry.type
class DeleteUserPayload:
    deleted_user_id: str | None
    user_errors: list[UserError]


@strawberry.type
class Mutation(RuleMutations, FeedbackMutations, KnowledgeMutations):
    @resolver("Records events, at most 1,000 at a time. They count in the very next answer.")
    def record_events(self, info: Info[Context, None], events: list[EventInput]) -> RecordEventsPayload:
        recorder = info.context.shop.events
        receipt, errors = attempt(lambda: recorder.record([event.draft() for event in events]), Receipt((), (), ()))
        metrics.recorded(receipt)
        return RecordEventsPayload(
            accepted=list(receipt.accepted),
            duplicates=list(receipt.duplicates),
            rejected=[RejectedEvent(index=r.index, code=r.code, message=r.message) for r in receipt.rejected],
            user_errors=errors,
        )

    @resolver("Writes products, all or none, at most 1,000 at a time. They can be shown at once.")
    def upsert_products(self, info: Info[Context, None], products: list[ProductInput]) -> UpsertProductsPayload:
        context = info.context
        ontology = context.shop.store.ontology

        def write() -> Written:
            drafts = [product.draft(ontology, f"products.{index}") for index, product in enumerate(products)]
            return context.shop.products.write(drafts)

        written, errors = attempt(write, Written(()))
        context.cards.want(written.product_ids)
        return UpsertProductsPayload(
            products=[product_of(context, key) for key in written.product_ids],
            without_text=list(written.without_text),
            without_image=[
                WithoutImage(product_id=key, reason=why.reason, message=why.explanation)
                for key, why in written.without_image.items()
            ],
            user_errors=errors,
        )

    @resolver("Deletes products with their events, at most 1,000 at a time.")
    def delete_products(self, info: Info[Context, None], product_ids: list[str]) -> DeleteProductsPayload:
        none: list[str] = []
        deleted, errors = attempt(lambda: info.context.shop.deleter.delete_products(product_ids), none)
        return DeleteProductsPayload(deleted_product_ids=deleted, user_errors=errors)

    @resolver("Deletes events and forgets what rested on them alone, at most 1,000 at a time.")
    def delete_events(self, info: Info[Context, None], event_ids: list[str]) -> DeleteEventsPayload:
        none: list[str] = []
        deleted, errors = attempt(lambda: info.context.shop.deleter.delete_events(event_ids), none)
        return DeleteEventsPayload(deleted_event_ids=deleted, user_errors=errors)

    @resolver("Forgets a person: in the store, in every running process, in the model on disk.")
    def delete_user(self, info: Info[Context, None], user_id: str) -> DeleteUserPayload:
        def delete() -> str | None:
            if not info.context.shop.deleter.delete_user(user_id):
                raise NotFoundError(f"there is no user {user_id}", field="userId")
            return user_id

        deleted, errors = attempt(delete, None)
        return DeleteUserPayload(deleted_user_id=deleted, user_errors=errors)

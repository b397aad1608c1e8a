# ruff: noqa: D101 - a type is described in the schema itself
"""Users, and what they are interested in."""

from datetime import datetime

import strawberry
from strawberry.types import Info

from api.graphql.catalogue import Attribute, Node
from api.graphql.context import Context
from api.graphql.explanations import ContributionKind, HistoryItem, history_item
from api.graphql.fields import lazy, resolver
from api.graphql.products import PageInfo, product_of, read_cursor
from api.services.checks import checked_first
from api.services.profile import Leant, ProfilePage, profile_page

PAGE = 20
_LISTED = 5


@strawberry.type(description="A part of an interest's weight that comes from one unit of the user's own history.")
class InterestEvidence:
    kind: ContributionKind = strawberry.field(
        description="PATH: the product is linked to it. TEXT: products with similar words are."
    )
    weight: float = strawberry.field(description="What it adds; all of an interest's evidence adds up to its weight.")
    because: HistoryItem


@strawberry.type(description="A category, a brand, a feature or the like.")
class InterestNode:
    type: str = strawberry.field(description="Node type of the ontology.")
    node_id: str = strawberry.field(description="The shop's own key.")
    name: str


@strawberry.type(description="An interest of a user.")
class InterestEdge:
    context: strawberry.Private[Context]
    page: strawberry.Private[ProfilePage]
    found: strawberry.Private[Leant]
    relation: str = strawberry.field(description="From products to it, as the shop's ontology names it.")
    weight: float = strawberry.field(description="The weights of all of a user's interests add up to 1.")
    cursor: str
    node: InterestNode = lazy()

    def __getattr__(self, name: str) -> InterestNode:
        if name != "node":
            raise AttributeError(name)
        kind, key = self.found.type, self.found.node
        return InterestNode(type=kind, node_id=key, name=self.context.shop.paths.name(kind, key))

    @resolver("What its weight comes from, the largest part first; at most 100.")
    def evidence(self, first: int | None = _LISTED) -> list[InterestEvidence]:
        parts = self.page.evidence(self.found)[: checked_first(first, _LISTED)]
        self.context.cards.want(unit.product for _, unit, _ in parts)
        return [
            InterestEvidence(
                kind=ContributionKind(kind),
                weight=weight,
                because=history_item(unit, lambda key: product_of(self.context, key)),
            )
            for kind, unit, weight in parts
        ]


@strawberry.type(description="What a user is interested in at one moment, the heaviest first.")
class InterestConnection:
    edges: list[InterestEdge]
    page_info: PageInfo
    as_of: datetime = strawberry.field(description="The moment it was worked out for, by the shop's clock.")
    model_version: str = strawberry.field(description="The model that weighed it.")


@strawberry.type(description="A user of the shop.")
class User(Node):
    context: strawberry.Private[Context]
    user_id: str = strawberry.field(description="The shop's own key.")
    attributes: list[Attribute]

    @resolver(
        "Categories, brands, features and the like that the user's own events speak for, by graph and by words: "
        "a distribution."
    )
    def interests(self, first: int | None = PAGE, after: str | None = None) -> InterestConnection:
        context = self.context
        first = checked_first(first, PAGE)
        page = profile_page(context.shop.recommender, self.user_id, first, read_cursor(context, after))
        edges = [
            InterestEdge(
                context=context,
                page=page,
                found=found,
                relation=found.relation,
                weight=found.weight,
                cursor=context.shop.cursors.write(page.place(found)),
            )
            for found in page.items
        ]
        return InterestConnection(
            edges=edges,
            page_info=PageInfo.of(edges, more=page.has_next, before=after is not None),
            as_of=page.viewing.as_of,
            model_version=page.viewing.state.model_version,
        )


@strawberry.type(description="A user as a list of them has it.")
class KnownUser:
    user_id: str = strawberry.field(description="The shop's own key.")
    events: int = strawberry.field(description="How many events are theirs.")
    last_at: datetime | None = strawberry.field(description="When the last one happened.")


@strawberry.type
class UserQueries:
    """Root fields."""

    @resolver("Users by id, those whose id begins with `startsWith`; at most 100. Needs the role server or expert.")
    def users(self, info: Info[Context, None], starts_with: str = "", first: int | None = PAGE) -> list[KnownUser]:
        found = info.context.shop.store.users(starts_with, checked_first(first, PAGE))
        return [KnownUser(user_id=user.id, events=user.events, last_at=user.last) for user in found]

# ruff: noqa: D101 - a type is described in the schema itself
"""The queries."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from api.graphql.catalogue import Category, Node, attributes, category_of
from api.graphql.context import Context
from api.graphql.cypher import CypherQueries
from api.graphql.explanations import Explanation, Explanations, asked_contributions
from api.graphql.fields import resolver
from api.graphql.ids import global_id, parse_global_id
from api.graphql.impressions import ImpressionQueries, noted
from api.graphql.inputs import InterestInput
from api.graphql.knowledge import KnowledgeQueries
from api.graphql.listing import ListingQueries, find_brand
from api.graphql.products import (
    PAGE,
    Product,
    ProductFilterInput,
    RecommendationConnection,
    RecommendationOptionsInput,
    connection,
    product_of,
    read_cursor,
)
from api.graphql.reports import ReportQueries
from api.graphql.rules import RuleQueries
from api.graphql.search import SearchQueries
from api.graphql.users import User, UserQueries
from api.services.checks import check_moment
from api.services.viewing import Audience


@strawberry.input(description="A property of the viewer that the shop's ontology calls a context, such as the country.")
class ContextInput:
    name: str
    value: str


@strawberry.input(description="For whom. Every part is optional and they can be combined; none means anybody.")
class AudienceInput:
    user_id: str | None = strawberry.field(default=None, description="A user by the shop's own key.")
    session_id: str | None = strawberry.field(default=None, description="A session by the shop's own key.")
    product_ids: list[str] | None = strawberry.field(
        default=None, description="Products that count as if the viewer had just chosen them; at most 100."
    )
    interests: list[InterestInput] | None = strawberry.field(
        default=None, description="What the viewer says they like; at most 50."
    )
    text: str | None = strawberry.field(
        default=None, description="What the viewer looks for in their own words; at most 2,000 characters."
    )
    context: list[ContextInput] | None = strawberry.field(
        default=None, description="What is known of the viewer now; it comes before what the shop knows of the user."
    )
    without: list[str] | None = strawberry.field(
        default=None,
        description="Products of the history that shall not count, as if the viewer had never met them; at most 100. "
        "What was bought stays out of the list all the same.",
    )

    def audience(self) -> Audience:
        """What the services take."""
        interests = enumerate(self.interests or ())
        return Audience(
            user_id=self.user_id or None,
            session_id=self.session_id or None,
            product_ids=tuple(self.product_ids or ()),
            interests=tuple(given.liking(f"audience.interests.{number}") for number, given in interests),
            text=self.text,
            context=tuple((given.name, given.value) for given in self.context or ()),
            without=tuple(self.without or ()),
        )


@strawberry.type(description="The model that is served.")
class ModelInfo:
    version: str
    created_at: datetime = strawberry.field(description="When it was trained.")
    as_of: datetime = strawberry.field(description="Up to when it knows events, by the shop's clock.")
    change_number: int = strawberry.field(description="The last entry of the store's change log that counts by now.")
    products: int = strawberry.field(description="How many products it can recommend.")
    behaviours: list[str]
    terms: list[str] = strawberry.field(description="The kinds of path that it knows.")
    metrics: JSON = strawberry.field(
        description="Figures of a model that was trained like it on an earlier part of the same data and asked what "
        "came after, as `evaluation` has them; empty unless that data was evaluated."
    )
    fit: JSON = strawberry.field(
        description="What its fitting found: `adds`, what is lost without each kind of path, and `weights`."
    )


@strawberry.type
class Query(
    ListingQueries,
    RuleQueries,
    ImpressionQueries,
    SearchQueries,
    UserQueries,
    ReportQueries,
    KnowledgeQueries,
    CypherQueries,
):
    @resolver("Any object by its global id; null if it does not exist.")
    def node(self, info: Info[Context, None], id: strawberry.ID) -> Node | None:  # noqa: A002 - Relay's name
        type_name, key = parse_global_id(id)
        finders: dict[str, Any] = {
            "Product": find_product,
            "Category": find_category,
            "User": find_user,
            "Brand": find_brand,
        }
        found: Node | None = finders[type_name](info.context, key) if type_name in finders else None
        return found

    @resolver("A product by the shop's own key; null if there is none.")
    def product(self, info: Info[Context, None], product_id: str) -> Product | None:
        return find_product(info.context, product_id)

    @resolver("A category by the shop's own key; null if there is none.")
    def category(self, info: Info[Context, None], category_id: str) -> Category | None:
        return find_category(info.context, category_id)

    @resolver("A user by the shop's own key; null if there is none.")
    def user(self, info: Info[Context, None], user_id: str) -> User | None:
        return find_user(info.context, user_id)

    @resolver("The best products for an audience, and why. Somebody unknown gets what most like, never an error.")
    def recommendations(
        self,
        info: Info[Context, None],
        audience: AudienceInput,
        filter: ProductFilterInput | None = None,  # noqa: A002 - the contract's name
        options: RecommendationOptionsInput | None = None,
        first: int | None = PAGE,
        after: str | None = None,
        preview: Annotated[
            bool,
            strawberry.argument(
                description="For whoever looks at a list that is another's: its viewer is not shown it, so it is not "
                "logged as shown and `clickThrough` does not count it."
            ),
        ] = False,
    ) -> RecommendationConnection:
        context = info.context
        wanted = (options or RecommendationOptionsInput()).options()
        place = read_cursor(context, after)
        moment = (place.as_of, place.model_version) if place else (None, None)
        asked = audience.audience()
        viewing = context.shop.recommender.view(asked, *moment)
        answer = connection(context, viewing, filter, first, place, wanted)
        return answer if preview else noted(context, asked, answer)

    @resolver("Why a product has its score for an audience, now or at the moment of an answer.")
    def explain(
        self,
        info: Info[Context, None],
        audience: AudienceInput,
        product_id: str,
        as_of: datetime | None = None,
        model_version: str | None = None,
    ) -> Explanation:
        context = info.context
        recommender = context.shop.recommender
        moment = check_moment(as_of, recommender.now())
        viewing = recommender.view(audience.audience(), moment, model_version)
        page = recommender.only(viewing, product_id)
        explanations = Explanations(context, page, lambda key: product_of(context, key))
        return explanations.of(page.items[0], asked_contributions(info._raw_info))

    @resolver("The model that answers.")
    def model(self, info: Info[Context, None]) -> ModelInfo:
        shop = info.context.shop
        state = shop.live.at_least(shop.store.change_number())
        manifest = state.manifest
        return ModelInfo(
            version=manifest.model_version,
            created_at=manifest.created_at,
            as_of=manifest.as_of,
            change_number=state.change,
            products=int((state.shelf.offered & state.scorer.alive).sum()),
            behaviours=list(state.scorer.behaviours),
            terms=[term.term.name for term in state.scorer.terms],
            metrics=JSON(shop.reports.metrics(manifest)),
            fit=JSON(manifest.fit),
        )


def find_product(context: Context, product_id: str) -> Product | None:
    """A product that the store has."""
    return None if context.cards.get(product_id) is None else product_of(context, product_id)


def find_category(context: Context, category_id: str) -> Category | None:
    """A category of the shop."""
    node = context.categories.nodes.get(category_id)
    return None if node is None else category_of(context, node)


def find_user(context: Context, user_id: str) -> User | None:
    """A user that the store has."""
    rows = context.shop.store.nodes("User", [user_id]).to_pylist()
    if not rows:
        return None
    identity = strawberry.ID(global_id("User", user_id))
    return User(id=identity, context=context, user_id=user_id, attributes=attributes(rows[0]))

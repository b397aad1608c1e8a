# ruff: noqa: D101 - a type is described in the schema itself
"""Products and ranked lists of products."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry.types import Info

from api.graphql.catalogue import Attribute, Brand, Category, Image, LazyProduct, Money, Node
from api.graphql.companions import Companions, beside
from api.graphql.context import Context
from api.graphql.explanations import (
    Explanation,
    Explanations,
    HistoryItem,
    Placement,
    asked_contributions,
    history_item,
)
from api.graphql.fields import lazy, resolver
from api.graphql.ids import global_id
from api.services.catalogue import Linked, ProductFilter
from api.services.checks import checked_first
from api.services.cursors import Position
from api.services.errors import BadInputError, CursorExpiredError
from api.services.interests import FEATURE
from api.services.placement import Options
from api.services.viewing import Page, Ranked, Viewing

PAGE = 20


@strawberry.enum(description="What a list rests on.")
class Strategy(Enum):
    PERSONAL = strawberry.enum_value("PERSONAL", description="The history of a known user.")
    COLD_START = strawberry.enum_value(
        "COLD_START", description="A session, products that were named, interests or words."
    )
    POPULAR = strawberry.enum_value("POPULAR", description="Nothing is known of the viewer: what most like.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None

    @classmethod
    def of(cls, edges: Sequence[Any], *, more: bool, before: bool) -> "PageInfo":
        """Of a page of edges, each with a `cursor`; whether there are `more` after it, and some `before` it."""
        start, end = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
        return cls(has_next_page=more, has_previous_page=before, start_cursor=start, end_cursor=end)


@strawberry.input(description="A range of prices, both ends included. Products without a price are in none.")
class PriceRangeInput:
    min: float | None = None
    max: float | None = None


@strawberry.input(name="FeatureFilter", description="A relation from the product to any of some nodes.")
class FeatureFilterInput:
    node_ids: list[str] = strawberry.field(
        description="The shop's own keys. For categories, those below them count too."
    )
    relation: str = strawberry.field(default=FEATURE, description="As the shop's ontology names it.")


@strawberry.input(name="ProductFilter", description="Hard conditions on the products of a list. All of them hold.")
class ProductFilterInput:
    category_ids: list[str] | None = strawberry.field(
        default=None, description="In any of these categories or in one below."
    )
    price: PriceRangeInput | None = None
    exclude_product_ids: list[str] | None = strawberry.field(default=None, description="None of these.")
    include_bought: bool = strawberry.field(default=False, description="Also what the viewer has bought already.")
    brand_ids: list[str] | None = strawberry.field(default=None, description="Of any of these brands.")
    features: list[FeatureFilterInput] | None = strawberry.field(
        default=None, description="For each entry, linked to any of its nodes."
    )
    available: bool = strawberry.field(
        default=True, description="False for what is said to be unavailable, and for nothing else."
    )

    def condition(self) -> ProductFilter:
        """What the services take."""
        price = self.price or PriceRangeInput()
        return ProductFilter(
            category_ids=tuple(self.category_ids or ()),
            minimum_price=price.min,
            maximum_price=price.max,
            exclude_product_ids=tuple(self.exclude_product_ids or ()),
            include_bought=self.include_bought,
            brand_ids=tuple(self.brand_ids or ()),
            features=tuple(Linked(f.relation, tuple(f.node_ids)) for f in self.features or () if f.node_ids),
            available=self.available,
        )


@strawberry.input(name="RecommendationOptions", description="How a list is put together.")
class RecommendationOptionsInput:
    diversity: float | None = strawberry.field(
        default=None,
        description="From 0, the order of the scores, to 1: how much products like those before move down.",
    )
    exploration: float | None = strawberry.field(
        default=None,
        description="Share of the slots, 0 to 1, that goes to products that few have met, drawn at random.",
    )
    seed: int | None = strawberry.field(default=None, description="Of the random numbers; by default of the moment.")

    def options(self) -> Options:
        """What the services take."""
        return Options(self.diversity or 0.0, self.exploration or 0.0, self.seed)


@strawberry.type(description="How much one feature of a product counts beside its others; all of them add up to 1.")
class FeatureWeight:
    feature: str = strawberry.field(description="As the shop's ontology names it.")
    weight: float


@strawberry.type(description="A product of the shop.")
class Product(LazyProduct, Companions, Node):
    context: strawberry.Private[Context]
    product_id: str = strawberry.field(description="The shop's own key.")
    title: str | None = lazy()
    description: str | None = lazy()
    price: Money | None = lazy()
    image: Image | None = lazy()
    available: bool = lazy()
    categories: list[Category] = lazy()
    brand: Brand | None = lazy()
    attributes: list[Attribute] = lazy("What the shop's own ontology adds to products.")

    @resolver("How much each of its features, such as text and image, counts in its vector; empty where it has none.")
    def feature_weights(self) -> list[FeatureWeight]:
        state = self.context.state
        weights = {} if state is None else state.feature_weights(self.product_id)
        return [FeatureWeight(feature=name, weight=weight) for name, weight in weights.items()]

    @resolver("Products near to this one, by paths and by the learned vectors.")
    def similar(
        self,
        first: int | None = PAGE,
        after: str | None = None,
        filter: ProductFilterInput | None = None,  # noqa: A002 - the contract's name
    ) -> "RecommendationConnection":
        return beside(self.context, self.product_id, "similar", filter, first, after)


@strawberry.type(description="A product at its place in a list.")
class RecommendationEdge:
    page: strawberry.Private["PageTypes"]
    item: strawberry.Private[Ranked]
    node: Product
    rank: int = strawberry.field(description="From 1, over all pages.")
    score: float
    placement: Placement
    rule: str | None = strawberry.field(description="Id of the business rule that put it there, for RULE.")
    propensity: float | None = strawberry.field(
        description="How probable it was that this product would come to this rank, over all seeds; 1 where nothing is "
        "drawn, null where it is not known."
    )
    cursor: str = lazy()

    def __getattr__(self, name: str) -> Any:
        if name == "cursor":
            return self.page.cursor(self.item)
        raise AttributeError(name)

    @resolver("Why it has this score.")
    def explanation(self, info: Info[Context, None]) -> Explanation:
        return self.page.explanation(self.item, info)


@strawberry.type(description="A ranked list of products, one answer at one moment.")
class RecommendationConnection:
    edges: list[RecommendationEdge]
    page_info: PageInfo
    recommendation_id: strawberry.ID = strawberry.field(description="Names this answer.")
    strategy: Strategy
    as_of: datetime = strawberry.field(description="The moment it was given for, by the shop's clock.")
    model_version: str = strawberry.field(description="The model that gave it.")
    seed: int | None = strawberry.field(
        description="What the random numbers of exploration came from; null where nothing was drawn."
    )
    rests_on: list[str] = strawberry.field(
        description="The kinds of path that alone make the scores, as `model.terms` names them; empty where the whole "
        "model does."
    )
    without_text: bool = strawberry.field(
        description="Whether `audience.text` could not be read, since the encoder is not ready, and does not count."
    )
    page: strawberry.Private["PageTypes"]

    @resolver("What the viewer did, as far as the list rests on it, the latest first. At most 100.")
    def history(self, first: int | None = PAGE) -> list[HistoryItem]:
        return self.page.history(checked_first(first, PAGE))


class PageTypes:
    """What the edges of one page have in common."""

    def __init__(self, context: Context, page: Page) -> None:
        self._context = context
        self._page = page
        self._explanations = Explanations(context, page, lambda key: product_of(context, key))
        self._asked: dict[int, int] = {}

    def cursor(self, item: Ranked) -> str:
        """The cursor of one item."""
        return self._context.shop.cursors.write(self._page.place(item))

    def explanation(self, item: Ranked, info: Info[Context, None]) -> Explanation:
        """The explanation of one item; how much of it is listed is looked up once for all."""
        raw = info._raw_info
        selection = id(raw.field_nodes[0])
        if selection not in self._asked:
            self._asked[selection] = asked_contributions(raw)
        return self._explanations.of(item, self._asked[selection])

    def history(self, first: int) -> list[HistoryItem]:
        """The latest units of the history."""
        units = sorted(self._page.viewing.units, key=lambda unit: unit.last, reverse=True)[:first]
        self._context.cards.want(unit.product for unit in units)
        return [history_item(unit, lambda key: product_of(self._context, key)) for unit in units]

    def edge(self, item: Ranked) -> RecommendationEdge:
        """The edge of one item."""
        return RecommendationEdge(
            page=self,
            item=item,
            node=product_of(self._context, item.product),
            rank=item.rank,
            score=item.score,
            placement=Placement(item.placement),
            rule=item.rule,
            propensity=item.propensity,
        )


def product_of(context: Context, product_id: str) -> Product:
    """A product by the shop's key; it need not be known to exist."""
    known = context.products.get(product_id)
    if known is None:
        identity = strawberry.ID(global_id("Product", product_id))
        known = context.products[product_id] = Product(id=identity, context=context, product_id=product_id)
    return known


def read_cursor(context: Context, after: str | None) -> Position | None:
    """What a cursor says.

    Raises:
        BadInputError: it is forged.
        CursorExpiredError: its model is no longer served.
    """
    if after is None:
        return None
    place = context.shop.cursors.read(after)
    if place.model_version != context.shop.live.state.model_version:
        remedy = "ask again from the first page, without a cursor"
        raise CursorExpiredError("the model that this list came from is no longer served", field="after", remedy=remedy)
    return place


def connection(
    context: Context,
    viewing: Viewing,
    conditions: ProductFilterInput | None,
    first: int | None,
    place: Position | None,
    options: Options | None = None,
) -> RecommendationConnection:
    """A page of a ranked list.

    Raises:
        BadInputError: `first` is out of bounds, or the cursor belongs to another question.
    """
    first = checked_first(first, PAGE)
    recommender = context.shop.recommender
    condition = (conditions or ProductFilterInput()).condition()
    if place is not None and place.question != recommender.question(viewing, condition, options):
        if place.question == recommender.question(viewing, condition, options, otherwise=True):
            remedy = "ask again from the first page, without a cursor"
            raise CursorExpiredError(
                "the words of this list can be read by now, or no longer", field="after", remedy=remedy
            )
        remedy = "pass the cursor with the audience, filter and options it came with"
        raise BadInputError("the cursor belongs to another list", field="after", remedy=remedy)
    page = recommender.page(viewing, condition, first, place, options)
    types = PageTypes(context, page)
    context.cards.want(item.product for item in page.items)
    edges = [types.edge(item) for item in page.items]
    return RecommendationConnection(
        edges=edges,
        page_info=PageInfo.of(edges, more=page.has_next, before=page.has_previous),
        recommendation_id=strawberry.ID(page.id),
        strategy=Strategy(viewing.strategy),
        as_of=viewing.as_of,
        model_version=viewing.state.model_version,
        seed=page.seed,
        rests_on=list(viewing.by),
        without_text=viewing.heard.without_text,
        page=types,
    )

# ruff: noqa: D101 - a type is described in the schema itself
"""Search with its facets."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.types import Info

from api.graphql.catalogue import Brand, Category, brand_of, category_of
from api.graphql.context import Context
from api.graphql.fields import resolver
from api.graphql.products import (
    PAGE,
    PageInfo,
    PageTypes,
    ProductFilterInput,
    RecommendationEdge,
    Strategy,
    read_cursor,
)
from api.services import facets as service
from api.services.catalogue import CategoryNode
from api.services.checks import checked_first
from api.services.search import Found
from api.services.viewing import Audience

if TYPE_CHECKING:
    from api.graphql.queries import AudienceInput

_LISTED = 10


@strawberry.type(description="How many of the products found are in a category or below it.")
class CategoryFacet:
    category: Category
    count: int


@strawberry.type(description="How many of the products found are of a brand.")
class BrandFacet:
    brand: Brand
    count: int


@strawberry.type(description="How many of the products found are in a range of prices, both ends included.")
class PriceFacet:
    min: float
    max: float
    count: int


@strawberry.type(description="How many products that fit can be had, whether the filter lets them through or not.")
class AvailabilityFacet:
    available: int
    unavailable: int


@strawberry.type(description="Counts of all products found, not of the page; a filter on one of them gives as many.")
class SearchFacets:
    context: strawberry.Private[Context]
    found: strawberry.Private[service.Facets]

    @resolver("Most first; at most 100.")
    def categories(self, first: int | None = _LISTED) -> list[CategoryFacet]:
        nodes = self.context.categories.nodes
        return [
            CategoryFacet(
                category=category_of(self.context, nodes.get(key, CategoryNode(key, None, None))), count=count
            )
            for key, count in self.found.categories[: checked_first(first, _LISTED)]
        ]

    @resolver("Most first; at most 100.")
    def brands(self, first: int | None = _LISTED) -> list[BrandFacet]:
        groups = self.found.brands[: checked_first(first, _LISTED)]
        names = self.context.shop.searcher.names_of("Brand", [key for key, _ in groups])
        return [BrandFacet(brand=brand_of(key, names[key]), count=count) for key, count in groups]

    @resolver(
        "At most five ranges with about as many products each, from low to high. Their ends are prices there are."
    )
    def prices(self) -> list[PriceFacet]:
        return [PriceFacet(min=low, max=high, count=count) for low, high, count in self.found.prices]

    @resolver("What can be had of it.")
    def availability(self) -> AvailabilityFacet:
        return AvailabilityFacet(available=self.found.available, unavailable=self.found.unavailable)


@strawberry.type(description="Products that fit a search, one answer at one moment.")
class SearchConnection:
    context: strawberry.Private[Context]
    found: strawberry.Private[Found]
    edges: list[RecommendationEdge]
    page_info: PageInfo
    recommendation_id: strawberry.ID = strawberry.field(description="Names this answer.")
    strategy: Strategy = strawberry.field(description="What the viewer's part of the scores rests on.")
    as_of: datetime = strawberry.field(description="The moment it was given for, by the shop's clock.")
    model_version: str = strawberry.field(description="The model that gave it.")
    without_text: bool = strawberry.field(
        description="Whether `audience.text` could not be read, since the encoder is not ready, and does not count."
    )
    query: str = strawberry.field(description="What was looked for: the query as it was understood.")
    query_was_cut: bool = strawberry.field(description="Whether it was longer than what is read, 200 characters.")
    lexical_only: bool = strawberry.field(
        description="Whether only the words were looked up, since what they mean could not be read: the encoder is not "
        "ready, or the model knows no texts."
    )
    total_count: int = strawberry.field(description="How many products were found, on all pages.")

    @resolver("What was found, counted.")
    def facets(self) -> SearchFacets:
        return SearchFacets(context=self.context, found=self.found.facets)


@strawberry.type
class SearchQueries:
    @resolver(
        "Products by words, those that fit best first and among them those that the viewer likes; what the viewer has "
        "bought is found as well. An empty query gives what the viewer likes."
    )
    def search(
        self,
        info: Info[Context, None],
        query: str,
        audience: Annotated["AudienceInput", strawberry.lazy("api.graphql.queries")] | None = None,
        filter: ProductFilterInput | None = None,  # noqa: A002 - the contract's name
        first: int | None = PAGE,
        after: str | None = None,
    ) -> SearchConnection:
        context = info.context
        first = checked_first(first, PAGE)
        place = read_cursor(context, after)
        moment = (place.as_of, place.model_version) if place else (None, None)
        viewing = context.shop.recommender.view(audience.audience() if audience else Audience(), *moment)
        condition = (filter or ProductFilterInput()).condition()
        return _connection(context, context.shop.searcher.search(viewing, query, condition, first, place))


def _connection(context: Context, found: Found) -> SearchConnection:
    page, viewing = found.page, found.page.viewing
    types = PageTypes(context, page)
    context.cards.want(item.product for item in page.items)
    edges = [types.edge(item) for item in page.items]
    return SearchConnection(
        context=context,
        found=found,
        edges=edges,
        page_info=PageInfo.of(edges, more=page.has_next, before=page.has_previous),
        recommendation_id=strawberry.ID(page.id),
        strategy=Strategy(viewing.strategy),
        as_of=viewing.as_of,
        model_version=viewing.state.model_version,
        without_text=viewing.heard.without_text,
        query=found.asked.text,
        query_was_cut=found.asked.cut,
        lexical_only=found.lexical_only,
        total_count=found.total,
    )

# ruff: noqa: D101 - a type is described in the schema itself
"""Plain lists of products: by price, title or age, what most like, what gains now, what somebody left."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.types import Info

from api.graphql.catalogue import Brand, brand_of
from api.graphql.context import Context
from api.graphql.explanations import HistoryItem, history_item
from api.graphql.fields import lazy, resolver
from api.graphql.products import PAGE, PageInfo, Product, ProductFilterInput, product_of, read_cursor
from api.services.catalogue import ProductFilter
from api.services.checks import checked_first
from api.services.cursors import Place, Position
from api.services.listing import ListPage, SortKey, check_place, nobody, sorted_page
from api.services.trending import Trend, trending
from api.services.unfinished import unfinished
from api.services.viewing import Ranked, Viewing

if TYPE_CHECKING:
    from api.graphql.queries import AudienceInput


@strawberry.enum(description="What a list of products is sorted by; equal ones are in the order of their keys.")
class ProductSortKey(Enum):
    NEWEST = strawberry.enum_value(
        "NEWEST",
        description="By the first property of products in the shop's ontology that is a moment, the latest first. "
        "Refused where there is none.",
    )
    PRICE_ASC = strawberry.enum_value("PRICE_ASC", description="The cheapest first; without a price last.")
    PRICE_DESC = strawberry.enum_value("PRICE_DESC", description="The dearest first; without a price last.")
    TITLE = strawberry.enum_value("TITLE", description="By title, whatever its case and accents; without one last.")
    POPULAR = strawberry.enum_value("POPULAR", description="What most like just now: the model's prior at this minute.")


@strawberry.type(description="How often a product was met of late, beside what its share of all demand foretells.")
class Demand:
    half_life_days: float = strawberry.field(description="An event of so many days ago counts half, an older one less.")
    counted: float = strawberry.field(description="Events of any kind, each as far as its age lets it count.")
    expected: float = strawberry.field(description="What it would be if the product had its usual share of all events.")


@strawberry.type(description="A product at its place in a plain list.")
class ProductEdge:
    write: strawberry.Private[Callable[[], str]]
    node: Product
    because: HistoryItem | None = strawberry.field(
        default=None, description="In `continueShopping`: what the viewer did with it last; else null."
    )
    demand: list[Demand] = strawberry.field(
        default_factory=list, description="In `trending`: what its place rests on; else empty."
    )
    cursor: str = lazy()

    def __getattr__(self, name: str) -> str:
        if name != "cursor":
            raise AttributeError(name)
        return self.write()


@strawberry.type(description="A plain list of products.")
class ProductConnection:
    edges: list[ProductEdge]
    page_info: PageInfo
    total_count: int | None = strawberry.field(
        description="How many products the whole list has; null where nobody counted them, as in `related`."
    )
    as_of: datetime | None = strawberry.field(
        description="The moment it was given for, by the shop's clock; null for a list that is as the shop is now."
    )


@strawberry.type
class ListingQueries:
    @resolver("All products, sorted. Pages go on rightly while products come and go.")
    def products(
        self,
        info: Info[Context, None],
        filter: ProductFilterInput | None = None,  # noqa: A002 - the contract's name
        sort_key: ProductSortKey | None = None,
        first: int | None = PAGE,
        after: str | None = None,
    ) -> ProductConnection:
        return listed(info.context, (filter or ProductFilterInput()).condition(), sort_key, first, after)

    @resolver(
        "What gains now: products whose share of all events of the last days is above their share of all events ever, "
        "the surest gain first. What happens counts from the next minute on; `demand` says what each place rests on. "
        "Empty where nothing gains, or the shop's events have no times."
    )
    def trending(
        self,
        info: Info[Context, None],
        filter: ProductFilterInput | None = None,  # noqa: A002 - the contract's name
        first: int | None = PAGE,
        after: str | None = None,
    ) -> ProductConnection:
        context, place = info.context, read_cursor(info.context, after)
        trend = trending(context.served, place.as_of if place else context.moment)
        condition = (filter or ProductFilterInput()).condition()
        return _ranked(context, trend.viewing, condition, first, place, lambda item: _demand(trend, item))

    @resolver(
        "What a user or session looked at or put into the cart and did not buy, the latest first: products with a "
        "behaviour that the ontology's meetings gather and none with the one that is its target. Of the audience only "
        "`userId` and `sessionId` count."
    )
    def continue_shopping(
        self,
        info: Info[Context, None],
        audience: Annotated["AudienceInput", strawberry.lazy("api.graphql.queries")],
        first: int | None = PAGE,
        after: str | None = None,
    ) -> ProductConnection:
        context, place = info.context, read_place(info.context, after)
        first = checked_first(first, PAGE)
        page = unfinished(context.shop, audience.audience(), context.moment, first, place)
        edges = [
            _edge(context, place, because=history_item(unit, partial(product_of, context)))
            for place, unit in page.items
        ]
        return _connection(context, edges, page.has_next, after, page.total, page.as_of)

    @resolver("A brand by the shop's own key; null if there is none.")
    def brand(self, info: Info[Context, None], brand_id: str) -> Brand | None:
        return find_brand(info.context, brand_id)


def find_brand(context: Context, brand_id: str) -> Brand | None:
    """A brand that the store has."""
    rows = context.shop.store.nodes("Brand", [brand_id]).to_pylist()
    return brand_of(brand_id, rows[0].get("name")) if rows else None


def listed(
    context: Context, condition: ProductFilter, sort_key: ProductSortKey | None, first: int | None, after: str | None
) -> ProductConnection:
    """A page of the shop's products; what most like comes first if nothing is said.

    Raises:
        BadInputError: `first` is out of bounds, the cursor belongs to another list, or the shop cannot sort so.
        UnavailableError: no model is served.
    """
    state = context.served
    if sort_key in (None, ProductSortKey.POPULAR):
        place = read_cursor(context, after)
        as_of = place.as_of if place else context.moment
        return _ranked(context, nobody(state.at(as_of), as_of), condition, first, place)
    allowed = context.shop.recommender.allowed(nobody(state, context.moment), condition)
    key, first = SortKey(sort_key.value), checked_first(first, PAGE)
    return plain(context, sorted_page(state, allowed, condition, key, first, read_place(context, after)), after)


def plain(context: Context, page: ListPage, after: str | None) -> ProductConnection:
    """The types of a page of a plain list."""
    edges = [_edge(context, place) for place in page.items]
    return _connection(context, edges, page.has_next, after, page.total, None)


def read_place(context: Context, after: str | None) -> Place | None:
    """What a cursor of a plain list says.

    Raises:
        BadInputError: it is forged.
    """
    return None if after is None else context.shop.cursors.read_place(after)


def _ranked(
    context: Context,
    viewing: Viewing,
    condition: ProductFilter,
    first: int | None,
    place: Position | None,
    demand: Callable[[Ranked], list[Demand]] = lambda item: [],
) -> ProductConnection:
    """A page of products by a score, pinned to its minute."""
    first, recommender = checked_first(first, PAGE), context.shop.recommender
    check_place(place, recommender.question(viewing, condition))
    page = recommender.page(viewing, condition, first, place)
    edges = [
        ProductEdge(
            write=partial(lambda item: context.shop.cursors.write(page.place(item)), item),
            node=product_of(context, item.product),
            demand=demand(item),
        )
        for item in page.items
    ]
    total = int((page.allowed).sum())
    after = None if place is None else ""
    return _connection(context, edges, page.has_next, after, total, viewing.as_of)


def _edge(context: Context, place: Place, because: HistoryItem | None = None) -> ProductEdge:
    return ProductEdge(
        write=partial(context.shop.cursors.write_place, place),
        node=product_of(context, place.product),
        because=because,
    )


def _connection(
    context: Context,
    edges: list[ProductEdge],
    has_next: bool,
    after: str | None,
    total: int | None,
    as_of: datetime | None,
) -> ProductConnection:
    context.cards.want(edge.node.product_id for edge in edges)
    return ProductConnection(
        edges=edges,
        page_info=PageInfo.of(edges, more=has_next, before=after is not None),
        total_count=total,
        as_of=as_of,
    )


def _demand(trend: Trend, item: Ranked) -> list[Demand]:
    return [
        Demand(half_life_days=found.half_life_days, counted=found.counted, expected=found.expected)
        for found in trend.demand(item.position)
    ]

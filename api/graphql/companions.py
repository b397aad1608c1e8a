"""Lists of products beside a product: what is bought with it, what completes it, what the shop relates it to.

What is asked of one product of a list is worked out for all of them, so that fifty products with a list each cost the
store no more questions than one.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import strawberry

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.services.catalogue import ProductFilter
from api.services.checks import checked_first
from api.services.companions import bought_together, complements
from api.services.errors import NotFoundError
from api.services.neighbours import related
from api.services.viewing import Viewing

if TYPE_CHECKING:
    from api.graphql.listing import ProductConnection
    from api.graphql.products import ProductFilterInput, RecommendationConnection

PAGE = 20
Kind = Literal["similar", "complements", "boughtTogether"]
Ranked = Annotated["RecommendationConnection", strawberry.lazy("api.graphql.products")]
Plain = Annotated["ProductConnection", strawberry.lazy("api.graphql.listing")]
Conditions = Annotated["ProductFilterInput", strawberry.lazy("api.graphql.products")]


@strawberry.type
class Companions:
    """Fields of a product; `Product` has them."""

    context: strawberry.Private[Context]
    product_id: strawberry.Private[str]

    @resolver(
        "What goes with it: by the shop's relations whose names begin with COMPLEMENT, there and back; where it has "
        "none, what is bought together with it from other categories. `restsOn` and each explanation say which."
    )
    def complements(
        self,
        first: int | None = PAGE,
        after: str | None = None,
        filter: Conditions | None = None,  # noqa: A002 - the contract's name
    ) -> Ranked:
        return beside(self.context, self.product_id, "complements", filter, first, after)

    @resolver(
        "What shares baskets with it; where it shares none, what the same people bought; where there is neither, the "
        "shop's relation BOUGHT_TOGETHER. The score is the sum of the paths that the explanation shows."
    )
    def bought_together(self, first: int | None = PAGE, after: str | None = None) -> Ranked:
        return beside(self.context, self.product_id, "boughtTogether", None, first, after)

    @resolver(
        "Its neighbours by a relation of products as the shop's ontology names it, the strongest first. Between "
        "products it is followed as it points, with _REVERSE after its name against that; other relations lead to the "
        "products that share what they point to."
    )
    def related(self, relation: str, first: int | None = PAGE, after: str | None = None) -> Plain:
        from api.graphql.listing import plain, read_place

        context, first = self.context, checked_first(first, PAGE)
        place = read_place(context, after)
        lists = context.lists.setdefault(("related", relation, first, after), {})
        if self.product_id not in lists:
            ids = context.cards.beside(self.product_id) if place is None else (self.product_id,)
            pages = related(context.shop.store, relation, ids, context.blocked, first, place)
            lists.update((key, plain(context, page, after)) for key, page in pages.items())
            context.cards.want(item.product for page in pages.values() for item in page.items)
        found: ProductConnection = lists[self.product_id]
        return found


def beside(
    context: Context,
    product_id: str,
    kind: Kind,
    conditions: "ProductFilterInput | None",
    first: int | None,
    after: str | None,
) -> "RecommendationConnection":
    """A ranked list beside a product; the first page of all products of its list together.

    Raises:
        NotFoundError: the model does not know the product.
    """
    from api.graphql.products import ProductFilterInput, connection, read_cursor

    place = read_cursor(context, after)
    if place is not None:
        return connection(context, _view(context, kind, product_id, place.as_of), conditions, first, place)
    condition: ProductFilter = (conditions or ProductFilterInput()).condition()
    lists = context.lists.setdefault((kind, condition, first), {})
    if product_id not in lists:
        known = [key for key in context.cards.beside(product_id) if context.served.scorer.position(key) is not None]
        for key in known:
            lists[key] = connection(context, _view(context, kind, key, context.moment), conditions, first, None)
        context.cards.want(edge.node.product_id for key in known for edge in lists[key].edges)
    if product_id not in lists:
        raise NotFoundError(f"there is no product {product_id}", field="productId")
    found: RecommendationConnection = lists[product_id]
    return found


def _view(context: Context, kind: Kind, product_id: str, as_of: datetime) -> Viewing:
    if kind == "similar":
        return context.shop.recommender.view_similar(product_id, as_of, state=context.served)
    view = complements if kind == "complements" else bought_together
    return view(context.served, product_id, as_of)

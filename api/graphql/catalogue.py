# ruff: noqa: D101 - a type is described in the schema itself
"""Types of what a shop has: products and categories.

A product knows its key and reads the rest when it is first asked for, together with every other
product of the request. Fields are plain attributes on purpose: a resolver each would cost more than
the scores.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import strawberry

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.graphql.ids import global_id
from api.services.catalogue import CategoryNode
from api.services.errors import BadInputError

if TYPE_CHECKING:
    from api.graphql.listing import ProductConnection, ProductSortKey
    from api.graphql.products import ProductFilterInput

_SHOWN = ("title", "description", "price", "currency", "image", "available")


@strawberry.interface(description="Whatever has a global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque global id; `node(id)` finds the object again.")


@strawberry.type(description="An amount of money.")
class Money:
    amount: float
    currency_code: str | None = strawberry.field(description="ISO 4217; null if the shop does not say.")


@strawberry.type(description="A picture.")
class Image:
    url: str = strawberry.field(description="Absolute, or relative to this server.")


@strawberry.type(description="A property that the shop's own ontology adds.")
class Attribute:
    name: str
    value: str


@strawberry.type(description="A brand.")
class Brand(Node):
    brand_id: str = strawberry.field(description="The shop's own key.")
    name: str | None


@strawberry.type(description="A category of products, in a tree.")
class Category(Node):
    context: strawberry.Private[Context]
    category_id: str = strawberry.field(description="The shop's own key.")
    name: str | None

    @resolver("The category above; null at the top.")
    def parent(self) -> "Category | None":
        node = self.context.categories.nodes.get(self.category_id)
        above = self.context.categories.nodes.get(node.parent) if node and node.parent else None
        return category_of(self.context, above) if above else None

    @resolver("The categories right below, by name.")
    def children(self) -> list["Category"]:
        return [category_of(self.context, node) for node in self.context.categories.children(self.category_id)]

    @resolver("Its products, and those of the categories below, sorted.")
    def products(
        self,
        filter: Annotated["ProductFilterInput", strawberry.lazy("api.graphql.products")] | None = None,  # noqa: A002
        sort_key: Annotated["ProductSortKey", strawberry.lazy("api.graphql.listing")] | None = None,
        first: int | None = 20,
        after: str | None = None,
    ) -> Annotated["ProductConnection", strawberry.lazy("api.graphql.listing")]:
        from api.graphql.listing import listed
        from api.graphql.products import ProductFilterInput

        condition = (filter or ProductFilterInput()).condition()
        if condition.category_ids:
            remedy = "leave them out, or ask Query.products"
            raise BadInputError("a category's products are its own", field="filter.categoryIds", remedy=remedy)
        own = replace(condition, category_ids=(self.category_id,))
        return listed(self.context, own, sort_key, first, after)


class LazyProduct:
    """Reads a product's card when one of its fields is asked for first."""

    context: Context
    product_id: str

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not set yet: the fields declared with init=False.
        if name not in _HYDRATED:
            raise AttributeError(name)
        self.__dict__.update(_hydrated(self.context, self.product_id))
        return self.__dict__[name]


def brand_of(brand_id: str, name: str | None) -> Brand:
    """The type of a brand."""
    return Brand(id=strawberry.ID(global_id("Brand", brand_id)), brand_id=brand_id, name=name)


def category_of(context: Context, node: CategoryNode) -> Category:
    """The type of a category."""
    return Category(
        id=strawberry.ID(global_id("Category", node.id)), context=context, category_id=node.id, name=node.name
    )


def _hydrated(context: Context, product_id: str) -> dict[str, Any]:
    card = context.cards.get(product_id)
    if card is None:  # deleted while this request is answered
        nothing = dict.fromkeys(_HYDRATED)
        return nothing | {"available": False, "categories": [], "attributes": []}
    own = card.properties
    price, image = own.get("price"), own.get("image")
    return {
        "title": own.get("title"),
        "description": own.get("description"),
        "price": None if price is None else Money(amount=_number(price), currency_code=_text(own.get("currency"))),
        "image": None if not image else Image(url=image_url(str(image))),
        "available": own.get("available") is not False,
        "categories": [category_of(context, CategoryNode(key, name, None)) for key, name in card.categories],
        "brand": None if card.brand is None else brand_of(card.brand.id, card.brand.name),
        "attributes": attributes(own, _SHOWN),
    }


_HYDRATED = ("title", "description", "price", "image", "available", "categories", "brand", "attributes")


def attributes(properties: dict[str, object], shown_elsewhere: tuple[str, ...] = ()) -> list[Attribute]:
    """Properties as name and value, those that have one."""
    return [
        Attribute(name=name, value=str(value))
        for name, value in properties.items()
        if value is not None and name not in shown_elsewhere and name != "id"
    ]


def image_url(image: str) -> str:
    """Where a picture is served."""
    return image if image.startswith(("http://", "https://")) else f"/images/{quote(image)}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float(str(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)

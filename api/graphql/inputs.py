# ruff: noqa: D101 - a type is described in the schema itself
"""What mutations take, and what viewers say they like."""

from datetime import datetime

import strawberry

from api.services.errors import BadInputError
from api.services.events import EventDraft
from api.services.interests import BRAND, CATEGORY, FEATURE, Liking
from api.services.products import ProductDraft, Value
from graph.records import Link, Named
from schema.ontology import Ontology


@strawberry.input(description="Something that somebody did with a product.")
class EventInput:
    event_id: str = strawberry.field(description="The shop's own key; the same event twice is recorded once.")
    product_id: str
    behaviour: str = strawberry.field(description="As the shop's ontology names it: view, cart, purchase, …")
    user_id: str | None = strawberry.field(default=None, description="Who; give this or a session, or both.")
    session_id: str | None = None
    time: datetime | None = strawberry.field(default=None, description="When, with a zone; by default now.")
    value: float | None = strawberry.field(default=None, description="A quantity or a rating.")
    basket_id: str | None = strawberry.field(default=None, description="What was bought together has one basket.")
    recommendation_id: strawberry.ID | None = strawberry.field(
        default=None, description="The answer in which the product was chosen, so that click-through can be told."
    )

    def draft(self) -> EventDraft:
        """What the services take."""
        return EventDraft(
            event_id=self.event_id,
            product_id=self.product_id,
            behaviour=self.behaviour,
            user_id=self.user_id,
            session_id=self.session_id,
            time=self.time,
            value=self.value,
            basket_id=self.basket_id,
            recommendation_id=self.recommendation_id,
        )


@strawberry.input(description="An amount of money.")
class MoneyInput:
    amount: float
    currency_code: str | None = strawberry.field(default=None, description="ISO 4217.")


@strawberry.input(description="A category; one that is not there is created with its name.")
class CategoryInput:
    category_id: str
    name: str | None = None


@strawberry.input(description="A brand; one that is not there is created with its name.")
class BrandInput:
    brand_id: str
    name: str | None = None


@strawberry.input(description="A relation from the product, as the shop's ontology names it.")
class RelationInput:
    relation: str
    target: str = strawberry.field(description="The shop's own key of the product or node at the other end.")
    weight: float | None = strawberry.field(default=None, description="By default 1.")
    target_name: str | None = strawberry.field(
        default=None, description="Creates the other end with this name if it is not there and is not a product."
    )


@strawberry.input(description="A property of the shop's own ontology; the value is read by its type.")
class AttributeInput:
    name: str
    value: str


@strawberry.input(description="A product. What is left out stays as it is.")
class ProductInput:
    product_id: str
    title: str | None = None
    description: str | None = None
    price: MoneyInput | None = None
    image: str | None = strawberry.field(default=None, description="Address, or name in the shop's picture folder.")
    available: bool | None = None
    categories: list[CategoryInput] | None = strawberry.field(default=None, description="Takes the place of all.")
    brand: BrandInput | None = None
    relations: list[RelationInput] | None = strawberry.field(default=None, description="Added to those there are.")
    attributes: list[AttributeInput] | None = None

    def draft(self, ontology: Ontology, place: str) -> ProductDraft:
        """What the services take.

        Raises:
            BadInputError: an attribute that is unknown or cannot be read.
        """
        own = {
            "title": self.title,
            "description": self.description,
            "image": self.image,
            "available": self.available,
            "price": self.price.amount if self.price else None,
            "currency": self.price.currency_code if self.price else None,
        }
        properties: dict[str, Value] = {name: value for name, value in own.items() if value is not None}
        for attribute in self.attributes or ():
            properties[attribute.name] = _read(attribute, ontology, place)
        return ProductDraft(
            product_id=self.product_id,
            properties=properties,
            categories=None
            if self.categories is None
            else tuple(Named(c.category_id, c.name) for c in self.categories),
            brand=None if self.brand is None else Named(self.brand.brand_id, self.brand.name),
            links=tuple(Link(r.relation, r.target, r.weight, r.target_name) for r in self.relations or ()),
        )


@strawberry.input(
    description="Something that the viewer likes: one of a category, a brand, a feature, or a relation and its node."
)
class InterestInput:
    category_id: str | None = strawberry.field(default=None, description="With all categories below it.")
    brand_id: str | None = None
    feature_id: str | None = None
    relation: str | None = strawberry.field(
        default=None, description="Any relation from products to something else, as the shop's ontology names it."
    )
    node_id: str | None = strawberry.field(default=None, description="The shop's own key of what it leads to.")
    weight: float | None = strawberry.field(
        default=None,
        description="Above 0 and at most 10, by default 1: a deviation of what products score for anybody.",
    )

    def liking(self, place: str) -> Liking:
        """What the services take.

        Raises:
            BadInputError: it names nothing, or several things.
        """
        named = [(CATEGORY, self.category_id), (BRAND, self.brand_id), (FEATURE, self.feature_id)]
        if self.relation is not None:
            named.append((self.relation, self.node_id))
        given = [(relation, key) for relation, key in named if key is not None]
        if len(given) != 1 or (self.relation is None) != (self.node_id is None):
            raise BadInputError(
                "an interest names one thing",
                field=place,
                remedy="give one of categoryId, brandId and featureId, or a relation with a nodeId",
            )
        relation, key = given[0]
        return Liking(relation, key, 1.0 if self.weight is None else self.weight, place)


def _read(attribute: AttributeInput, ontology: Ontology, place: str) -> Value:
    """An attribute's value by the type that the ontology gives it; an unknown name is left to the services."""
    known = ontology.nodes["Product"].properties.get(attribute.name)
    kind = known.type if known else "string"
    text = attribute.value.strip()
    try:
        if kind == "integer":
            return int(text)
        if kind == "float":
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
    except (ValueError, KeyError) as error:
        message = f"{attribute.name} must be of type {kind}"
        raise BadInputError(message, field=f"{place}.attributes.{attribute.name}") from error
    return attribute.value

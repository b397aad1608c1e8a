# ruff: noqa: D101 - a type is described in the schema itself
"""What a gateway of Apollo Federation 2 asks of a subgraph: its schema, and products by their keys.

The gateway learns what Pathrec alone knows: recommendations, reasons, events. Titles, prices and all else that a
shop's own subgraph serves are left to it, and so are the queries and mutations of the catalogue: two subgraphs with the
same field have to agree on its type and both mark it shareable, and a shop that has a product type already shall not
have to change it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, NewType

import strawberry
from graphql import (
    DefinitionNode,
    DocumentNode,
    NamedTypeNode,
    Node,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from strawberry.types import Info
from strawberry.types.scalar import ScalarDefinition

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.graphql.ids import parse_global_id
from api.graphql.products import Product
from api.graphql.queries import Query, find_product
from api.services.errors import BadInputError

KEYS = ("productId", "id")
LIMIT = 1_000
LEFT_TO_THE_SHOP: Mapping[str, frozenset[str]] = {
    "Product": frozenset({"title", "description", "price", "image", "available", "categories", "brand", "attributes"}),
    "Query": frozenset({"node", "product", "products", "category", "brand", "user", "users"}),
    "SearchFacets": frozenset({"categories", "brands"}),
    "Mutation": frozenset({"upsertProducts", "deleteProducts"}),
}
"""Fields that a gateway does not learn of."""
_SHARED = "PageInfo"  # Relay's own; every subgraph with pages has it
_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])'
_ROOTS = ("Query", "Mutation", "Subscription", "Product")

Representation = NewType("Representation", object)
SCALARS: Mapping[object, ScalarDefinition] = {
    Representation: strawberry.scalar(name="_Any", description="Type and key of an entity, as a gateway sends them.")
}


@strawberry.type(name="_Service", description="What a gateway learns of this server.")
class Service:
    sdl: str = strawberry.field(description="The subgraph in the schema definition language.")


@strawberry.type(name="Query")
class FederatedQuery(Query):
    """The queries, and those that gateways alone ask; `schema/public.graphql` is without the latter."""

    @resolver("What a gateway learns of this server.", name="_service")
    def service(self) -> Service:
        from api.graphql.schema import committed_sdl

        return Service(sdl=subgraph(committed_sdl()))

    @resolver("Entities by their keys, in the order of the representations.", name="_entities")
    def entities(
        self, info: Info[Context, None], representations: list[Representation]
    ) -> list[Annotated[Product, strawberry.union("_Entity", description="What has a key.")] | None]:
        return found(info.context, representations)


def found(context: Context, representations: Sequence[object]) -> list[Any]:
    """The product of each representation, None where there is none, an error where it is no representation.

    Raises:
        BadInputError: there are too many.
    """
    if len(representations) > LIMIT:
        remedy = f"ask for at most {LIMIT} at a time"
        raise BadInputError(f"{len(representations)} representations", field="representations", remedy=remedy)
    keys = [_key(given, f"representations.{place}") for place, given in enumerate(representations)]
    context.cards.want(key for key in keys if isinstance(key, str))
    return [find_product(context, key) if isinstance(key, str) else key for key in keys]


def _key(given: object, place: str) -> str | BadInputError:
    """The shop's own key of a product.

    Gateways whose products go by the shop's own key call it `id` as often as not, so that an `id` which is no global
    one is taken for that.
    """
    known = given if isinstance(given, Mapping) else {}
    if known.get("__typename") == "Product":
        if isinstance(known.get("productId"), str):
            return str(known["productId"])
        if isinstance(known.get("id"), str):
            return _of_global_id(str(known["id"]))
    remedy = f"give the __typename Product and one of {', '.join(KEYS)}"
    return BadInputError("no representation of a product", field=place, remedy=remedy)


def _of_global_id(value: str) -> str:
    try:
        type_name, key = parse_global_id(value)
    except BadInputError:
        return value
    return key if type_name == "Product" else value


@cache
def subgraph(sdl: str) -> str:
    """The schema as a gateway composes it with others, of the schema as clients read it."""
    kept = [_narrowed(node) for node in parse(sdl, no_location=True).definitions]
    types = {node.name.value: node for node in kept if isinstance(node, TypeDefinitionNode)}
    reached = _reached(types)
    narrow = (_marked(node) for name, node in types.items() if name in reached)
    return f"{_LINK}\n\n{print_ast(DocumentNode(definitions=tuple(narrow)))}\n"


def _narrowed(node: DefinitionNode) -> DefinitionNode:
    """A type without what is left to the shop; Relay's `node` is, and so is the interface of what it finds."""
    if not isinstance(node, ObjectTypeDefinitionNode):
        return node
    left = LEFT_TO_THE_SHOP.get(node.name.value, frozenset())
    return replace(
        node,
        fields=tuple(field for field in node.fields or () if field.name.value not in left),
        interfaces=tuple(known for known in node.interfaces or () if known.name.value != "Node"),
    )


def _reached(types: Mapping[str, TypeDefinitionNode]) -> set[str]:
    """Names of all types that the operations or an entity lead to."""
    reached = {name for name in _ROOTS if name in types}
    waiting = list(reached)
    while waiting:
        new = {name for name in _named(types[waiting.pop()]) if name in types} - reached
        reached |= new
        waiting += new
    return reached


def _named(node: Node) -> Iterable[str]:
    names: list[str] = []

    class Names(Visitor):
        def enter_named_type(self, named: NamedTypeNode, *_: object) -> None:
            names.append(named.name.value)

    visit(node, Names())
    return names


def _marked(node: TypeDefinitionNode) -> TypeDefinitionNode:
    """A type with the directives of federation."""
    marks = {"Product": " ".join(f'@key(fields: "{key}")' for key in KEYS), _SHARED: "@shareable"}
    mark = marks.get(node.name.value)
    if mark is None:
        return node
    (marked,) = parse(f"type T {mark}", no_location=True).definitions
    directives = marked.directives if isinstance(marked, ObjectTypeDefinitionNode) else ()
    return replace(node, directives=(*(node.directives or ()), *(directives or ())))

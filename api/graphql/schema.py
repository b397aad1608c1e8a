"""The schema, and its committed form in `schema/public.graphql`."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig

from api.graphql.access import guard
from api.graphql.federation import SCALARS, FederatedQuery
from api.graphql.mutations import Mutation
from api.graphql.queries import Query
from api.graphql.subscriptions import Subscription


@cache
def build() -> strawberry.Schema:
    """The schema as it is executed, with what gateways ask; built once."""
    return _schema(FederatedQuery)


def _schema(query: type) -> strawberry.Schema:
    config = StrawberryConfig(scalar_map=SCALARS)
    schema = strawberry.Schema(query=query, mutation=Mutation, subscription=Subscription, config=config)
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            _without_nulls(kind.fields.values())
        elif isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                _without_nulls(field.args.values())
    guard(schema._schema)
    return schema


def executable() -> GraphQLSchema:
    """The schema as graphql-core executes it."""
    return build()._schema


def _without_nulls(values: Iterable[GraphQLArgument | GraphQLInputField]) -> None:
    """An optional value says "= null" because Python needs a default; the schema is plainer without."""
    for value in values:
        if value.default_value is None:
            value.default_value = Undefined


def sdl() -> str:
    """The schema in the schema definition language, as clients read it: without what only gateways ask."""
    return _schema(Query).as_str() + "\n"


def committed_sdl() -> str:
    """What clients were promised."""
    return files("schema").joinpath("public.graphql").read_text(encoding="utf-8")

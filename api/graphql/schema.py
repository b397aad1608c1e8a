"""The schema, and its committed form in `schema/public.graphql`."""

from functools import cache
from importlib.resources import files

import strawberry
from graphql import GraphQLSchema

from api.graphql.mutations import Mutation
from api.graphql.queries import Query


@cache
def build() -> strawberry.Schema:
    """The schema; built once."""
    return strawberry.Schema(query=Query, mutation=Mutation)


def executable() -> GraphQLSchema:
    """The schema as graphql-core executes it."""
    return build()._schema


def sdl() -> str:
    """The schema in the schema definition language."""
    return build().as_str() + "\n"


def committed_sdl() -> str:
    """What clients were promised."""
    return files("schema").joinpath("public.graphql").read_text(encoding="utf-8")

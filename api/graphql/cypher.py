# ruff: noqa: D101 - a type is described in the schema itself
"""Cypher for experts, over GraphQL."""

from enum import Enum

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.services.exploration import Found
from graph import library

ROWS = 100
SECONDS = 10.0


@strawberry.type(description="What a query in Cypher found.")
class CypherAnswer:
    columns: list[str] = strawberry.field(description="Names of the columns.")
    rows: JSON = strawberry.field(
        description="A list of rows, each a list of values. A node is an object with `kind`, `element`, `labels` and "
        "`properties`, a relationship one with `kind`, `element`, `type`, `source`, `target` and `properties`, a path "
        "one with `kind`, `nodes` and `relationships`. Embeddings are left out; times are text."
    )
    complete: bool = strawberry.field(description="False where the query has more rows than are shown.")
    seconds: float = strawberry.field(description="How long it took.")


@strawberry.enum(description="What a value of a saved query is.")
class ParameterType(Enum):
    TEXT = strawberry.enum_value("text")
    WHOLE = strawberry.enum_value("whole", description="A whole number from 0.")
    NUMBER = strawberry.enum_value("number")
    DATE = strawberry.enum_value("date", description="A date as 2024-05-31, or a moment as 2024-05-31T10:00Z, in text.")


@strawberry.type(description="A value that a saved query takes.")
class SavedQueryParameter:
    name: str
    type: ParameterType
    meaning: str
    default: JSON | None = strawberry.field(description="Its value where none is given; null: it must be given.")


@strawberry.type(description="A question that merchandisers and analysts ask, as Cypher.")
class SavedQuery:
    name: str
    title: str
    question: str
    parameters: list[SavedQueryParameter]
    cypher: str


@strawberry.type
class CypherQueries:
    @resolver(
        "The first rows of a query in Cypher, at most 1,000. What would change anything is refused. Needs the role "
        "expert."
    )
    def cypher(
        self,
        info: Info[Context, None],
        query: str,
        parameters: JSON | None = None,
        first: int = ROWS,
        seconds: float = SECONDS,
    ) -> CypherAnswer:
        context = info.context
        return _answer(context.shop.explorer.ask(query, parameters, first, seconds, context.deadline))

    @resolver("All saved queries, by name. Needs the role expert.")
    def saved_queries(self, info: Info[Context, None]) -> list[SavedQuery]:
        return [_saved(query) for query in library.saved_queries().values()]

    @resolver(
        "The first rows of a saved query, at most 1,000. `parameters` is an object with its values; dates are text. "
        "Needs the role expert."
    )
    def ask_saved(
        self,
        info: Info[Context, None],
        name: str,
        parameters: JSON | None = None,
        first: int = ROWS,
        seconds: float = SECONDS,
    ) -> CypherAnswer:
        context = info.context
        return _answer(context.shop.explorer.ask_saved(name, parameters, first, seconds, context.deadline))


def _answer(found: Found) -> CypherAnswer:
    return CypherAnswer(
        columns=list(found.table.columns),
        rows=JSON([list(row) for row in found.table.rows]),
        complete=found.table.complete,
        seconds=found.seconds,
    )


def _saved(query: library.SavedQuery) -> SavedQuery:
    parameters = [
        SavedQueryParameter(
            name=each.name,
            type=ParameterType(each.type),
            meaning=each.meaning,
            default=None if each.default is None else JSON(each.default),
        )
        for each in query.parameters
    ]
    return SavedQuery(
        name=query.name, title=query.title, question=query.question, parameters=parameters, cypher=query.text
    )

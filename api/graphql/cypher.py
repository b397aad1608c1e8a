# ruff: noqa: D101 - a type is described in the schema itself
"""Cypher for experts, over GraphQL."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.fields import resolver

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
        found = context.shop.explorer.ask(query, parameters, first, seconds, context.deadline)
        return CypherAnswer(
            columns=list(found.table.columns),
            rows=JSON([list(row) for row in found.table.rows]),
            complete=found.table.complete,
            seconds=found.seconds,
        )

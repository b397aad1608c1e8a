# ruff: noqa: D101 - a type is described in the schema itself
"""The subscriptions. What is sent anew each time is what the query of the same name answers."""

import strawberry
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.graphql.impressions import noted
from api.graphql.products import (
    PAGE,
    ProductFilterInput,
    RecommendationConnection,
    RecommendationOptionsInput,
    connection,
)
from api.graphql.queries import AudienceInput


@strawberry.type
class Subscription:
    @resolver(
        "The first page of `recommendations` at once, and a new one whenever something arrives of the audience's user "
        "or session in any process, or a new model is served."
    )
    def recommendations(
        self,
        info: Info[Context, None],
        audience: AudienceInput,
        filter: ProductFilterInput | None = None,  # noqa: A002 - the contract's name
        options: RecommendationOptionsInput | None = None,
        first: int | None = PAGE,
    ) -> RecommendationConnection:
        context, asked = info.context, audience.audience()
        if context.follow is not None:
            context.follow(asked.user_id, asked.session_id)
        wanted = (options or RecommendationOptionsInput()).options()
        viewing = context.shop.recommender.view(asked)
        return noted(context, asked, connection(context, viewing, filter, first, None, wanted))

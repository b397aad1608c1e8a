# ruff: noqa: D101 - a type is described in the schema itself
"""What was shown and what came of it."""

from datetime import UTC, datetime, timedelta

import strawberry
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.explanations import Placement
from api.graphql.fields import resolver
from api.graphql.products import RecommendationConnection
from api.services.click_through import click_through
from api.services.errors import BadInputError
from api.services.viewing import Audience
from graph import Impression, Shown

_DAYS, _MOST_DAYS = 30, 3_650


@strawberry.type(description="What came of the products that one model put to one rank in one way.")
class ClickThrough:
    model_version: str
    placement: Placement
    rank: int
    shown: int = strawberry.field(description="How often a product stood there.")
    clicked: int = strawberry.field(
        description="How often the viewer then did something with it: an event with that `recommendationId`."
    )
    bought: int = strawberry.field(description="How often that was what the model predicts.")
    rate: float = strawberry.field(description="clicked / shown.")
    weighted_rate: float | None = strawberry.field(
        description="The rate as if all products that could have come there had come equally often: weighted by the "
        "inverse of the propensity. Null where none is known."
    )


@strawberry.type
class ImpressionQueries:
    @resolver("How often what `recommendations` shows is chosen, by model, placement and rank. Needs the role expert.")
    def click_through(self, info: Info[Context, None], days: int | None = _DAYS) -> list[ClickThrough]:
        days = _DAYS if days is None else days
        if not 1 <= days <= _MOST_DAYS:
            raise BadInputError(f"days is {days}", field="days", remedy=f"ask for 1 to {_MOST_DAYS}")
        counts = info.context.shop.store.served_counts(datetime.now(UTC) - timedelta(days=days))
        return [
            ClickThrough(
                model_version=row.model,
                placement=Placement(row.placement),
                rank=row.rank,
                shown=row.shown,
                clicked=row.clicked,
                bought=row.bought,
                rate=row.rate,
                weighted_rate=row.weighted_rate,
            )
            for row in click_through(counts)
        ]


def noted(context: Context, audience: Audience, answer: RecommendationConnection) -> RecommendationConnection:
    """An answer that somebody is given; what it shows is logged, unless it only says what would be shown."""
    log = context.shop.impressions
    if log is not None and answer.edges and not audience.without:
        items = [edge.item for edge in answer.edges]
        log.offer(
            Impression(
                id=answer.recommendation_id,
                time=answer.as_of,
                user=audience.user_id,
                session=audience.session_id,
                model=answer.model_version,
                shown=tuple(Shown(item.product, item.rank, item.placement, item.propensity) for item in items),
            )
        )
    return answer

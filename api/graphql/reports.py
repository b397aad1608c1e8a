"""The reports of a shop: its data, its model."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.fields import resolver


@strawberry.type
class ReportQueries:
    """Root fields."""

    @resolver(
        "What became of every row of the last ingestion, as `reports/quality.json` has it; null if there was none. "
        "Needs the role server or expert."
    )
    def quality_report(self, info: Info[Context, None]) -> JSON | None:
        found = info.context.shop.reports.quality()
        return None if found is None else JSON(found)

    @resolver(
        "How well a model of this shop did on what came after its training, beside its baselines, as "
        "`reports/evaluation.json` has it; null if nothing was evaluated. Needs the role server or expert."
    )
    def evaluation(self, info: Info[Context, None]) -> JSON | None:
        found = info.context.shop.reports.evaluation()
        return None if found is None else JSON(found)

# ruff: noqa: D101 - a type is described in the schema itself
"""Business rules of the shop: what experts see and write of them."""

from datetime import datetime
from enum import Enum
from typing import cast

import strawberry
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.graphql.products import PageInfo
from api.graphql.user_errors import UserError, attempt
from api.services.checks import checked_first
from api.services.rulebook import RuleDraft, RulePage
from api.services.rules import RuleKind, active_at
from graph import Rule

PAGE = 20


@strawberry.enum(name="RuleKind", description="What a business rule does.")
class RuleKindName(Enum):
    PIN = strawberry.enum_value(
        "PIN",
        description="Puts the best of its products by score at `position` of every list of recommendations, and of "
        "every search whose words find it.",
    )
    BOOST = strawberry.enum_value("BOOST", description="Adds `weight` to the scores of its products.")
    BURY = strawberry.enum_value("BURY", description="Takes `weight` off the scores of its products.")
    BLOCK = strawberry.enum_value("BLOCK", description="Keeps its products out of every list, at once.")


@strawberry.type(name="Rule", description="A business rule of the shop.")
class RuleType:
    rule_id: str = strawberry.field(description="The shop's own key.")
    kind: RuleKindName
    position: int | None = strawberry.field(description="Rank of a PIN, from 1.")
    weight: float | None = strawberry.field(
        description="Of BOOST and BURY, in deviations of what products score for people."
    )
    product_ids: list[str]
    category_ids: list[str] = strawberry.field(description="With all categories below them.")
    brand_ids: list[str]
    products: int = strawberry.field(description="How many products it is for, as the graph is now.")
    start: datetime | None = strawberry.field(description="From when it counts, by the shop's clock.")
    end: datetime | None = strawberry.field(description="Until when.")
    active: bool = strawberry.field(description="Whether it counts now.")
    author: str | None = strawberry.field(
        description="Who last wrote it: by the key or token they showed, or as they said where no keys are asked for."
    )
    note: str | None
    created_at: datetime = strawberry.field(description="When it was first written, by the shop's clock.")
    changed_at: datetime = strawberry.field(description="When it was last written.")


@strawberry.type(description="A business rule at its place in the list of all.")
class RuleEdge:
    cursor: str
    node: RuleType


@strawberry.type(description="Business rules, the oldest first.")
class RuleConnection:
    edges: list[RuleEdge]
    page_info: PageInfo


@strawberry.input(description="A business rule. It takes the place of the one with its id.")
class RuleInput:
    rule_id: str = strawberry.field(description="The shop's own key.")
    kind: RuleKindName
    product_ids: list[str] | None = strawberry.field(
        default=None, description="What it is for: at least one product, category or brand, at most 1,000 in all."
    )
    category_ids: list[str] | None = strawberry.field(default=None, description="With all categories below them.")
    brand_ids: list[str] | None = None
    position: int | None = strawberry.field(default=None, description="Rank of a PIN, 1 to 100.")
    weight: float | None = strawberry.field(
        default=None,
        description="Of BOOST and BURY, above 0 and at most 10, by default 1: a deviation of what products score for "
        "people.",
    )
    start: datetime | None = strawberry.field(default=None, description="By the shop's clock; by default at once.")
    end: datetime | None = strawberry.field(default=None, description="By default never.")
    author: str | None = strawberry.field(
        default=None, description="Who writes it; counts only where the server asks for no keys and so does not know."
    )
    note: str | None = strawberry.field(default=None, description="Why there is this rule, for those who come later.")

    def draft(self) -> RuleDraft:
        """What the services take."""
        return RuleDraft(
            rule_id=self.rule_id,
            kind=cast(RuleKind, self.kind.value),
            products=tuple(self.product_ids or ()),
            categories=tuple(self.category_ids or ()),
            brands=tuple(self.brand_ids or ()),
            position=self.position,
            weight=self.weight,
            start=self.start,
            end=self.end,
            author=self.author,
            note=self.note,
        )


@strawberry.type
class UpsertRulePayload:
    rule: RuleType | None
    user_errors: list[UserError]


@strawberry.type
class DeleteRulePayload:
    deleted_rule_id: str | None
    user_errors: list[UserError]


@strawberry.type
class RuleQueries:
    @resolver("Business rules of the shop, the oldest first. Needs the role expert.")
    def rules(self, info: Info[Context, None], first: int | None = PAGE, after: str | None = None) -> RuleConnection:
        context = info.context
        place = None if after is None else context.shop.cursors.read(after)
        page = context.shop.rules.page(checked_first(first, PAGE), place)
        edges = _edges(context, page)
        return RuleConnection(
            edges=edges,
            page_info=PageInfo.of(edges, more=page.has_next, before=after is not None),
        )


@strawberry.type
class RuleMutations:
    @resolver("Writes a business rule. It counts in the next answer of every process. Needs the role expert.")
    def upsert_rule(self, info: Info[Context, None], rule: RuleInput) -> UpsertRulePayload:
        shop, author = info.context.shop, info.context.caller.name
        nothing: Rule | None = None
        written, errors = attempt(lambda: shop.rules.write(rule.draft(), author), nothing)
        now = shop.recommender.now()
        return UpsertRulePayload(rule=None if written is None else _type(written, now), user_errors=errors)

    @resolver("Deletes a business rule. Needs the role expert.")
    def delete_rule(self, info: Info[Context, None], rule_id: str) -> DeleteRulePayload:
        nothing: str | None = None
        deleted, errors = attempt(lambda: info.context.shop.rules.delete(rule_id), nothing)
        return DeleteRulePayload(deleted_rule_id=deleted, user_errors=errors)


def _edges(context: Context, page: RulePage) -> list[RuleEdge]:
    write = context.shop.cursors.write
    return [
        RuleEdge(cursor=write(page.place(number)), node=_type(rule, page.now)) for number, rule in enumerate(page.rules)
    ]


def _type(rule: Rule, now: datetime) -> RuleType:
    return RuleType(
        rule_id=rule.id,
        kind=RuleKindName(rule.kind),
        position=rule.position,
        weight=rule.weight,
        product_ids=list(rule.products),
        category_ids=list(rule.categories),
        brand_ids=list(rule.brands),
        products=len(rule.reaches),
        start=rule.start,
        end=rule.end,
        active=active_at(rule, now),
        author=rule.author,
        note=rule.note,
        created_at=rule.created,
        changed_at=rule.changed,
    )

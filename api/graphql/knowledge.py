# ruff: noqa: D101 - a type is described in the schema itself
"""What experts know: rules of knowledge as experts see and write them."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry.types import Info

from api.graphql.context import Context
from api.graphql.fields import resolver
from api.graphql.products import PageInfo
from api.graphql.rules import RuleInput
from api.graphql.user_errors import UserError, attempt
from api.services.checks import checked_first
from api.services.errors import BadInputError
from api.services.knowledge import KnowledgePage
from api.services.preview import Preview, Step
from graph.knowledge import Effect, Knowledge, KnowledgeKind
from graph.moves import Move
from graph.times import EPOCH

PAGE, PEOPLE, PAIRS = 20, 100, 1_000


@strawberry.enum(name="KnowledgeKind", description="What a rule of knowledge does.")
class KnowledgeKindName(Enum):
    RELATE = strawberry.enum_value("RELATE", description="Links `pairs` of products by `relation`.")
    DERIVE = strawberry.enum_value("DERIVE", description="Links the products that `cypher` finds by `relation`.")
    MOVE = strawberry.enum_value("MOVE", description="Moves products or a category to another category.")


@strawberry.enum(description="How far a rule of knowledge is.")
class KnowledgeStatus(Enum):
    DRAFT = strawberry.enum_value("DRAFT", description="Kept, and not at work.")
    APPLIED = strawberry.enum_value("APPLIED", description="What it says is in the graph and counts.")
    UNDONE = strawberry.enum_value("UNDONE", description="Taken back; it can be applied again.")


@strawberry.type(description="Two products that a rule links.")
class RelatedPair:
    source: str
    target: str
    weight: float


@strawberry.type(name="Knowledge", description="Something that an expert knows, as a rule.")
class KnowledgeType:
    rule_id: str = strawberry.field(description="The shop's own key, which no business rule has.")
    kind: KnowledgeKindName
    status: KnowledgeStatus
    relation: str | None = strawberry.field(description="Of RELATE and DERIVE: the relation between products.")
    says: str | None = strawberry.field(description="How the relation reads, as the rule has it.")
    weight: float = strawberry.field(description="Of a link for which nothing else is said.")
    cypher: str | None
    category_id: str | None = strawberry.field(description="Of MOVE: the category that moves.")
    from_category_id: str | None = strawberry.field(description="Of MOVE: the category that products leave.")
    to_category_id: str | None
    product_ids: list[str] = strawberry.field(description="Of MOVE: the products that move; all if there are none.")
    links: int = strawberry.field(description="How many links stand in the graph by it.")
    author: str | None = strawberry.field(
        description="Who last wrote it: by the key or token they showed, or as they said where no keys are asked for."
    )
    note: str | None
    created_at: datetime = strawberry.field(description="When it was first written, by the shop's clock.")
    changed_at: datetime = strawberry.field(description="When it was last written.")
    applied_at: datetime | None = strawberry.field(description="When it last changed the graph.")
    knowledge: strawberry.Private[Knowledge]

    @resolver("Of RELATE: the first of its pairs, at most 1,000.")
    def pairs(self) -> list[RelatedPair]:
        listed = list(self.knowledge.pairs.items())[:PAIRS]
        return [RelatedPair(source=source, target=target, weight=weight) for (source, target), weight in listed]


@strawberry.type(description="A rule of knowledge at its place in the list of all.")
class KnowledgeEdge:
    cursor: str
    node: KnowledgeType


@strawberry.type(description="Rules of knowledge, the oldest first.")
class KnowledgeConnection:
    edges: list[KnowledgeEdge]
    page_info: PageInfo


@strawberry.type(description="A product of somebody's list that a rule would move, the most of that list.")
class PreviewExample:
    user_id: str
    product_id: str
    old_rank: int | None = strawberry.field(description="Null where it may not be shown.")
    new_rank: int | None
    contribution: float = strawberry.field(description="What the rule's paths, or its weight, add to the score.")


@strawberry.type(description="What a rule would change; nothing was written.")
class RulePreview:
    links: int = strawberry.field(description="Links that it would put into the graph, or things that it is for.")
    products: int = strawberry.field(description="Products that these are of.")
    shoppers: int = strawberry.field(description="Users who did anything.")
    asked: int = strawberry.field(description="Users whose lists were compared.")
    changed: int = strawberry.field(description="Lists of 20 that would have other products or another order.")
    share: float = strawberry.field(description="`changed` of `asked`.")
    entering: int = strawberry.field(description="Products that would enter lists, counted for each list.")
    leaving: int
    examples: list[PreviewExample]


@strawberry.input(description="Two products to link.")
class RelatedPairInput:
    source: str
    target: str
    weight: float | None = strawberry.field(default=None, description="By default that of the rule.")


@strawberry.input(description="A rule of knowledge. It takes the place of the one with its id, which is not applied.")
class KnowledgeInput:
    rule_id: str = strawberry.field(description="The shop's own key.")
    kind: KnowledgeKindName
    relation: str | None = strawberry.field(
        default=None, description="Of RELATE and DERIVE: a relation between products, one of the shop's or a new one."
    )
    says: str | None = strawberry.field(
        default=None, description='How a new relation reads, as in "is an accessory of".'
    )
    weight: float = strawberry.field(default=1.0, description="Of a link, above 0 and at most 1,000.")
    pairs: list[RelatedPairInput] | None = strawberry.field(default=None, description="Of RELATE: at most 1,000.")
    cypher: str | None = strawberry.field(
        default=None,
        description="Of DERIVE: a query that only reads and returns source, target and, if wanted, weight; at most "
        "50,000 rows with ids of products.",
    )
    category_id: str | None = strawberry.field(
        default=None, description="Of MOVE: a category, which moves below `toCategoryId` with all that is in it."
    )
    from_category_id: str | None = strawberry.field(
        default=None, description="Of MOVE: the category that products leave for `toCategoryId`."
    )
    to_category_id: str | None = None
    product_ids: list[str] | None = strawberry.field(
        default=None, description="Of MOVE: which products of `fromCategoryId`; by default all, also later ones."
    )
    author: str | None = strawberry.field(
        default=None, description="Who writes it; counts only where the server asks for no keys and so does not know."
    )
    note: str | None = strawberry.field(default=None, description="Why there is this rule, for those who come later.")

    def knowledge(self) -> Knowledge:
        """What the services take, who date it."""
        if len(self.pairs or ()) > PAIRS:
            remedy = "give more in a file to `pathrec knowledge add`"
            raise BadInputError(f"at most {PAIRS:,} pairs count", field="rule.pairs", remedy=remedy)
        return Knowledge(
            id=self.rule_id,
            kind=KnowledgeKind(self.kind.name),
            created=EPOCH,
            changed=EPOCH,
            author=self.author,
            note=self.note,
            relation=self.relation,
            says=self.says,
            weight=self.weight,
            pairs={
                (pair.source, pair.target): self.weight if pair.weight is None else pair.weight
                for pair in self.pairs or ()
            },
            cypher=self.cypher,
            move=self._move(),
        )

    def _move(self) -> Move | None:
        if self.kind != KnowledgeKindName.MOVE and self.to_category_id is None:
            return None
        return Move(self.to_category_id or "", self.category_id, self.from_category_id, tuple(self.product_ids or ()))


@strawberry.type
class UpsertKnowledgePayload:
    knowledge: KnowledgeType | None
    user_errors: list[UserError]


@strawberry.type(description="What applying or undoing a rule did to the graph.")
class ChangeKnowledgePayload:
    knowledge: KnowledgeType | None
    put: int = strawberry.field(description="Links that are new.")
    changed: int = strawberry.field(description="Links that have another weight.")
    taken: int = strawberry.field(description="Links that were taken back.")
    user_errors: list[UserError]


@strawberry.type
class KnowledgeQueries:
    @resolver("Rules of knowledge, the oldest first. Needs the role expert.")
    def knowledge(
        self, info: Info[Context, None], first: int | None = PAGE, after: str | None = None
    ) -> KnowledgeConnection:
        context = info.context
        place = None if after is None else context.shop.cursors.read(after)
        page = context.shop.expertise.page(checked_first(first, PAGE), place)
        edges = _edges(context, page)
        return KnowledgeConnection(
            edges=edges, page_info=PageInfo.of(edges, more=page.has_next, before=after is not None)
        )

    @resolver(
        "What a rule of knowledge would change, a stored one that is not applied or one that is given: how many lists "
        "of at most `people` users (1 to 1,000), and ten examples. Needs the role expert."
    )
    def preview_knowledge(
        self,
        info: Info[Context, None],
        rule_id: str | None = None,
        rule: KnowledgeInput | None = None,
        people: int = PEOPLE,
        seed: int = 0,
    ) -> RulePreview:
        said = rule_id if rule is None else rule.knowledge()
        if said is None or (rule is not None and rule_id is not None):
            raise BadInputError("either ruleId or rule is needed", field="rule", remedy="give one of them")
        return _preview(info.context.shop.expertise.preview(said, people, seed, _hurrying(info.context)))

    @resolver("What a business rule would change, in place of the one of its id. Needs the role expert.")
    def preview_rule(
        self, info: Info[Context, None], rule: RuleInput, people: int = PEOPLE, seed: int = 0
    ) -> RulePreview:
        shop, said = info.context.shop, info.context.shop.rules.rule_of(rule.draft())
        return _preview(shop.expertise.preview_business(said, people, seed, _hurrying(info.context)))


@strawberry.type
class KnowledgeMutations:
    @resolver("Keeps a rule of knowledge as a draft. Needs the role expert.")
    def upsert_knowledge(self, info: Info[Context, None], rule: KnowledgeInput) -> UpsertKnowledgePayload:
        shop, author = info.context.shop, info.context.caller.name
        nothing: Knowledge | None = None
        kept, errors = attempt(lambda: shop.expertise.save(rule.knowledge(), author), nothing)
        return UpsertKnowledgePayload(knowledge=None if kept is None else _type(kept), user_errors=errors)

    @resolver(
        "Puts what a rule of knowledge says into the graph; of one that is applied, what it says by now. It counts in "
        "the next answer of every process. Needs the role expert."
    )
    def apply_knowledge(self, info: Info[Context, None], rule_id: str) -> ChangeKnowledgePayload:
        nothing: tuple[Knowledge | None, Effect] = (None, Effect())
        done, errors = attempt(lambda: info.context.shop.expertise.apply(rule_id), nothing)
        return _changed(*done, errors)

    @resolver("Takes back exactly what a rule of knowledge put into the graph. Needs the role expert.")
    def undo_knowledge(self, info: Info[Context, None], rule_id: str) -> ChangeKnowledgePayload:
        nothing: tuple[Knowledge | None, Effect] = (None, Effect())
        done, errors = attempt(lambda: info.context.shop.expertise.undo(rule_id), nothing)
        return _changed(*done, errors)


def _hurrying(context: Context) -> Step:
    """Ends a preview for which there is no time left, between one list and the next."""
    return lambda done, total: context.hurry()


def _edges(context: Context, page: KnowledgePage) -> list[KnowledgeEdge]:
    write = context.shop.cursors.write
    return [KnowledgeEdge(cursor=write(page.place(number)), node=_type(rule)) for number, rule in enumerate(page.rules)]


def _changed(rule: Knowledge | None, effect: Effect, errors: list[UserError]) -> ChangeKnowledgePayload:
    return ChangeKnowledgePayload(
        knowledge=None if rule is None else _type(rule),
        put=effect.put,
        changed=effect.changed,
        taken=effect.taken,
        user_errors=errors,
    )


def _type(rule: Knowledge) -> KnowledgeType:
    move = rule.move or Move("")
    return KnowledgeType(
        rule_id=rule.id,
        kind=KnowledgeKindName(rule.kind),
        status=KnowledgeStatus(rule.status),
        relation=rule.relation,
        says=rule.says,
        weight=rule.weight,
        cypher=rule.cypher,
        category_id=move.category,
        from_category_id=move.source,
        to_category_id=move.to or None,
        product_ids=list(move.products),
        links=rule.links,
        author=rule.author,
        note=rule.note,
        created_at=rule.created,
        changed_at=rule.changed,
        applied_at=rule.applied,
        knowledge=rule,
    )


def _preview(found: Preview) -> RulePreview:
    return RulePreview(
        links=found.links,
        products=found.products,
        shoppers=found.shoppers,
        asked=found.asked,
        changed=found.changed,
        share=found.share,
        entering=found.entering,
        leaving=found.leaving,
        examples=[
            PreviewExample(
                user_id=each.user,
                product_id=each.product,
                old_rank=each.old_rank,
                new_rank=each.new_rank,
                contribution=each.contribution,
            )
            for each in found.examples
        ],
    )

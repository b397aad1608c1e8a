# ruff: noqa: D101 - a type is described in the schema itself
"""Types that say why: contributions, their paths, what is left, what would change the list."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from graphql import GraphQLResolveInfo

from api.graphql.context import Context
from api.graphql.feedback import GivenFeedback, given_feedback
from api.graphql.fields import lazy, resolver
from api.graphql.ids import global_id
from api.graphql.selection import selected
from api.services import explanation as service
from api.services.callers import Role
from api.services.checks import checked_first
from api.services.errors import BadInputError
from api.services.interests import Liking, Told, Words
from api.services.objections import bearing_on
from api.services.viewing import Page, Ranked, Unit
from api.services.wording import DEFAULT_LOCALE, sentence
from graph import FeedbackKind

if TYPE_CHECKING:
    from api.graphql.products import Product

_UNITS_LIMIT = 3
_LISTED = 5


@strawberry.enum(description="What a contribution rests on.")
class ContributionKind(Enum):
    PATH = strawberry.enum_value("PATH", description="Paths through the graph, which `path` shows.")
    TEXT = strawberry.enum_value("TEXT", description="What the products' texts have in common.")
    IMAGE = strawberry.enum_value("IMAGE", description="What the products' pictures have in common.")
    FEATURE = strawberry.enum_value("FEATURE", description="What further features of the products have in common.")
    RELATIONS = strawberry.enum_value(
        "RELATIONS", description="What the products' categories and the like have in common."
    )
    LATENT = strawberry.enum_value("LATENT", description="Learned from behaviour as a whole; it has no path.")
    CROWD = strawberry.enum_value(
        "CROWD", description="What everybody chooses with a product, put on or taken off; it has no path."
    )
    RELEVANCE = strawberry.enum_value("RELEVANCE", description="How well the product fits what was searched for.")
    BOOST = strawberry.enum_value("BOOST", description="A rule of the shop, named by `rule`, that lifts or lowers it.")


@strawberry.enum(description="What put a product at its rank.")
class Placement(Enum):
    SCORE = strawberry.enum_value("SCORE", description="Its score alone.")
    DIVERSITY = strawberry.enum_value("DIVERSITY", description="How little it is like what comes before it.")
    EXPLORATION = strawberry.enum_value(
        "EXPLORATION", description="Chance: it was drawn among products that few have seen so far."
    )
    RULE = strawberry.enum_value("RULE", description="A rule of the shop, which pinned it or moved it by its weight.")


@strawberry.type(description="A unit of the viewer's history: everything of one kind done with one product.")
class HistoryItem:
    product: Annotated["Product", strawberry.lazy("api.graphql.products")]
    behaviour: str | None = strawberry.field(
        description="As the shop's ontology names it; null for a product that the request itself named."
    )
    events: int = strawberry.field(description="How often.")
    last_at: datetime = strawberry.field(description="When last.")


@strawberry.type(description="Something that the viewer said they like.")
class StatedInterest:
    relation: str = strawberry.field(description="From products to it, as the shop's ontology names it.")
    type: str = strawberry.field(description="Node type of the ontology.")
    node_id: str = strawberry.field(description="The shop's own key.")
    name: str
    weight: float


@strawberry.type(description="One place of a path.")
class PathNode:
    id: strawberry.ID | None = strawberry.field(description="Global id, where one single node with an id stands here.")
    type: str = strawberry.field(description="Node type of the ontology, or User, Basket, Session for a group.")
    keys: list[str] = strawberry.field(description="The shop's own keys, at most ten; none for people and baskets.")
    names: list[str] = strawberry.field(description="Names beside the keys.")
    count: int | None = strawberry.field(
        description="How many nodes stand here; null for a group too small to be counted in public."
    )


@strawberry.type(description="How a contribution runs through the graph.")
class Path:
    nodes: list[PathNode] = strawberry.field(
        description="From the history's product, or from what the viewer likes, over what is in the middle "
        "to the recommended product."
    )
    cypher: str | None = strawberry.field(
        description="A query that returns exactly these paths; null without the role expert."
    )


@strawberry.type(
    description="A part of a score that starts from one thing: `because`, `interest` or `words`; the others are null. "
    "RELEVANCE and BOOST start from none."
)
class Contribution:
    page: strawberry.Private["Explanations"]
    found: strawberry.Private[service.Contribution]
    kind: ContributionKind
    relation: str | None = strawberry.field(description="The kind of path, as the ontology names it; null without one.")
    value: float = strawberry.field(description="What it adds to the score; below zero it takes away.")
    share: float = strawberry.field(description="Its size among the sizes of all contributions, 0 to 1.")
    because: HistoryItem | None = strawberry.field(description="The unit of the history that it starts from.")
    interest: StatedInterest | None = strawberry.field(description="What it starts from of `audience.interests`.")
    words: str | None = strawberry.field(description="The words that it starts from, where it is `audience.text`.")
    resembles: Annotated["Product", strawberry.lazy("api.graphql.products")] | None = strawberry.field(
        description="A known product that stands in for one that nobody had met when the model was trained: what is "
        "known of it counts here, as far as the two are alike."
    )
    rule: str | None = strawberry.field(
        description="Id of the business rule that it comes from, or of the rule of knowledge that says a link of its "
        "paths; null where several do."
    )
    path: Path | None = lazy("The path; null for kinds that have none.")

    def __getattr__(self, name: str) -> Any:
        if name == "path":
            return self.page.path(self.found)
        raise AttributeError(name)

    @resolver("The reason in a sentence. Unknown locales get English.")
    def text(self, locale: str | None = DEFAULT_LOCALE) -> str:
        return self.page.text(self.found, locale or DEFAULT_LOCALE)


@strawberry.type(description="How much more a product is liked among those who share a property with the viewer.")
class Lift:
    name: str = strawberry.field(description="The property, as the shop's ontology names it.")
    value: str = strawberry.field(description="What the viewer has there.")
    amount: float = strawberry.field(description="What it adds to the prior; below zero it takes away.")


@strawberry.type(description="The contributions that are not listed.")
class Remainder:
    count: int
    value: float


@strawberry.type(
    description="A smallest part of the history, and of what the viewer says, without which the product would leave "
    "the list."
)
class Counterfactual:
    items: list[HistoryItem] = strawberry.field(description="Of the history.")
    interests: list[StatedInterest] = strawberry.field(description="Of `audience.interests`.")
    words: str | None = strawberry.field(description="`audience.text`, where it belongs to them.")
    minimal: bool = strawberry.field(description="Whether it is certain that no smaller part would do.")
    new_rank: int = strawberry.field(description="The rank that the product would have.")


@strawberry.type(description="A score taken apart: prior + contributions + remainder.")
class Explanation:
    page: strawberry.Private["Explanations"]
    found: strawberry.Private[service.Explanation]
    position: strawberry.Private[int]
    rank: int = strawberry.field(
        description="Its place in the list; one that the list leaves out has the place that it would have."
    )
    score: float
    prior: float = strawberry.field(description="The product's score for somebody like the viewer without a history.")
    lifts: list[Lift] = strawberry.field(
        description="The parts of the prior that come from what is known of the viewer beside their history."
    )
    remainder: Remainder = strawberry.field(
        description="What `contributions` does not list; all of them where it is not asked for."
    )
    readable_share: float = strawberry.field(description="How much of all contributions has a path, 0 to 1.")
    without_text: bool = strawberry.field(description="Whether `audience.text` could not be read and does not count.")
    placement: Placement = strawberry.field(description="What puts the product at its rank.")
    rule: str | None = strawberry.field(description="Id of the business rule that puts it there, for RULE.")

    @resolver(
        "What the viewer has said that bears on it: why the product is in none of their lists, and what of their "
        "history does not count."
    )
    def feedback(self) -> list[GivenFeedback]:
        return self.page.feedback(self.position)

    @resolver("The largest parts of the score, by absolute value. At most 100.")
    def contributions(self, first: int | None = _LISTED) -> list[Contribution]:
        found = self.found.contributions[: checked_first(first, _LISTED)]
        return [self.page.contribution(part) for part in found]

    @resolver(
        "The smallest part of the history, and of what was said, without which it leaves the list by its score; null "
        "if none, and for what is pinned."
    )
    def counterfactual(self, max_items: int | None = _UNITS_LIMIT) -> Counterfactual | None:
        max_items = _UNITS_LIMIT if max_items is None else max_items
        if not 1 <= max_items <= _UNITS_LIMIT:
            remedy = f"ask for 1 to {_UNITS_LIMIT}"
            raise BadInputError(f"maxItems is {max_items}", field="maxItems", remedy=remedy)
        return self.page.counterfactual(self.position, max_items)


class Explanations:
    """Explanations of one page, worked out together when the first one is asked for."""

    def __init__(self, context: Context, page: Page, product: Callable[[str], "Product"]) -> None:
        self._context = context
        self._page = page
        self._product = product
        self._by_first: dict[int, dict[int, service.Explanation]] = {}
        self._items: dict[Unit, HistoryItem] = {}
        self._unnamed: list[service.Contribution] = []
        self._between: list[str] = []  # products in the middle of paths
        context.cards.called(page.viewing.titles)

    def of(self, item: Ranked, first: int) -> Explanation:
        """The explanation of one item with its `first` largest contributions."""
        if first not in self._by_first:
            self._by_first[first] = self._explained(first)
        found = self._by_first[first][item.position]
        return Explanation(
            page=self,
            found=found,
            position=item.position,
            rank=item.rank,
            score=found.score,
            prior=found.prior,
            lifts=[
                Lift(name=name, value=self._page.viewing.context[name], amount=amount)
                for name, amount in found.lifts.items()
            ],
            remainder=Remainder(count=found.remainder_count, value=found.remainder_value),
            readable_share=found.readable_share,
            without_text=self._page.viewing.heard.without_text,
            placement=Placement(item.placement),
            rule=item.rule,
        )

    def contribution(self, found: service.Contribution) -> Contribution:
        """The type of a contribution."""
        return Contribution(
            page=self,
            found=found,
            kind=ContributionKind(found.kind),
            relation=found.term.name if found.term else None,
            value=found.value,
            share=found.share,
            because=self.item(found.unit) if isinstance(found.unit, Unit) else None,
            interest=self.interest(found.unit) if isinstance(found.unit, Liking) else None,
            words=found.unit.text if isinstance(found.unit, Words) else None,
            resembles=None if found.resembles is None else self._product(found.resembles),
            rule=found.rule,
        )

    def item(self, unit: Unit) -> HistoryItem:
        """The type of a unit of the history."""
        if unit not in self._items:
            self._items[unit] = history_item(unit, self._product)
        return self._items[unit]

    def interest(self, liking: Liking) -> StatedInterest:
        """The type of something that the viewer likes."""
        kind, name = self._liked(liking)
        return StatedInterest(relation=liking.relation, type=kind, node_id=liking.node, name=name, weight=liking.weight)

    def path(self, found: service.Contribution) -> Path | None:
        """A contribution's path as the role of this request may see it."""
        self._look_up()
        context = self._context
        context.cards.want(self._between)
        self._between = []
        path = context.shop.paths.path(found, self._page.viewing, expert=context.caller.may(Role.EXPERT))
        return None if path is None else Path(nodes=[self._node(node) for node in path.nodes], cypher=path.cypher)

    def text(self, found: service.Contribution, locale: str) -> str:
        """A contribution in words."""
        self._look_up()
        paths, ontology = self._context.shop.paths, self._page.viewing.state.scorer.ontology
        named = found.term is not None and found.term.through_nodes
        nodes = paths.nodes(found, ontology, expert=False) if named else ()
        title = self._title(found.unit)
        resembles = None if found.resembles is None else self._context.cards.title(found.resembles)
        return sentence(service.reason(found, title, nodes, paths.minimum_group, resembles), ontology, locale)

    def counterfactual(self, position: int, most: int) -> Counterfactual | None:
        """What would push a product out of the list as far as it was shown."""
        if self._page.is_pinned(position):
            return None
        length = self._page.length
        found = service.without(self._page.viewing, position, self._page.allowed, length, most)
        if found is None:
            return None
        return Counterfactual(
            items=[self.item(unit) for unit in found.units if isinstance(unit, Unit)],
            interests=[self.interest(unit) for unit in found.units if isinstance(unit, Liking)],
            words=next((unit.text for unit in found.units if isinstance(unit, Words)), None),
            minimal=found.minimal,
            new_rank=found.rank,
        )

    def feedback(self, position: int) -> list[GivenFeedback]:
        """What the viewer has said that bears on a product."""
        given = bearing_on(self._page.viewing, position, self._context.shop.store)
        of_product = [one.kind is not FeedbackKind.NEVER_THIS_CATEGORY for one in given]
        self._context.cards.want(one.target for one, about in zip(given, of_product, strict=True) if about)
        return [
            given_feedback(one, self._product(one.target) if about else None)
            for one, about in zip(given, of_product, strict=True)
        ]

    def _explained(self, first: int) -> dict[int, service.Explanation]:
        positions = [item.position for item in self._page.items]
        explained = service.explanations(self._page.viewing, positions, first)
        parts = [part for found in explained for part in found.contributions]
        self._context.cards.want(part.unit.product for part in parts if isinstance(part.unit, Unit))
        self._context.cards.want(part.resembles for part in parts if part.resembles is not None)
        self._unnamed += parts
        return dict(zip(positions, explained, strict=True))

    def _title(self, unit: Unit | Told | None) -> str:
        if isinstance(unit, Unit):
            return self._context.cards.title(unit.product)
        if isinstance(unit, Words):
            return unit.text
        return "" if unit is None else self._liked(unit)[1]

    def _liked(self, liking: Liking) -> tuple[str, str]:
        """Type and name of what the viewer likes."""
        kind = self._page.viewing.state.scorer.ontology.relations[liking.relation].target
        return kind, self._context.shop.paths.name(kind, liking.node)

    def _node(self, node: service.PathNode) -> PathNode:
        names = list(node.names)
        if node.type == "Product":
            names = [self._context.cards.title(key) for key in node.keys]
        single = node.keys[0] if len(node.keys) == 1 and node.type in ("Product", "Category") else None
        return PathNode(
            id=strawberry.ID(global_id(node.type, single)) if single is not None else None,
            type=node.type,
            keys=list(node.keys),
            names=names,
            count=node.count,
        )

    def _look_up(self) -> None:
        """Reads the names on the paths of this page together, when the first one is needed."""
        if self._unnamed:
            ontology = self._page.viewing.state.scorer.ontology
            self._between += self._context.shop.paths.between(self._unnamed, ontology).get("Product", [])
            self._unnamed = []


def history_item(unit: Unit, product: Callable[[str], "Product"]) -> HistoryItem:
    """The type of a unit of the history."""
    return HistoryItem(product=product(unit.product), behaviour=unit.behaviour, events=unit.events, last_at=unit.last)


def asked_contributions(info: GraphQLResolveInfo[Context]) -> int:
    """How many contributions an explanation is asked for, so that the remainder is what they leave.

    The largest `first` of the `contributions` selected in it; 0 if it is not selected.
    """
    wanted = [arguments.get("first") for arguments in selected(info, "contributions")]
    return min(max([first if isinstance(first, int) else _LISTED for first in wanted], default=0), 100)

"""What a rule would change, computed before it is: the same lists with and without it.

The rule is put over the state of the running model in memory, in the way in which a change of the graph would reach
it; nothing is written. Both states then answer the same people at the same moment, with all that orders and filters
their lists, so that what is counted is what they would see.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from api.services.catalogue import ProductFilter
from api.services.errors import BadInputError
from api.services.interests import Listener
from api.services.live import LiveModel, LiveState, written
from api.services.placement import Options
from api.services.recommendation import Recommender
from api.services.rules import Rules
from api.services.viewing import Audience, Viewing
from gnn.explain import explain
from gnn.live_links import Links, LiveProduct
from gnn.overlay import adopt
from graph import Rule, Store
from graph.knowledge import Knowledge
from graph.moves import IN_CATEGORY, Move
from schema.ontology import with_relation

LENGTH = 20
EXAMPLES = 10
MOST_ASKED = 1_000

Step = Callable[[int, int], None]


@dataclass(frozen=True)
class Example:
    """A product of somebody's list that the rule moves, the most of that list.

    Attributes:
        old_rank, new_rank: without and with the rule; None where it may not be shown.
        contribution: what the rule's paths, or its weight, add to the score.
    """

    user: str
    product: str
    old_rank: int | None
    new_rank: int | None
    contribution: float


@dataclass(frozen=True)
class Preview:
    """What a rule would change.

    Attributes:
        links: how many links it would put into the graph, or things it would move.
        products: how many products these are of.
        shoppers: how many users have a history.
        asked: how many of them were asked.
        changed: how many of their lists would have other products or another order.
        entering, leaving: how many places of lists products would enter and leave.
    """

    links: int
    products: int
    shoppers: int
    asked: int
    changed: int
    entering: int
    leaving: int
    examples: tuple[Example, ...]

    @property
    def share(self) -> float:
        """Of those asked, whose lists would change."""
        return self.changed / self.asked if self.asked else 0.0


@dataclass(frozen=True)
class Supposed:
    """A state that answers as if it were served, whatever happens meanwhile.

    `by` is the relation, or the id of the business rule, through which what was supposed works.
    """

    state: LiveState
    by: str = ""
    links: int = 0
    products: tuple[str, ...] = ()

    def at_least(self, change: int) -> LiveState:
        """The state, which is that of one moment."""
        return self.state


def supposed(store: Store, state: LiveState, rule: Knowledge) -> Supposed:
    """A state in which a rule of knowledge is applied.

    Raises:
        KnowledgeError: it could not be.
    """
    if rule.move is not None:
        return _moved(store, state, rule, rule.move)
    wanted = store.wanted_links(rule)
    relation, scorer = rule.relation or "", state.scorer
    if relation not in scorer.ontology.relations:
        scorer = adopt(scorer, with_relation(scorer.ontology, relation, rule.says or ""))
    out: dict[str, dict[str, float]] = {}
    into: dict[str, dict[str, float]] = {}
    for (source, target), weight in wanted.items():
        out.setdefault(source, {})[target] = weight
        into.setdefault(target, {})[source] = weight

    def change(product: LiveProduct) -> LiveProduct:
        return replace(
            product,
            out=_with(product.out, relation, out.get(product.id, {})),
            into=_with(product.into, relation, into.get(product.id, {})),
        )

    touched = tuple(sorted({*out, *into}))
    scorer = written(scorer, store, touched, state.built, change)
    return Supposed(state.over(scorer, touched), relation, len(wanted), touched)


def supposed_rule(store: Store, state: LiveState, rule: Rule) -> Supposed:
    """A state with a business rule in place of the one of its id.

    Raises:
        BadInputError: a product, category or brand that it names is not there.
    """
    others = [found for found in store.rules() if found.id != rule.id]
    reaches = _reached(store, rule)
    rules = Rules.of([*others, replace(rule, reaches=reaches)], state.scorer.positions)
    return Supposed(replace(state.over(state.scorer, ()), rules=rules), rule.id, len(reaches), reaches)


def _on(done: int, total: int) -> None:
    """Goes on."""


class Previewer:
    """Counts what rules would change for people of a shop."""

    def __init__(self, store: Store, live: LiveModel) -> None:
        self._store = store
        self._live = live

    def knowledge(self, rule: Knowledge, people: int, seed: int, step: Step = _on) -> Preview:
        """What a rule of knowledge would change that is not applied.

        Args:
            rule: a draft, stored or not.
            people: how many users to ask at most, drawn from all who did anything.
            seed: the same one asks the same people.
            step: told after each how many were asked of how many; what it raises ends the preview.

        Raises:
            KnowledgeError: it could not be applied.
        """
        state = self._now()
        return self._compared(state, supposed(self._store, state, rule), people, seed, step)

    def business(self, rule: Rule, people: int, seed: int, step: Step = _on) -> Preview:
        """What a business rule would change; arguments as of `knowledge`."""
        state = self._now()
        return self._compared(state, supposed_rule(self._store, state, rule), people, seed, step)

    def _now(self) -> LiveState:
        return self._live.at_least(self._store.change_number())

    def _compared(self, state: LiveState, then: Supposed, people: int, seed: int, step: Step) -> Preview:
        shoppers = self._store.shoppers()
        asked = _drawn(shoppers, people, seed)
        before = Recommender(self._store, Supposed(state), Listener(self._store, None))
        after = Recommender(self._store, then, Listener(self._store, None))
        moment = before.now()
        changed = entering = leaving = 0
        moved: list[tuple[int, str, str]] = []
        for number, user in enumerate(asked, start=1):
            old, new = (_list(one, user, moment) for one in (before, after))
            if old != new:
                changed += 1
                entering += len(set(new) - set(old))
                leaving += len(set(old) - set(new))
                moved.append(_most_moved(user, old, new))
            step(number, len(asked))
        examples = [
            _example(before, after, then.by, user, product, moment) for _, user, product in sorted(moved)[:EXAMPLES]
        ]
        return Preview(
            links=then.links,
            products=len(then.products),
            shoppers=len(shoppers),
            asked=len(asked),
            changed=changed,
            entering=entering,
            leaving=leaving,
            examples=tuple(examples),
        )


def _with(links: Links, relation: str, more: Mapping[str, float]) -> Links:
    """The links of a product with those that a rule says, which have the last word."""
    if not more:
        return links
    return {**links, relation: sorted({**dict(links.get(relation, ())), **more}.items())}


def _moved(store: Store, state: LiveState, rule: Knowledge, move: Move) -> Supposed:
    pairs = store.wanted_moves(rule)
    unwanted = store.unwanted_categories()
    if unwanted or any(found.rule.categories for found in state.rules.located):
        rules, members = store.after_move(rule.id, move, unwanted)
        state = state.ruled(Rules.of(rules, state.scorer.positions), members)
    if move.category is not None:
        # The products stay in their categories, which is all that scores look at.
        return Supposed(state.over(state.scorer, ()), IN_CATEGORY, 1)
    touched = tuple(sorted({product for product, _ in pairs}))

    def change(product: LiveProduct) -> LiveProduct:
        left = [(key, weight) for key, weight in product.out.get(IN_CATEGORY, ()) if key != move.source]
        return replace(product, out=_with({**product.out, IN_CATEGORY: left}, IN_CATEGORY, {move.to: 1.0}))

    scorer = written(state.scorer, store, touched, state.built, change)
    return Supposed(state.over(scorer, touched), IN_CATEGORY, len(pairs), touched)


def _reached(store: Store, rule: Rule) -> tuple[str, ...]:
    """Products that a rule is for which is not in the store."""
    there = store.product_cards(rule.products)
    categories = store.linked_products(IN_CATEGORY, rule.categories)
    brands = store.linked_products("MADE_BY", rule.brands)
    for label, named, known in (
        ("product", rule.products, there),
        ("category", rule.categories, categories),
        ("brand", rule.brands, brands),
    ):
        if missing := [key for key in named if key not in known]:
            raise BadInputError(f"there is no {label} {missing[0]}", field="rule", remedy="give the shop's own keys")
    found: Iterable[Sequence[str]] = [
        rule.products,
        *store.category_products(rule.categories).values(),
        *brands.values(),
    ]
    return tuple(sorted({product for products in found for product in products}))


def _drawn(shoppers: Sequence[str], most: int, seed: int) -> list[str]:
    if len(shoppers) <= most:
        return list(shoppers)
    chosen = np.random.default_rng(seed).choice(len(shoppers), most, replace=False)
    return [shoppers[place] for place in np.sort(chosen).tolist()]


def _list(recommender: Recommender, user: str, moment: datetime) -> list[str]:
    viewing = recommender.view(Audience(user_id=user), moment)
    page = recommender.page(viewing, ProductFilter(), LENGTH, options=Options())
    return [item.product for item in page.items]


def _most_moved(user: str, old: Sequence[str], new: Sequence[str]) -> tuple[int, str, str]:
    """How far up the product that a list changes by most moves (below zero), with whose list it is and what it is.

    What enters counts as if it came from below the list's end, what leaves as if it went there.
    """
    places = {product: (len(old), place) for place, product in enumerate(new)}
    places |= {product: (place, places.get(product, (0, len(new)))[1]) for place, product in enumerate(old)}
    product = max(places, key=lambda key: (abs(places[key][0] - places[key][1]), -places[key][1], key))
    return -abs(places[product][0] - places[product][1]), user, product


def _example(before: Recommender, after: Recommender, by: str, user: str, product: str, moment: datetime) -> Example:
    old, new = (recommender.view(Audience(user_id=user), moment) for recommender in (before, after))
    return Example(
        user=user,
        product=product,
        old_rank=_rank(before, old, product),
        new_rank=_rank(after, new, product),
        contribution=_through(new, by, product) - _through(old, by, product),
    )


def _rank(recommender: Recommender, viewing: Viewing, product: str) -> int | None:
    """Where a product stands for somebody; None where it may not be shown."""
    position = viewing.state.scorer.position(product)
    if position is None or not recommender.allowed(viewing, ProductFilter())[position]:
        return None
    return recommender.only(viewing, product).items[0].rank


def _through(viewing: Viewing, by: str, product: str) -> float:
    """What a score has through a relation, or from a business rule."""
    position = viewing.state.scorer.position(product)
    if position is None:
        return 0.0
    put = sum(float(extra.values[position]) for extra in viewing.extras if extra.rule == by)
    audience, told = viewing.audience.user_id, viewing.heard.stated
    (found,) = explain(viewing.state.scorer, viewing.history, [position], viewing.as_of, audience, told)
    return put + sum(part.value for part in found.parts if part.term is not None and part.term.relation == by)

"""What belongs to one request: the services, the role, and what was read from the store already."""

import math
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from api.services.callers import Caller
from api.services.catalogue import CategoryTree
from api.services.errors import TimedOutError
from api.services.live import LiveState
from api.services.rules import kept_out
from api.services.shop import Shop
from graph import Store
from graph.records import ProductCard

if TYPE_CHECKING:
    from api.graphql.products import Product


class Cards:
    """Product cards read in as few queries as can be: whatever is wanted comes with the first one asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: dict[str, None] = {}
        self._known: dict[str, ProductCard | None] = {}
        self._beside: dict[str, tuple[str, ...]] = {}
        self._titles: dict[str, str] = {}

    def want(self, ids: Iterable[str]) -> None:
        """Announces products that may be asked for, all of one list at a time."""
        listed = tuple(dict.fromkeys(ids))
        self._beside.update((key, listed) for key in listed)
        self._wanted.update((key, None) for key in listed if key not in self._known)

    def beside(self, product_id: str) -> tuple[str, ...]:
        """The products of the list that a product was last announced with, itself among them."""
        return self._beside.get(product_id, (product_id,))

    def get(self, product_id: str) -> ProductCard | None:
        """A product's card; None if the store has no such product."""
        if product_id not in self._known:
            self._wanted[product_id] = None
            wanted = list(self._wanted)
            found = self._store.product_cards(wanted)
            self._known.update((key, found.get(key)) for key in wanted)
            self._wanted.clear()
        return self._known[product_id]

    def called(self, titles: Mapping[str, str]) -> None:
        """Says how some products are called, so that a sentence with one of them needs no card."""
        self._titles.update(titles)

    def title(self, product_id: str) -> str:
        """How a product is called in a sentence."""
        title = self._titles.get(product_id)
        if title is not None:
            return title
        card = self.get(product_id)
        return str((card.properties.get("title") if card else None) or product_id)


@dataclass
class Context:
    """One request."""

    shop: Shop
    request_id: str
    caller: Caller
    deadline: float = math.inf  # of time.monotonic()
    follow: Callable[[str | None, str | None], None] | None = None  # lets a subscription be woken for a user or session
    cards: Cards = field(init=False)
    products: dict[str, "Product"] = field(default_factory=dict)  # one object for each, so that it is read once
    lists: dict[Hashable, dict[str, Any]] = field(default_factory=dict)  # what was asked -> product -> its list

    def __post_init__(self) -> None:
        self.cards = Cards(self.shop.store)

    def hurry(self) -> None:
        """Lets no more be begun for a request that has taken too long.

        Raises:
            TimedOutError: it has.
        """
        if time.monotonic() > self.deadline:
            raise TimedOutError("the request takes too long", remedy="ask for less at a time, or again in a moment")

    @cached_property
    def state(self) -> LiveState | None:
        """The model with all that has changed in the store until now; None without a model."""
        live = self.shop.live
        return None if live.loaded is None else live.at_least(self.shop.store.change_number())

    @property
    def served(self) -> LiveState:
        """The same, for what needs a model.

        Raises:
            UnavailableError: there is none.
        """
        return self.shop.live.state if self.state is None else self.state

    @cached_property
    def moment(self) -> datetime:
        """Now by the shop's clock, one moment for all lists of the request."""
        return self.shop.recommender.now()

    @cached_property
    def categories(self) -> CategoryTree:
        """The shop's categories as they are now, with or without a model."""
        return CategoryTree.of(self.shop.store.categories()) if self.state is None else self.state.categories

    @cached_property
    def blocked(self) -> frozenset[str]:
        """Products that the shop's rules keep out of all lists now, with or without a model."""
        if self.state is None:
            return kept_out(self.shop.store.rules(), datetime.now(UTC))
        return kept_out((found.rule for found in self.state.rules.located), self.moment)

"""Recommendations without a server: the same services over the same store and model, once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api import registry
from api.services.catalogue import ProductFilter
from api.services.checks import checked_first
from api.services.errors import UnavailableError
from api.services.explanation import Contribution, Explanation, PathWriter, explanations, reason
from api.services.interests import Listener, Told
from api.services.live import LiveModel
from api.services.recommendation import Recommender
from api.services.viewing import Audience, Page, Unit
from api.services.wording import sentence
from api.settings import Settings
from graph import Store, connect

SHOWN = 5
"""Contributions listed for each product; the others are in the remainder."""


def recommend(settings: Settings, user: str, *, first: int = 10, explained: bool = False) -> dict[str, Any]:
    """A user's list as the server would give it now; somebody unknown gets the labelled fallback.

    Raises:
        UnavailableError: there is no model, or it does not fit the store.
        StoreError: the store cannot be reached.
    """
    checked_first(first, first)
    with connect(settings.store_url) as store:
        live = live_model(store, settings)
        recommender = Recommender(store, live, Listener(store, None))
        page = recommender.page(recommender.view(Audience(user_id=user)), ProductFilter(), first)
        return _document(page, _Names(store, settings.minimum_group, page), user, explained)


def live_model(store: Store, settings: Settings) -> LiveModel:
    """The model that a server would answer with now.

    Raises:
        UnavailableError: there is none, or it does not fit the store.
    """
    live = LiveModel(store, lambda: _artifact(settings))
    live.follow()
    if live.loaded is None:
        raise UnavailableError(f"no model to answer with: {live.problem}")
    return live


def _artifact(settings: Settings) -> Path | None:
    return settings.artifact or registry.served(settings.home)


class _Names:
    """Titles of the page's products and of what the reasons start from, in two queries at most."""

    def __init__(self, store: Store, minimum_group: int, page: Page) -> None:
        self._paths = PathWriter(store, minimum_group)
        self._ontology = page.viewing.state.scorer.ontology
        wanted = {item.product for item in page.items} | {unit.product for unit in page.viewing.units}
        self._cards = store.product_cards(sorted(wanted))

    def title(self, product: str) -> str:
        card = self._cards.get(product)
        return str((card.properties.get("title") if card else None) or product)

    def text(self, part: Contribution) -> str:
        nodes = self._paths.nodes(part, self._ontology, expert=False)
        title = self.title(part.unit.product) if isinstance(part.unit, Unit) else ""
        said = reason(part, title, nodes, self._paths.minimum_group)
        return sentence(said, self._ontology)


def _document(page: Page, names: _Names, user: str, explained: bool) -> dict[str, Any]:
    viewing = page.viewing
    rows: list[dict[str, Any]] = [
        {"rank": item.rank, "product_id": item.product, "title": names.title(item.product), "score": item.score}
        for item in page.items
    ]
    if explained:
        for row, found in zip(rows, explanations(viewing, _positions(page), SHOWN), strict=True):
            row["explanation"] = _explanation(found, names)
    return {
        "user": user,
        "strategy": viewing.strategy,
        "as_of": viewing.as_of.isoformat(),
        "model_version": viewing.state.model_version,
        "recommendations": rows,
    }


def _positions(page: Page) -> Sequence[int]:
    return [item.position for item in page.items]


def _because(unit: Unit | Told | None) -> dict[str, Any] | None:
    return {"product_id": unit.product, "behaviour": unit.behaviour} if isinstance(unit, Unit) else None


def _explanation(found: Explanation, names: _Names) -> dict[str, Any]:
    return {
        "prior": found.prior,
        "lifts": dict(found.lifts),
        "contributions": [
            {
                "kind": part.kind,
                "relation": part.term.name if part.term else None,
                "value": part.value,
                "because": _because(part.unit),
                "text": names.text(part),
            }
            for part in found.contributions
        ],
        "remainder": {"count": found.remainder_count, "value": found.remainder_value},
        "readable_share": found.readable_share,
    }

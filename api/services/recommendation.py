"""Ranked lists: the scores for an audience, what may be shown of them, and the page of best products."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np

from api.services.catalogue import BoolArray, ProductFilter
from api.services.cursors import Position, question_digest
from api.services.errors import BadInputError, CursorExpiredError, NotFoundError
from api.services.interests import Listener, Told
from api.services.live import LiveModel, LiveState
from api.services.viewing import Audience, Page, Ranked, Strategy, Unit, Viewing
from gnn.explain import similar as similarity
from gnn.scoring import HistoryRow, bought, top
from gnn.units import History
from graph import Store
from schema.errors import suggestion
from schema.ontology import Ontology

_LIST_LENGTH = 20


class Recommender:
    """Answers from a live model and a store."""

    def __init__(self, store: Store, live: LiveModel, listener: Listener) -> None:
        self._store = store
        self._live = live
        self._listener = listener

    def now(self) -> datetime:
        """The shop's clock, in whole milliseconds."""
        now = datetime.now(UTC) + self._live.state.clock
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def view(self, audience: Audience, as_of: datetime | None = None, model_version: str | None = None) -> Viewing:
        """The scores of products for an audience: of all, or of an index's best. One query to the store.

        Raises:
            BadInputError: the audience names what the shop does not have.
            CursorExpiredError: another model is served by now.
            UnavailableError: no model is served, or the store cannot be reached.
        """
        self._check_model(model_version)
        as_of = as_of or self.now()
        moment = self._store.history(user=audience.user_id, session=audience.session_id, as_of=as_of)
        served = self._live.at_least(moment.change_number)
        context = moment.context | dict(_known(audience.context, served.scorer.ontology))
        state = served.at(as_of).in_context(context)
        did = [Unit(row.product, row.behaviour, row.events, row.last) for row in moment.rows]
        given = [Unit(key, None, 1, as_of) for key in dict.fromkeys(audience.product_ids)]
        known, left_out = _usable(state, [*did, *given]), set(audience.without)
        units = tuple(unit for unit in known if unit.product not in left_out)
        history = _history(state, units)
        heard = self._listener.hear(state, audience.interests, audience.text)
        return Viewing(
            state=state,
            as_of=as_of,
            audience=audience,
            units=units,
            history=history,
            strategy=_strategy(audience, did, (*units, *heard.told)),
            scores=state.scores(history, as_of, audience.user_id, heard.stated),
            context=context,
            heard=heard,
            set_aside=tuple(unit for unit in known if unit.product in left_out),
        )

    def view_similar(self, product: str, as_of: datetime | None = None, model_version: str | None = None) -> Viewing:
        """How near every product is to one.

        Raises:
            NotFoundError: the model does not know the product.
        """
        self._check_model(model_version)
        as_of = as_of or self.now()
        state = self._live.at_least(self._store.change_number()).at(as_of)
        position = state.scorer.position(product)
        if position is None:
            raise NotFoundError(f"there is no product {product}", field="productId")
        units = (Unit(product, None, 1, as_of),)
        return Viewing(
            state=state,
            as_of=as_of,
            audience=Audience(product_ids=(product,)),
            units=units,
            history=_history(state, units),
            strategy="COLD_START",
            scores=similarity(state.scorer, position),
            context={},
            similar_to=product,
        )

    def page(self, viewing: Viewing, condition: ProductFilter, first: int, after: Position | None = None) -> Page:
        """The products that a filter lets through, best first, from a place on."""
        allowed = self.allowed(viewing, condition)
        candidates = allowed if after is None else allowed & _behind(viewing, after)
        if _only_the_best(viewing):
            known = candidates & (viewing.scores > -np.inf)
            if np.count_nonzero(known) <= first:
                return self.page(with_all(viewing), condition, first, after)
            candidates = known
        best = top(viewing.scores, first + 1, candidates)
        start = 1 if after is None else after.rank + 1
        ids = viewing.state.scorer.product_ids
        items = tuple(
            Ranked(int(position), ids[position], start + offset, float(viewing.scores[position]))
            for offset, position in enumerate(best[:first])
        )
        return Page(
            id=uuid4().hex,
            viewing=viewing,
            question=self.question(viewing, condition),
            allowed=allowed,
            items=items,
            length=start - 1 + len(items),
            has_next=len(best) > first,
            has_previous=after is not None,
        )

    def only(self, viewing: Viewing, product: str) -> Page:
        """A page that holds one product, at the rank it has or would have if it were not bought already.

        Raises:
            NotFoundError: the model does not know the product.
        """
        position = viewing.state.scorer.position(product)
        if position is None:
            raise NotFoundError(
                f"there is no product {product}", field="productId", remedy="give a productId of the shop"
            )
        if _only_the_best(viewing):
            viewing = with_all(viewing)
        allowed = self.allowed(viewing, ProductFilter())
        allowed[position] = True
        score = float(viewing.scores[position])
        before = (viewing.scores > score) | ((viewing.scores == score) & (np.arange(len(allowed)) < position))
        rank = int((before & allowed).sum()) + 1
        item = Ranked(position, product, rank, score)
        length = max(rank, _LIST_LENGTH)
        return Page(uuid4().hex, viewing, "", allowed, (item,), length, False, False)

    def allowed(self, viewing: Viewing, condition: ProductFilter) -> BoolArray:
        """(N,) products that may be shown."""
        state, scorer = viewing.state, viewing.state.scorer
        allowed: BoolArray = state.shelf.offered & scorer.alive
        if condition.minimum_price is not None or condition.maximum_price is not None:
            allowed &= state.shelf.within(condition.minimum_price, condition.maximum_price)
        if condition.category_ids:
            allowed &= state.in_categories(self._store, state.categories.checked(condition.category_ids))
        if not condition.include_bought or viewing.similar_to is not None:
            done = _history(state, (*viewing.units, *viewing.set_aside)) if viewing.set_aside else viewing.history
            allowed &= ~bought(done, scorer.behaviours, scorer.ontology.target_behaviour, scorer.size)
        excluded = [scorer.positions.get(key) for key in condition.exclude_product_ids]
        allowed[[position for position in excluded if position is not None]] = False
        return allowed

    def question(self, viewing: Viewing, condition: ProductFilter, *, otherwise: bool = False) -> str:
        """A digest that a cursor carries, so that it continues the list it came from and no other.

        Args:
            viewing: for whom.
            condition: what may be shown.
            otherwise: had the words been read that were not, or the other way round.
        """
        asked = asdict(viewing.audience), viewing.similar_to, asdict(condition)
        return question_digest(*asked, viewing.heard.without_text != otherwise)

    def _check_model(self, version: str | None) -> None:
        served = self._live.state.model_version
        if version is not None and version != served:
            raise CursorExpiredError(
                f"model {version} is no longer served; {served} is",
                field="modelVersion",
                remedy="ask again from the beginning, without a cursor, asOf and modelVersion",
            )


def _known(context: Iterable[tuple[str, str]], ontology: Ontology) -> Iterator[tuple[str, str]]:
    names = ontology.nodes["User"].contexts
    for name, value in context:
        if name not in names:
            raise BadInputError(
                f"there is no context {name}; {suggestion(name, names)}",
                field="audience.context",
                remedy="name a property of User that the shop's ontology calls a context",
            )
        yield name, value


def _usable(state: LiveState, units: Iterable[Unit]) -> tuple[Unit, ...]:
    """The units that the model knows, so that their order is that of `Scorer.history`."""
    behaviours = set(state.scorer.behaviours)
    return tuple(
        unit
        for unit in units
        if (unit.behaviour is None or unit.behaviour in behaviours) and state.scorer.position(unit.product) is not None
    )


def _history(state: LiveState, units: Iterable[Unit]) -> History:
    # A product that the request names counts like one event of what the model predicts.
    target = state.scorer.ontology.target_behaviour
    return state.scorer.history(
        HistoryRow(unit.product, unit.behaviour or target, unit.events, unit.last) for unit in units
    )


def _strategy(audience: Audience, did: list[Unit], counted: tuple[Unit | Told, ...]) -> Strategy:
    if not counted:
        return "POPULAR"
    return "PERSONAL" if audience.user_id is not None and did else "COLD_START"


def _only_the_best(viewing: Viewing) -> bool:
    """Whether products that an index did not find have no score."""
    return viewing.state.index is not None and bool(viewing.scores.min() == -np.inf)


def with_all(viewing: Viewing) -> Viewing:
    """The same with the score of every product; those that had one have the same, so that cursors go on."""
    state = viewing.state
    if state.index is None:
        return viewing
    told = viewing.heard.stated
    scores = state.index.all_scores(state.scorer, viewing.history, viewing.as_of, viewing.audience.user_id, told)
    return replace(viewing, scores=scores)


def _behind(viewing: Viewing, place: Position) -> BoolArray:
    """(N,) products that come after a place in the order of `gnn.scoring.top`."""
    last = viewing.state.scorer.positions.get(place.product, -1)
    after = np.arange(len(viewing.scores)) > last
    behind: BoolArray = (viewing.scores < place.score) | ((viewing.scores == place.score) & after)
    if last >= 0:
        behind[last] = False
    return behind

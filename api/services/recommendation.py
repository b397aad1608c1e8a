"""Ranked lists: the scores for an audience, what may be shown of them, and the page of best products."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np

from api.measuring import scoring
from api.services.boosts import boosted, told_apart, with_all_scores, with_scores_of
from api.services.catalogue import BoolArray, ProductFilter
from api.services.conditions import fitting
from api.services.cursors import Position, question_digest
from api.services.errors import BadInputError, CursorExpiredError, NotFoundError
from api.services.interests import Listener, Told
from api.services.live import LiveState, Served
from api.services.objections import hidden, set_aside
from api.services.pages import check_rules, page_of
from api.services.placement import POOL, Options, Slot, pinned, place
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

    def __init__(self, store: Store, live: Served, listener: Listener) -> None:
        self._store = store
        self._live = live
        self._listener = listener

    def now(self) -> datetime:
        """The shop's clock, in whole milliseconds."""
        now = datetime.now(UTC) + self._live.state.clock
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def view(self, audience: Audience, as_of: datetime | None = None, model_version: str | None = None) -> Viewing:
        """The scores of products for an audience: of all, or of an index's best. One query to the store.

        What the shop's rules put on them is in them.

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
        aside = set_aside(known, moment.feedback, as_of) | {unit for unit in known if unit.product in left_out}
        units = tuple(unit for unit in known if unit not in aside) if aside else known
        history = _history(state, units)
        heard = self._listener.hear(state, audience.interests, audience.text)
        with scoring():
            scores = state.scores(history, as_of, audience.user_id, heard.stated)
        viewing = Viewing(
            state=state,
            as_of=as_of,
            audience=audience,
            units=units,
            history=history,
            strategy=_strategy(audience, did, (*units, *heard.told)),
            scores=scores,
            context=context,
            heard=heard,
            set_aside=tuple(unit for unit in known if unit in aside) if aside else (),
            feedback=moment.feedback,
            titles=moment.titles,
        )
        return boosted(viewing)

    def view_similar(
        self,
        product: str,
        as_of: datetime | None = None,
        model_version: str | None = None,
        state: LiveState | None = None,
    ) -> Viewing:
        """How near every product is to one, in a state that is known already or in that of now.

        Raises:
            NotFoundError: the model does not know the product.
        """
        self._check_model(model_version)
        as_of = as_of or self.now()
        state = (state or self._live.at_least(self._store.change_number())).at(as_of)
        position = state.scorer.position(product)
        if position is None:
            raise NotFoundError(f"there is no product {product}", field="productId")
        units = (Unit(product, None, 1, as_of),)
        with scoring():
            scores = similarity(state.scorer, position)
        return Viewing(
            state=state,
            as_of=as_of,
            audience=Audience(product_ids=(product,)),
            units=units,
            history=_history(state, units),
            strategy="COLD_START",
            scores=scores,
            context={},
            similar_to=product,
        )

    def page(
        self,
        viewing: Viewing,
        condition: ProductFilter,
        first: int,
        after: Position | None = None,
        options: Options | None = None,
    ) -> Page:
        """The products that a filter lets through from a place on, best first, or as options and pins place them.

        Args:
            viewing: for whom.
            condition: what may be shown.
            first: how many.
            after: where the page before ended.
            options: how a list of recommendations is put together; None for a list by score alone.

        Raises:
            CursorExpiredError: the rules that ordered the page before are others by now.
        """
        check_rules(viewing, after)
        if options is not None and (options.moves or viewing.rules.pins):
            return self._placed(viewing, condition, first, after, options)
        allowed = self.allowed(viewing, condition)
        candidates = allowed if after is None else allowed & _behind(viewing, after)
        if viewing.only_the_best:
            known = candidates & (viewing.scores > -np.inf)
            if np.count_nonzero(known) <= first:
                return self.page(with_all_scores(viewing), condition, first, after, options)
            candidates = known
        slots = [Slot(position) for position in top(viewing.scores, first + 1, candidates).tolist()]
        return page_of(viewing, allowed, slots, first, after, self.question(viewing, condition, options))

    def _placed(
        self, viewing: Viewing, condition: ProductFilter, first: int, after: Position | None, options: Options
    ) -> Page:
        """A page of a list that is put together anew, from its beginning, as it was at its moment."""
        moment, size = viewing.as_of, len(viewing.scores)
        may_be = self._unless_blocked(viewing, condition)
        allowed = may_be & ~viewing.state.rules.blocked(self.now(), size) & ~hidden(viewing, self._store)
        placeable = may_be & ~viewing.state.rules.blocked(moment, size, moment) & ~hidden(viewing, self._store, moment)
        gone = int(np.count_nonzero(placeable & ~allowed))
        length = (0 if after is None else after.rank) + first + 1 + 2 * gone
        known = viewing.scores > -np.inf
        if np.count_nonzero(known & placeable) < max(POOL, length):
            viewing, known = with_all_scores(viewing), np.ones(size, bool)
        viewing = with_scores_of(viewing, viewing.rules.pinned_products)
        slots = place(viewing, placeable, known, options, length)
        viewing = with_scores_of(viewing, np.array([slot.position for slot in slots], np.intp))
        if after is not None:
            last = viewing.state.scorer.positions.get(after.product)
            places = [slot.position for slot in slots]
            slots = slots[places.index(last) + 1 if last in places else after.rank :]
        slots = [slot for slot in slots if allowed[slot.position]]
        page = page_of(viewing, allowed, slots, first, after, self.question(viewing, condition, options))
        return replace(page, seed=options.seed_at(moment))

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
        if viewing.only_the_best:
            viewing = with_all_scores(viewing)
        allowed = self.allowed(viewing, ProductFilter())
        pins = pinned(viewing, allowed)
        allowed[position] = True
        score = float(viewing.scores[position])
        own = next(((rank, slot) for rank, slot in pins.items() if slot.position == position), None)
        if own is not None:
            item = Ranked(position, product, own[0], score, own[1].placement, own[1].rule)
        else:
            before = (viewing.scores > score) | ((viewing.scores == score) & (np.arange(len(allowed)) < position))
            before[[slot.position for slot in pins.values()]] = False
            rank = int((before & allowed).sum()) + 1
            for pinned_rank in sorted(pins):
                rank += pinned_rank <= rank
            (item,) = told_apart(viewing, allowed, [Ranked(position, product, rank, score)])
        length = max(item.rank, _LIST_LENGTH)
        return Page(uuid4().hex, viewing, "", allowed, (item,), length, False, False)

    def allowed(self, viewing: Viewing, condition: ProductFilter) -> BoolArray:
        """(N,) products that may be shown."""
        blocked = viewing.state.rules.blocked(self.now(), len(viewing.scores))
        return self._unless_blocked(viewing, condition) & ~blocked & ~hidden(viewing, self._store)

    def _unless_blocked(self, viewing: Viewing, condition: ProductFilter) -> BoolArray:
        scorer = viewing.state.scorer
        allowed = fitting(self._store, viewing.state, condition)
        if not condition.include_bought or viewing.similar_to is not None:
            units = (*viewing.units, *viewing.set_aside)
            done = _history(viewing.state, units) if viewing.set_aside else viewing.history
            allowed &= ~bought(done, scorer.behaviours, scorer.ontology.target_behaviour, scorer.size)
        return allowed

    def question(
        self, viewing: Viewing, condition: ProductFilter, options: Options | None = None, *, otherwise: bool = False
    ) -> str:
        """A digest that a cursor carries, so that it continues the list it came from and no other.

        Args:
            viewing: for whom.
            condition: what may be shown.
            options: how the list is put together.
            otherwise: had the words been read that were not, or the other way round.
        """
        how = None if options is None else asdict(options)
        asked = asdict(viewing.audience), viewing.similar_to, viewing.by, asdict(condition)
        return question_digest(*asked, how, viewing.heard.without_text != otherwise)

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


def _behind(viewing: Viewing, place: Position) -> BoolArray:
    """(N,) products that come after a place in the order of `gnn.scoring.top`."""
    last = viewing.state.scorer.positions.get(place.product, -1)
    after = np.arange(len(viewing.scores)) > last
    behind: BoolArray = (viewing.scores < place.score) | ((viewing.scores == place.score) & after)
    if last >= 0:
        behind[last] = False
    return behind

"""The model that a process answers with: an artifact, and over it what changed in the store since.

A `LiveState` never changes. Whoever answers a request takes one and works with it to the end, while
a change or a new model makes another one beside it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import structlog

from api.services.catalogue import BoolArray, CategoryTree, FloatArray, Shelf
from api.services.directory import Directory
from api.services.errors import UnavailableError
from api.services.rules import Rules
from gnn.artifact import MANIFEST, Artifact, ArtifactError, ArtifactManifest, check_fit, load_artifact
from gnn.data import Int64
from gnn.gains import Gains, gains
from gnn.index import INDEXED_FROM, Index, index_of
from gnn.interests import Stated
from gnn.live_links import Built, LiveProduct
from gnn.overlay import adopt, forget_meetings, forget_person, remove_products, write_products
from gnn.paths import IntArray
from gnn.scoring import Scorer
from gnn.units import History
from graph import Change, Store, meeting_of
from graph.times import to_ms
from schema.errors import PathrecError

Key = TypeVar("Key")

_log = structlog.get_logger()
_BATCH = 1_000
# Contexts whose prior is kept, eight bytes a product each; the oldest goes first.
_CONTEXTS = 16
COMMITTED = timedelta(seconds=5)
"""How long writing an event may take until others see it."""
# Minutes whose prior and trend are kept, for pages that go on and answers that are explained.
_MINUTES = 4


@dataclass(frozen=True)
class Erasures:
    """Who and what the change log says to forget."""

    people: tuple[str, ...] = ()
    meetings: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def of(cls, changes: Iterable[Change]) -> "Erasures":
        people: list[str] = []
        meetings: list[tuple[str, str, str]] = []
        for change in changes:
            if change.kind == "USER_DELETED":
                people += change.keys
            elif change.kind == "MEETINGS_REMOVED":
                meetings += [meeting_of(key) for key in change.keys]
        return cls(tuple(people), tuple(meetings))

    def __add__(self, other: "Erasures") -> "Erasures":
        return Erasures(self.people + other.people, self.meetings + other.meetings)

    def __bool__(self) -> bool:
        return bool(self.people or self.meetings)


class Happened:
    """What was met since a model's data ends, read from the store minute by minute.

    What counts at a minute was written some seconds before it, so that all processes see the same, whenever they
    look and however late it was told.
    """

    def __init__(self, store: Store, since: datetime) -> None:
        """Args:
        store: where events are.
        since: when the data of the model was exported, by the wall clock.
        """
        self._store, self._since, self._read_to = store, since, since
        self._codes: dict[str, int] = {}
        # (3, E) code of the product, when it was met and when that was written.
        self._met = np.empty((3, 0), np.int64)
        self._lock = threading.Lock()

    def until(self, minute: datetime, clock: timedelta, scorer: Scorer) -> tuple[Int64, Int64]:
        """(E,) positions of products and times in ms; of products that the model knows.

        Args:
            minute: by the shop's clock.
            clock: how far that is ahead of the wall clock.
            scorer: where the positions are looked up.
        """
        with self._lock:
            now = datetime.now(UTC)
            written = min(minute - clock - COMMITTED, now)
            self._turn_back(now)
            if written > self._read_to:
                self._read(written)
            met, products = self._met, list(self._codes)
        codes, times_ms, _ = met[:, (met[1] <= to_ms(minute)) & (met[2] <= to_ms(written))]
        places = np.array([scorer.positions.get(product, -1) for product in products], np.int64)[codes]
        return places[places >= 0], times_ms[places >= 0]

    def _turn_back(self, now: datetime) -> None:
        """Begins anew where the clock was set back: what is written from then on has not been read."""
        if now < self._read_to:
            self._met, self._read_to = np.empty((3, 0), np.int64), self._since

    def _read(self, until: datetime) -> None:
        found = self._store.recorded_between(self._read_to, until)
        rows = [(self._codes.setdefault(m.product, len(self._codes)), m.time_ms, m.recorded_ms) for m in found]
        self._met = np.concatenate([self._met, np.array(rows, np.int64).reshape(-1, 3).T], axis=1)
        self._read_to = until


@dataclass(frozen=True)
class LiveState:
    """A model with everything applied up to one number of the change log. `index` is for very many products.

    `said` has the links between products that rules of knowledge say: (relation, source, target) -> id of the rule.
    """

    manifest: ArtifactManifest
    built: Built
    scorer: Scorer
    change: int
    shelf: Shelf
    directory: Directory
    categories: CategoryTree
    clock: timedelta
    index: Index | None
    happened: Happened
    rules: Rules
    said: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    _members: dict[str, BoolArray] = field(default_factory=dict, repr=False)
    _linked: dict[tuple[str, str], IntArray] = field(default_factory=dict, repr=False)
    _in_context: OrderedDict[tuple[tuple[str, str], ...], "LiveState"] = field(default_factory=OrderedDict, repr=False)
    _at: OrderedDict[datetime, "LiveState"] = field(default_factory=OrderedDict, repr=False)

    @property
    def model_version(self) -> str:
        return self.manifest.model_version

    def feature_weights(self, product: str) -> dict[str, float]:
        """Feature -> share of a product's gate; empty where it has none, or the model does not know the product."""
        position = self.scorer.position(product)
        return {} if position is None else self.scorer.feature_weights(position)

    def at(self, as_of: datetime) -> "LiveState":
        """The state with prior and trend of the minute that a moment is in; kept for all who ask in it."""
        minute = as_of.replace(second=0, microsecond=0)
        if self.scorer.pulse is None or minute <= self.manifest.as_of:
            return self

        def make() -> LiveState:
            met = self.happened.until(minute, self.clock, self.scorer)
            return self._with(self.scorer.at(to_ms(minute), *met), self.index)

        return _kept(self._at, minute, _MINUTES, make)

    def gains(self, as_of: datetime) -> Gains | None:
        """What gains at the minute that a moment is in; None where there are no times."""
        minute, pulse = as_of.replace(second=0, microsecond=0), self.scorer.pulse
        if pulse is None:
            return None
        nothing = np.empty(0, np.int64)
        met = (
            self.happened.until(minute, self.clock, self.scorer) if minute > self.manifest.as_of else (nothing, nothing)
        )
        return gains(pulse, to_ms(minute), *met)

    def in_context(self, context: Mapping[str, str]) -> "LiveState":
        """The state for somebody with some properties, kept for the next one who has them."""
        known = {name: value for name, value in context.items() if self.scorer.knows(name, value)}
        if not known:
            return self

        def make() -> LiveState:
            scorer = self.scorer.in_context(known)
            return self._with(scorer, self.index and self.index.with_popular(scorer))

        return _kept(self._in_context, tuple(sorted(known.items())), _CONTEXTS, make)

    def over(self, scorer: Scorer, changed: Iterable[str]) -> "LiveState":
        """The state with another model of the same products, some of which are not what they were."""
        index = self.index and self.index.with_changed([self.scorer.positions[key] for key in changed])
        return self._with(scorer, index)

    def ruled(self, rules: Rules, categories: Mapping[str, Iterable[str]]) -> "LiveState":
        """The state with other business rules, and with other products in some categories or below."""
        return replace(
            self, rules=rules, _members=self._masks(categories), _in_context=OrderedDict(), _at=OrderedDict()
        )

    def _with(self, scorer: Scorer, index: Index | None) -> "LiveState":
        """The state with another prior."""
        return replace(self, scorer=scorer, index=index, _in_context=OrderedDict(), _at=OrderedDict())

    def scores(self, history: History, as_of: datetime, viewer: str | None, told: Stated) -> FloatArray:
        """(N,) scores for a viewer; where there is an index, -inf for all but its best products."""
        if self.index is None:
            return self.scorer.score(history, as_of, viewer, told)
        return self.index.scores(self.scorer, history, as_of, viewer, told)

    def in_categories(self, store: Store, ids: tuple[str, ...]) -> BoolArray:
        """(N,) products in any of some categories or below; the store is asked once for those it was not asked for."""
        if missing := [key for key in dict.fromkeys(ids) if key not in self._members]:
            self._members.update(self._masks(store.category_products(missing)))
        found: BoolArray = np.logical_or.reduce([self._members[key] for key in ids])
        return found

    def linked_to(self, store: Store, relation: str, nodes: Iterable[str]) -> tuple[BoolArray, list[str]]:
        """(N,) products that a relation links to any of some nodes, and the nodes that there are not.

        Nodes that nobody has asked about since the state was made are looked up together.
        """
        wanted = list(dict.fromkeys(nodes))
        unknown = [node for node in wanted if (relation, node) not in self._linked]
        if unknown:
            found = store.linked_products(relation, unknown)
            self._linked.update(((relation, node), self._places(products)) for node, products in found.items())
        mask = np.zeros(self.scorer.size, bool)
        known = [places for node in wanted if (places := self._linked.get((relation, node))) is not None]
        mask[np.concatenate([np.empty(0, np.intp), *known])] = True
        return mask, [node for node in wanted if (relation, node) not in self._linked]

    def _masks(self, categories: Mapping[str, Iterable[str]]) -> dict[str, BoolArray]:
        """Category -> (N,) the products that the model knows of those that are said to be in it."""
        masks = {category: np.zeros(self.scorer.size, bool) for category in categories}
        for category, products in categories.items():
            masks[category][self._places(products)] = True
        return masks

    def _places(self, products: Iterable[str]) -> IntArray:
        """Positions of the products that the model knows."""
        found = map(self.scorer.positions.get, products)
        return np.array([position for position in found if position is not None], np.intp)


class Served(Protocol):
    """What answers are made with."""

    @property
    def state(self) -> LiveState:
        """The current state."""

    def at_least(self, change: int) -> LiveState:
        """A state in which every change up to a number of the log counts."""


class LiveModel:
    """The current `LiveState`, kept up with the store and with what is published."""

    def __init__(self, store: Store, locate: Callable[[], Path | None]) -> None:
        """Args:
        store: where changes are logged.
        locate: folder of the artifact that shall be served now; None if there is none.
        """
        self._store = store
        self._locate = locate
        self._lock = threading.Lock()
        self._served: Path | None = None
        self._refused: tuple[Path, int] | None = None
        self._state: LiveState | None = None
        self.problem: str | None = "no model was loaded yet"

    @property
    def state(self) -> LiveState:
        """The current state.

        Raises:
            UnavailableError: there is no model to answer with.
        """
        if self._state is None:
            raise UnavailableError("no model is served", remedy="publish one with `pathrec publish`; /readyz says more")
        return self._state

    @property
    def loaded(self) -> LiveState | None:
        return self._state

    @property
    def served(self) -> Path | None:
        """Folder of the artifact that was loaded last."""
        return self._served

    def follow(self) -> Erasures:
        """Loads what shall be served, if that is not what is. Never raises: `problem` says what is wrong.

        Returns:
            What must also be erased from the artifact on disk, since it happened after its snapshot.
        """
        stamp: tuple[Path, int] | None = None
        try:
            path = self._locate()
            if path is None:
                self.problem = "nothing was published yet; run `pathrec publish`"
                return Erasures()
            if path == self._served:
                self.problem = None
                return Erasures()
            # Of before it is read: what takes its place meanwhile is another one.
            stamp = _stamp(path)
            if stamp == self._refused:
                return Erasures()
            return self._load(path)
        except PathrecError as error:
            # What is damaged or does not fit stays so until the folder is written anew.
            self._refused = stamp if isinstance(error, ArtifactError) else None
            if str(error) != self.problem:
                _log.error("model_not_loaded", problem=str(error))
            self.problem = str(error)
            return Erasures()

    def at_least(self, change: int) -> LiveState:
        """A state in which every change up to a number of the log counts."""
        state = self.state
        if state.change >= change:
            return state
        with self._lock:
            state = self.state
            if state.change < change:
                state = self._state = caught_up(state, self._store, self._store.changes(state.change))
            return state

    def _load(self, path: Path) -> Erasures:
        artifact = load_artifact(path)
        check_fit(artifact.manifest, self._store.renew_ontology())
        # Outside the lock, since an index takes its time: whatever changes meanwhile is in the log.
        state = fresh_state(artifact, self._store)
        with self._lock:
            changes = self._store.changes(state.change)
            self._state = caught_up(state, self._store, changes)
            self._served, self._refused, self.problem = path, None, None
        _log.info("model_loaded", version=state.model_version, products=state.scorer.size, replayed=len(changes))
        if state.index is not None:
            _log.info("index_made", recall=state.index.recall, cells=state.index.width)
        elif state.scorer.size >= INDEXED_FROM:
            _log.warning("index_refused", problem="it finds too few of the best products; every product is scored")
        return Erasures.of(changes)


def fresh_state(artifact: Artifact, store: Store) -> LiveState:
    """An artifact over a store, with nothing of the change log applied but what the product nodes show."""
    # A model that was trained on another store knows nothing of this store's log.
    change = min(artifact.manifest.change_number, store.change_number())
    products, clock = store.nodes("Product"), store.clock()
    built = Built.of(artifact.scorer)
    scorer = adopt(artifact.scorer, store.renew_ontology())
    present = set(products.column("id").to_pylist())
    scorer = remove_products(scorer, [key for key in scorer.product_ids if key not in present])
    scorer = written(scorer, store, sorted(present.difference(scorer.positions)), built)
    return LiveState(
        manifest=artifact.manifest,
        built=built,
        scorer=scorer,
        change=change,
        shelf=Shelf.of(scorer.product_ids, products),
        directory=Directory.of(scorer.ontology, scorer.product_ids, products),
        categories=_categories(store),
        clock=clock,
        index=index_of(scorer) if scorer.size >= INDEXED_FROM else None,
        happened=Happened(store, artifact.manifest.as_of - clock),
        rules=Rules.of(store.rules(), scorer.positions),
        said=store.said_links(),
    )


def caught_up(state: LiveState, store: Store, changes: Sequence[Change]) -> LiveState:
    """The state with some changes applied.

    Products are taken as the store has them now, whatever the order in which they were written.
    """
    if not changes:
        return replace(state, change=max(state.change, store.change_number()))
    erasures = Erasures.of(changes)
    scorer = state.scorer
    if any(change.kind == "ONTOLOGY_GROWN" for change in changes):
        scorer = adopt(scorer, store.renew_ontology())
    for person in erasures.people:
        scorer = forget_person(scorer, person)
    scorer = forget_meetings(scorer, erasures.meetings)
    touched = list(dict.fromkeys(key for c in changes if c.kind.startswith("PRODUCTS_") for key in c.keys))
    scorer = written(scorer, store, touched, state.built)
    cards = store.product_cards(touched) if touched else {}
    index = state.index
    if index is not None:
        index = index.with_changed([scorer.positions[key] for key in touched if key in scorer.positions])
    properties = {key: cards[key].properties if key in cards else None for key in touched}
    clock = store.clock()
    return replace(
        state,
        scorer=scorer,
        change=changes[-1].number,
        shelf=state.shelf.updated(scorer.positions, scorer.size, properties),
        directory=state.directory.updated(scorer.positions, scorer.size, properties),
        categories=_categories(store),
        clock=clock,
        index=index,
        rules=Rules.of(store.rules(), scorer.positions),
        said=store.said_links() if any(change.kind == "KNOWLEDGE_WRITTEN" for change in changes) else state.said,
        _members={},
        _linked={},
        # Deleted events may be among those that were read.
        happened=Happened(store, state.manifest.as_of - clock) if erasures else state.happened,
        _in_context=OrderedDict(),
        _at=OrderedDict(),
    )


def _same(product: LiveProduct) -> LiveProduct:
    return product


def written(
    scorer: Scorer, store: Store, ids: Sequence[str], built: Built, change: Callable[[LiveProduct], LiveProduct] = _same
) -> Scorer:
    """The model with some products as the store has them now, or as they would be after a change."""
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        links = store.product_links(some)
        found = [
            change(LiveProduct(key, {m: v.astype(np.float64) for m, v in now.features.items()}, now.out, now.into))
            for key in some
            if (now := links.get(key)) is not None
        ]
        scorer = write_products(scorer, found, built)
        scorer = remove_products(scorer, [key for key in some if key not in links])
    return scorer


def _kept(cache: OrderedDict[Key, LiveState], key: Key, most: int, make: Callable[[], LiveState]) -> LiveState:
    """What a cache holds for a key, made if it holds nothing; of too many the oldest goes."""
    state = cache.get(key)
    if state is None:
        state = cache[key] = make()
        while len(cache) > most:
            cache.popitem(last=False)
    return state


def _categories(store: Store) -> CategoryTree:
    return CategoryTree.of(store.categories())


def _stamp(artifact: Path) -> tuple[Path, int]:
    """The artifact as it is now: another one in the same folder has another stamp."""
    try:
        return artifact, (artifact / MANIFEST).stat().st_mtime_ns
    except OSError:
        return artifact, 0

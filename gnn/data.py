"""A snapshot as arrays: what training and evaluation work on.

Everything is by position: users, products, baskets and sessions are numbers, their names are kept
beside them. A `Shop` can be cut at a moment, so that a model sees nothing later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schema.errors import PathrecError
from schema.ontology import Ontology
from schema.snapshot import Snapshot

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


class TrainingError(PathrecError):
    """A snapshot does not hold what training or evaluation needs."""


@dataclass(frozen=True)
class Events:
    """Events in order of time; (E,) each. Users, baskets and sessions are -1 where not known."""

    user: Int32
    product: Int32
    behaviour: Int32
    time_ms: Int64
    basket: Int32
    session: Int32

    def __len__(self) -> int:
        return len(self.product)

    def take(self, kept: npt.NDArray[Any]) -> "Events":
        """Some of the events, in the same order."""
        return Events(
            self.user[kept],
            self.product[kept],
            self.behaviour[kept],
            self.time_ms[kept],
            self.basket[kept],
            self.session[kept],
        )


@dataclass(frozen=True)
class Edges:
    """Edges of one relation by position of their ends; (M,) each."""

    source: Int32
    target: Int32
    weight: Float32


@dataclass(frozen=True)
class UserProperty:
    """What is known of all users beside what they did: (U,) codes into names, -1 where it is not known."""

    codes: Int32
    names: tuple[str, ...]


@dataclass(frozen=True)
class Shop:
    """A whole snapshot in memory.

    Attributes:
        ids: node type -> names by position.
        baskets, sessions: their names by position.
        features: modality -> (N, d) of the products; a row of zeros where a product has none.
        as_of_ms: the moment that the data ends at.
        contexts: properties of the users that the ontology calls a context, by name.
    """

    ontology: Ontology
    ids: Mapping[str, tuple[str, ...]]
    baskets: tuple[str, ...]
    sessions: tuple[str, ...]
    events: Events
    edges: Mapping[str, Edges]
    features: Mapping[str, Float32]
    as_of_ms: int
    change_number: int
    contexts: Mapping[str, UserProperty] = field(default_factory=dict)

    @property
    def products(self) -> int:
        return len(self.ids["Product"])

    @property
    def users(self) -> int:
        return len(self.ids["User"])

    @cached_property
    def has_times(self) -> bool:
        """Whether the events say when they happened; public splits often have no times."""
        return bool(len(self.events) and np.ptp(self.events.time_ms) > 0)

    @property
    def behaviours(self) -> tuple[str, ...]:
        return tuple(self.ontology.behaviours)

    @property
    def target(self) -> int:
        """Code of the behaviour that the model predicts."""
        return self.behaviours.index(self.ontology.target_behaviour)

    def of_target(self) -> "Shop":
        """The shop with events of the target behaviour alone."""
        return replace(self, events=self.events.take(self.events.behaviour == self.target))

    def without(self, events: npt.NDArray[np.integer[Any]]) -> "Shop":
        """The shop without some of its events, by position."""
        kept = np.ones(len(self.events), bool)
        kept[events] = False
        return replace(self, events=self.events.take(kept))

    def until(self, cut_ms: int) -> "Shop":
        """The shop as it was just before a moment: no event at or after it.

        Relations carry the time they were written, not the time they became true, so they stay.
        """
        return replace(self, events=self.events.take(self.events.time_ms < cut_ms), as_of_ms=cut_ms)


def read_shop(snapshot: Snapshot) -> Shop:
    """Reads a snapshot into arrays.

    Raises:
        TrainingError: there are no products or no events of the target behaviour.
        SnapshotError: a file is damaged.
    """
    ontology = snapshot.ontology
    ids = {node: tuple(snapshot.nodes(node).column("id").to_pylist()) for node in ontology.nodes}
    table = snapshot.events()
    basket, baskets = _codes(table.column("basket"))
    session, sessions = _codes(table.column("session"))
    events = Events(
        user=_filled(table.column("user")),
        product=_filled(table.column("product")),
        behaviour=_behaviours(table.column("behaviour"), tuple(ontology.behaviours)),
        time_ms=table.column("time").cast(pa.int64()).to_numpy().astype(np.int64),
        basket=basket,
        session=session,
    )
    shop = Shop(
        ontology=ontology,
        ids=ids,
        baskets=baskets,
        sessions=sessions,
        events=events,
        edges={name: _edges(snapshot.edges(name)) for name in ontology.relations},
        features=_features(snapshot),
        as_of_ms=int(snapshot.manifest.as_of.timestamp() * 1000),
        change_number=snapshot.manifest.change_number,
        contexts={name: _property(snapshot, name) for name in ontology.nodes["User"].contexts},
    )
    _require(shop, snapshot)
    return shop


def _require(shop: Shop, snapshot: Snapshot) -> None:
    if not shop.products:
        raise TrainingError(f"{snapshot.path}: there are no products; load some with `pathrec ingest`")
    if not np.any((shop.events.behaviour == shop.target) & (shop.events.user >= 0)):
        name = shop.ontology.target_behaviour
        raise TrainingError(f"{snapshot.path}: no known user has a {name}; the model has nothing to learn from")


def _features(snapshot: Snapshot) -> dict[str, Float32]:
    features = {}
    for modality in snapshot.ontology.nodes["Product"].features:
        matrix = snapshot.features("Product", modality)
        if matrix is None:
            continue
        matrix = np.asarray(matrix, np.float32)
        if not np.isfinite(matrix).all():
            row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
            raise TrainingError(
                f"{snapshot.path}: the {modality} feature of product {row} is not a finite number; "
                "encode it again with `pathrec embed`"
            )
        features[modality] = matrix
    return features


def _edges(table: pa.Table) -> Edges:
    return Edges(
        table.column("source").to_numpy().astype(np.int32),
        table.column("target").to_numpy().astype(np.int32),
        table.column("weight").to_numpy().astype(np.float32),
    )


def _property(snapshot: Snapshot, name: str) -> UserProperty:
    return UserProperty(*_codes(snapshot.nodes("User").column(name)))


def _filled(column: pa.ChunkedArray) -> Int32:
    return np.asarray(pc.fill_null(column.cast(pa.int32()), -1).to_numpy(), np.int32)


def _codes(column: pa.ChunkedArray) -> tuple[Int32, tuple[str, ...]]:
    """Numbers of the names in a column, and the names; -1 where there is none."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = column.combine_chunks().dictionary_encode()
    names = tuple(encoded.dictionary.to_pylist())
    return np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), np.int32), names


def _behaviours(column: pa.ChunkedArray, names: tuple[str, ...]) -> Int32:
    codes, found = _codes(column)
    order = np.array([names.index(name) for name in found], np.int32) if found else np.empty(0, np.int32)
    return np.asarray(order[codes], np.int32)

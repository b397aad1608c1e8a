"""What the store's methods take and give back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Loaded:
    """What became of a table of relations or events.

    Attributes:
        written: rows that were new or changed something.
        existing: rows that were there already.
        dangling: rows left out because an end does not exist.
        missing: the ends that do not exist, each once.
    """

    written: int = 0
    existing: int = 0
    dangling: int = 0
    missing: tuple[str, ...] = ()

    def __add__(self, other: "Loaded") -> "Loaded":
        return Loaded(
            self.written + other.written,
            self.existing + other.existing,
            self.dangling + other.dangling,
            tuple(dict.fromkeys(self.missing + other.missing)),
        )


PREDICTED, ACCEPTED = "predicted", "accepted"
"""Sources of labels: a model, an expert. What the shop itself says has none."""


class Label(NamedTuple):
    """What a model or an expert says that a product is."""

    product: str
    node: str
    confidence: float
    source: str = PREDICTED


@dataclass(frozen=True)
class LabelCounts:
    """What became of labels.

    Attributes:
        written: labels that are new or changed.
        unchanged: labels that were there with the same confidence.
        known: labels left out because the shop or an expert has said what the product is.
        rejected: labels left out because an expert has rejected them.
        withdrawn: predicted labels of before that are taken away.
    """

    written: int = 0
    unchanged: int = 0
    known: int = 0
    rejected: int = 0
    withdrawn: int = 0

    def __add__(self, other: "LabelCounts") -> "LabelCounts":
        return LabelCounts(
            self.written + other.written,
            self.unchanged + other.unchanged,
            self.known + other.known,
            self.rejected + other.rejected,
            self.withdrawn + other.withdrawn,
        )


@dataclass(frozen=True)
class Recorded:
    """What became of events that were recorded one by one, all by event id."""

    accepted: list[str]
    duplicates: list[str]
    unknown_products: list[str]


class HistoryRow(NamedTuple):
    """All events of one behaviour with one product."""

    product: str
    behaviour: str
    events: int
    last: datetime


class FeedbackKind(StrEnum):
    """What viewers can say of what they are shown."""

    NOT_INTERESTED = "NOT_INTERESTED"  # a product that shall not be shown to them
    WRONG_REASON = "WRONG_REASON"  # a product that they met, once or in all ways, and that says nothing of them
    NEVER_THIS_CATEGORY = "NEVER_THIS_CATEGORY"  # a category that shall not be shown to them, with all below it


class Feedback(NamedTuple):
    """What a viewer said of a product or category; a behaviour for one way of meeting a product."""

    kind: FeedbackKind
    target: str
    behaviour: str | None
    time: datetime


@dataclass(frozen=True)
class FeedbackRecord:
    """Feedback to be kept or taken back: a user's, or a session's where there is no user."""

    kind: FeedbackKind
    target: str
    user: str | None
    session: str | None
    time: datetime
    behaviour: str | None = None
    recommendation: str | None = None


class Arrival(NamedTuple):
    """Something that was written of a viewer: an event or feedback, and whose it is."""

    id: str
    user: str | None
    session: str | None


class Shown(NamedTuple):
    """A product of an answer: its rank, what put it there, and how probable that was where it is known."""

    product: str
    rank: int
    placement: str
    propensity: float | None


@dataclass(frozen=True)
class Impression:
    """An answer that somebody was given: its id, its moment by the shop's clock, for whom, by which model."""

    id: str
    time: datetime
    user: str | None
    session: str | None
    model: str
    shown: tuple[Shown, ...]


class ServedCount(NamedTuple):
    """How often products were shown in one way, and how often somebody then did something with them, or bought them."""

    model: str
    placement: str
    rank: int
    propensity: float | None
    shown: int
    clicked: int
    bought: int


@dataclass(frozen=True)
class Moment:
    """A history, and the number of the last change that the store knew when it was read.

    `context` holds what the ontology calls a context of the user, by name, where it is known. `feedback` is all that
    was said until now, the earliest first. `titles` has those of the products in it by id, where they have one.
    """

    rows: list[HistoryRow]
    change_number: int
    context: dict[str, str]
    feedback: tuple[Feedback, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)


class KnownUser(NamedTuple):
    """A user by id, how many events are theirs, and when the last one happened."""

    id: str
    events: int
    last: datetime | None


class Met(NamedTuple):
    """An event with a product: when it happened (the shop's clock) and when it was written (the wall clock), in ms."""

    product: str
    time_ms: int
    recorded_ms: int


class Named(NamedTuple):
    """A node by its id, with its name where it has one."""

    id: str
    name: str | None = None


@dataclass(frozen=True)
class ProductCard:
    """A product as a shopper sees it."""

    id: str
    properties: dict[str, object]
    categories: tuple[Named, ...]
    brand: Named | None


class CategoryRow(NamedTuple):
    """A category and the one above it, None at the top."""

    id: str
    name: str | None
    parent: str | None


@dataclass(frozen=True)
class Link:
    """A relation from a product; an end with a name is created if it is not a product and not there."""

    relation: str
    target: str
    weight: float | None = None
    name: str | None = None


@dataclass(frozen=True)
class Embedding:
    """A vector and the hash of the content that it was made from."""

    vector: npt.NDArray[np.float32]
    hash: str


@dataclass(frozen=True)
class ProductRecord:
    """A product to be written. What is None or absent is left as it is in the store.

    Attributes:
        categories: if given, the product is in these and in no others.
        brand: if given, it takes the place of the brand there was.
        links: further relations from the product, added to those there are.
        features: embeddings by modality.
    """

    id: str
    properties: Mapping[str, object] = field(default_factory=dict)
    categories: Sequence[Named] | None = None
    brand: Named | None = None
    links: Sequence[Link] = ()
    features: Mapping[str, Embedding] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """An entry of the change log."""

    number: int
    kind: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """What people of the shop have said about its lists, as data.

    Attributes:
        kind: what it does; the store takes any.
        weight, position: how much and where, as its kind needs it.
        created, changed: by the shop's clock, as are start and end; without these it always counts.
        products, categories, brands: what it is for, categories with all below them.
        reaches: all products that this is by now; left out when a rule is written.
    """

    id: str
    kind: str
    created: datetime
    changed: datetime
    author: str | None = None
    note: str | None = None
    weight: float | None = None
    position: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    reaches: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProductLinks:
    """A product's neighbours and vectors.

    Attributes:
        out: relation -> (other node's id, weight).
        into: relation between products -> (the product it comes from, weight).
        features: modality -> vector.
    """

    out: dict[str, list[tuple[str, float]]]
    into: dict[str, list[tuple[str, float]]]
    features: dict[str, npt.NDArray[np.float32]]

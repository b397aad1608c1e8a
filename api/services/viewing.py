"""What one answer is made of: who asks, what they did, what it scores, and the part of the list they see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np

from api.services.catalogue import BoolArray, FloatArray
from api.services.cursors import Position
from api.services.errors import BadInputError
from api.services.interests import INTERESTS_LIMIT, SILENCE, Heard, Liking
from api.services.live import LiveState
from api.services.rules import Rules
from gnn.units import History
from graph import Feedback

Strategy = Literal["PERSONAL", "COLD_START", "POPULAR"]
Placement = Literal["SCORE", "DIVERSITY", "EXPLORATION", "RULE"]

_GIVEN_LIMIT = 100


@dataclass(frozen=True)
class Audience:
    """For whom: every part is optional, none means anybody.

    `interests` and `text` are what the viewer says of themself. `context` says what the ontology calls a context,
    (name, value) each; it comes before what the store knows. `without` names products of the history that shall not
    count.
    """

    user_id: str | None = None
    session_id: str | None = None
    product_ids: tuple[str, ...] = ()
    interests: tuple[Liking, ...] = ()
    text: str | None = None
    context: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, products in (("productIds", self.product_ids), ("without", self.without)):
            if len(products) > _GIVEN_LIMIT:
                raise BadInputError(
                    f"audience.{name} has {len(products)} entries; at most {_GIVEN_LIMIT} count",
                    field=f"audience.{name}",
                    remedy="give those that matter most",
                )
        if len(self.interests) > INTERESTS_LIMIT:
            raise BadInputError(
                f"audience.interests has {len(self.interests)} entries; at most {INTERESTS_LIMIT} count",
                field="audience.interests",
                remedy="give those that matter most",
            )


@dataclass(frozen=True)
class Unit:
    """One unit of a history: all events of a behaviour with a product; no behaviour if the request named it."""

    product: str
    behaviour: str | None
    events: int
    last: datetime


@dataclass(frozen=True)
class Extra:
    """What is put on the model's score of each product, by name.

    Attributes:
        kind: BOOST by a rule of the shop, RELEVANCE by what was searched for.
        values: (N,), finite; 0 where nothing is put on.
        rule: id of the business rule.
    """

    kind: Literal["BOOST", "RELEVANCE"]
    values: FloatArray
    rule: str | None = None


@dataclass(frozen=True)
class Viewing:
    """Everything that one answer rests on: a viewer's history at one moment, and the model's state.

    `state` is the model for somebody in the viewer's `context`. Unit k of `history` is `units[k]`; after these come
    the units of what was `heard` of the viewer's own words and interests.
    `similar_to` is set where a product takes the viewer's place; scores then have no prior. What is `set_aside` of
    the history, since the viewer objected to it or the audience is `without` it, gives nothing to any score, and
    what was bought stays bought. `feedback` is all that the viewer said, `titles` how products of the history are
    called. `extras` are in the scores; `rules` are those of the shop that order the list. `by` names what alone the
    scores are made of, where that is not the whole model: some of its terms, or what a list is ranked by.
    """

    state: LiveState
    as_of: datetime
    audience: Audience
    units: tuple[Unit, ...]
    history: History
    strategy: Strategy
    scores: FloatArray
    context: Mapping[str, str]
    heard: Heard = SILENCE
    similar_to: str | None = None
    set_aside: tuple[Unit, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    extras: tuple[Extra, ...] = ()
    rules: Rules = field(default_factory=Rules)
    by: tuple[str, ...] = ()

    @property
    def only_the_best(self) -> bool:
        """Whether products that an index did not find have no score."""
        return self.state.index is not None and bool(self.scores.min() == -np.inf)

    def prior(self, position: int) -> float:
        return 0.0 if self.similar_to is not None else float(self.state.scorer.prior[position])

    def with_extras(self, *extras: Extra) -> "Viewing":
        """The same with something more put on the scores. A product that an index left out stays out."""
        scores = self.scores + sum(extra.values for extra in extras)
        return replace(self, scores=scores, extras=(*self.extras, *extras))


@dataclass(frozen=True)
class Ranked:
    """One product of a list.

    Attributes:
        placement: what put it at its rank.
        rule: id of the business rule that did.
        propensity: how probable it was that this product would come to this rank; None where that is not known.
    """

    position: int
    product: str
    rank: int
    score: float
    placement: Placement = "SCORE"
    rule: str | None = None
    propensity: float | None = 1.0


@dataclass(frozen=True)
class Page:
    """A part of a ranked list."""

    id: str
    viewing: Viewing
    question: str
    allowed: BoolArray
    items: tuple[Ranked, ...]
    length: int  # of the list as far as it was shown, from its beginning
    has_next: bool
    has_previous: bool
    seed: int | None = None  # of what was drawn

    def is_pinned(self, position: int) -> bool:
        """Whether a product is in the list whatever its score."""
        pins = {found.rule.id for found in self.viewing.rules.pins}
        return any(item.rule in pins for item in self.items if item.position == position)

    def place(self, item: Ranked) -> Position:
        """What a cursor after an item has to say."""
        viewing = self.viewing
        version, rules = viewing.state.model_version, viewing.rules.digest
        return Position(viewing.as_of, version, self.question, item.rank, item.score, item.product, rules)

"""What viewers say of themselves, checked and made ready for the model: what they like, and words of their own."""

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import structlog

from api.encoding import EncoderProcess, EncoderUnavailableError, Sought
from api.services.errors import BadInputError
from gnn.interests import NOTHING, Interest, Stated, knows, reads, stated
from graph import Store
from schema.errors import suggestion
from schema.ontology import Ontology

if TYPE_CHECKING:
    from api.services.live import LiveState

CATEGORY, BRAND, FEATURE = "IN_CATEGORY", "MADE_BY", "HAS_FEATURE"
INTERESTS_LIMIT, TEXT_LIMIT, HEAVIEST = 50, 2_000, 10.0
# Vectors of the last texts: pages and explanations of one list ask for the same.
_KEPT = 256
_log = structlog.get_logger()
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Liking:
    """Something that the viewer likes: the node with a key that a relation of products leads to.

    `place` is where the request names it.
    """

    relation: str
    node: str
    weight: float = 1.0
    place: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and 0 < self.weight <= HEAVIEST):
            raise BadInputError(
                f"a weight is above 0 and at most {HEAVIEST:g}",
                field=f"{self.place}.weight",
                remedy="leave it out for 1",
            )


@dataclass(frozen=True)
class Words:
    """What the viewer says in their own words."""

    text: str


Told = Liking | Words


@dataclass(frozen=True)
class Heard:
    """What the model understands of what somebody says: unit k of `stated` is `told[k]`.

    `without_text`: there are words, and they could not be read.
    """

    told: tuple[Told, ...] = ()
    stated: Stated = NOTHING
    without_text: bool = False


SILENCE = Heard()


class Listener:
    """Understands what viewers say of themselves."""

    def __init__(self, store: Store, encoder: EncoderProcess | None) -> None:
        """Args:
        store: where nodes are looked up that the model does not know.
        encoder: reads words; None where nobody sends any.
        """
        self._store = store
        self._encoder = encoder
        self._lock = threading.Lock()
        self._vectors: OrderedDict[str, Vector] = OrderedDict()

    def hear(self, state: "LiveState", likes: tuple[Liking, ...], text: str | None) -> Heard:
        """What counts of it. Nothing is written anywhere.

        Raises:
            BadInputError: naming what the shop does not have.
        """
        if not likes and text is None:
            return SILENCE
        told: list[Told] = []
        interests = []
        for like in likes:
            interest = self._interest(state, like)
            # What no product is linked to says nothing of any.
            if knows(state.scorer, interest):
                told.append(like)
                interests.append(interest)
        said = spoken(text)
        words = None if said is None else self.vector(said)
        if words is not None and not reads(state.scorer, words):
            words = None
        if said is not None and words is not None:
            told.append(Words(said))
        return Heard(tuple(told), stated(state.scorer, interests, words), said is not None and words is None)

    def _interest(self, state: "LiveState", like: Liking) -> Interest:
        ontology = state.scorer.ontology
        node_type = liked_type(ontology, like)
        if node_type == "Category":
            found = like.node in state.categories.nodes
            nodes = state.categories.below(like.node)
        else:
            found = self._exists(state, node_type, like)
            nodes = (like.node,)
        if not found:
            raise BadInputError(
                f"there is no {node_type} {like.node}",
                field=like.place,
                remedy=f"give the shop's own key of a {node_type}, or leave the interest out",
            )
        return Interest(like.relation, nodes, like.weight)

    def _exists(self, state: "LiveState", node_type: str, like: Liking) -> bool:
        # The model knows most; what no product was linked to when it was made is looked up.
        of_relation = (t for t in state.scorer.terms if t.term.name == like.relation)
        if any(like.node in term.key_positions for term in of_relation):
            return True
        return bool(self._store.nodes(node_type, [like.node]).num_rows)

    def vector(self, text: str) -> Vector | None:
        """The vector of what somebody looks for; None if the encoder is not ready."""
        with self._lock:
            known = self._vectors.get(text)
        if known is not None:
            return known
        vectors = self.vectors([text])
        if vectors is None:
            return None
        vector: Vector = vectors[0]
        with self._lock:
            self._vectors[text] = vector
            while len(self._vectors) > _KEPT:
                self._vectors.popitem(last=False)
        return vector

    def vectors(self, texts: Sequence[str]) -> Vector | None:
        """(T, d) vectors of what somebody looks for, none of them kept; None if the encoder is not ready."""
        if self._encoder is None:
            return None
        try:
            return self._encoder.encode([Sought(text) for text in texts]).matrix.astype(np.float64)
        except EncoderUnavailableError as error:
            _log.warning("answered_without_text", reason=str(error))
            return None


def liked_type(ontology: Ontology, like: Liking) -> str:
    """The node type that an interest's relation leads to.

    Raises:
        BadInputError: it is no relation from products to something else.
    """
    known = {
        name: relation
        for name, relation in ontology.relations.items()
        if relation.model and relation.source == "Product" and relation.target != "Product"
    }
    if like.relation not in known:
        raise BadInputError(
            f"there is no relation {like.relation} from products to something that can be liked; "
            f"{suggestion(like.relation, known)}",
            field=f"{like.place}.relation",
            remedy="name one of these; products that somebody likes go into audience.productIds",
        )
    return known[like.relation].target


def spoken(text: str | None) -> str | None:
    """A text without white space around it; None where it has neither letters nor digits, as emoji alone.

    Raises:
        BadInputError: it is too long.
    """
    if text is not None and len(text) > TEXT_LIMIT:
        raise BadInputError(
            f"audience.text has {len(text)} characters; at most {TEXT_LIMIT} are read",
            field="audience.text",
            remedy="say it in fewer words",
        )
    return text.strip() if text is not None and any(map(str.isalnum, text)) else None

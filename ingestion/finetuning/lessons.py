"""What a snapshot teaches about texts, and what is kept back to see whether it was learned.

**Shapes**: N products, P pairs to learn from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingestion.encoders.wording import texts_of
from ingestion.finetuning.exam import Exam, make_exam, part_of
from ingestion.finetuning.pairs import LEAST, IntArray, Meetings, Pairs, meetings_of
from schema.errors import PathrecError
from schema.snapshot import Snapshot

FEWEST_ASKED = 5
"""Held-out products that must be left to decide when to stop, and as many to report on."""
FEWEST_PAIRS = 32
DESCRIBED = 0.25
"""Share of the draws that are a product's title with its description, in a shop that has descriptions."""
_STOPPING = (300, 2_000)  # the most products to ask about, and to look among: it is done many times
_REPORTED = (2_000, 50_000)


class FinetuningError(PathrecError):
    """A shop does not have what fine-tuning needs."""


@dataclass(frozen=True)
class Lessons:
    """Pairs of texts to learn from, and questions about products that are in none of them.

    Attributes:
        texts: of the N products, then single properties of products that have several.
        left, right: (P,) positions of the texts of a pair.
        pairs: (P,) the same pairs as products, with the weights they are drawn by; a product with itself where its
            title goes with its description.
        wording: (N,) equal numbers for products of the same text.
        meetings: what is known of products that go together.
        stopping, reported: questions to decide when to stop, and others to report on.
    """

    texts: tuple[str, ...] = field(repr=False)
    left: IntArray
    right: IntArray
    pairs: Pairs
    wording: IntArray
    meetings: Meetings
    stopping: Exam
    reported: Exam

    def draw(self, size: int, chance: np.random.Generator) -> IntArray:
        """Positions of some pairs, the stronger ones more often."""
        share = self.pairs.weight / self.pairs.weight.sum()
        return chance.choice(len(share), min(size, len(share)), replace=False, p=share)

    def no_negatives(self, drawn: IntArray) -> npt.NDArray[np.bool_]:
        """(B, B) where the first product of a pair (row) is no negative for the second of another (column).

        The two are known to go together, have the same text, or are the same product.
        """
        first, second = self.pairs.first[drawn], self.pairs.second[drawn]
        products, place = np.unique(np.concatenate([first, second]), return_inverse=True)
        together = self.meetings.together(products)[np.ix_(place[: len(drawn)], place[len(drawn) :])]
        masked = together | (self.wording[first][:, None] == self.wording[second])
        np.fill_diagonal(masked, False)
        return np.asarray(masked)


def read_lessons(snapshot: Snapshot) -> Lessons:
    """Pairs and questions of a snapshot.

    Raises:
        FinetuningError: products have no texts, there are no pairs, or the shop is too small.
    """
    nodes, feature = snapshot.nodes("Product"), snapshot.ontology.nodes["Product"].features.get("text")
    texts = texts_of(nodes, feature.source) if feature else []
    if not any(texts):
        raise FinetuningError(
            f"{snapshot.path}: no product has a text; there is nothing to fine-tune a text encoder on"
        )
    meetings = meetings_of(snapshot)
    _, wording = np.unique(texts, return_inverse=True)
    known = _worded(meetings.pairs(), texts, wording)
    if not len(known):
        raise FinetuningError(
            f"{snapshot.path}: no two products with different texts met in {LEAST} baskets or sessions; "
            "map the basket or the session of the events, or wait for more of them"
        )
    part = np.array([part_of(product) for product in nodes.column("id").to_pylist()])
    trained = known.take((part[known.first] == "trained") & (part[known.second] == "trained"))
    asked = {name: known.take(part[known.first] == name) for name in ("stopping", "reported")}
    _require_enough(snapshot, trained, asked)
    described, titles, rest = _described(nodes, feature.source if feature else (), part == "trained")
    own = len(texts) + np.arange(len(described))
    return Lessons(
        texts=(*texts, *titles, *rest),
        left=np.concatenate([trained.first, own]),
        right=np.concatenate([trained.second, own + len(described)]),
        pairs=_with(trained, described),
        wording=wording,
        meetings=meetings,
        stopping=make_exam(texts, asked["stopping"], *_STOPPING),
        reported=make_exam(texts, asked["reported"], *_REPORTED),
    )


def _worded(pairs: Pairs, texts: list[str], wording: IntArray) -> Pairs:
    """Pairs of two products that both have a text, and not the same."""
    worded = np.array([bool(text) for text in texts])
    differ = wording[pairs.first] != wording[pairs.second]
    return pairs.take(differ & worded[pairs.first] & worded[pairs.second])


def _require_enough(snapshot: Snapshot, trained: Pairs, asked: dict[str, Pairs]) -> None:
    fewest = min(len(np.unique(pairs.first)) for pairs in asked.values())
    if fewest < FEWEST_ASKED or len(trained) < FEWEST_PAIRS:
        raise FinetuningError(
            f"{snapshot.path}: too small to learn from and to tell whether it helped: {len(trained)} pairs of products "
            f"that are bought together ({FEWEST_PAIRS} are needed), and {fewest} held-out products with such partners "
            f"({FEWEST_ASKED} are needed); use the encoder as it is"
        )


def _described(
    nodes: pa.Table, properties: Sequence[str], trained: npt.NDArray[np.bool_]
) -> tuple[IntArray, list[str], list[str]]:
    """Products that have a title and more than that: their positions, titles, and the rest of their texts."""
    titles, rest = texts_of(nodes, properties[:1]), texts_of(nodes, properties[1:] or properties[:1])
    rows = [n for n in np.flatnonzero(trained) if titles[n] and rest[n] and titles[n] != rest[n]]
    return np.array(rows, np.int64), [titles[n] for n in rows], [rest[n] for n in rows]


def _with(pairs: Pairs, described: IntArray) -> Pairs:
    """The pairs, and described products each with itself."""
    share = DESCRIBED / (1 - DESCRIBED) * pairs.weight.sum() / max(len(described), 1)
    return Pairs(
        np.concatenate([pairs.first, described]),
        np.concatenate([pairs.second, described]),
        np.concatenate([pairs.weight, np.full(len(described), share)]),
    )

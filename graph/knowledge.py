"""What experts know, as rules: links between products, links that a query derives, moves of categories.

A rule is a node beside the business rules (`graph.rules`), kept by `graph.knowledge_nodes`. It is a draft until it is
applied: then its links stand in the graph (`graph.claims`, `graph.moves`), and whatever reads the graph reads them.
Undoing takes back exactly these.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from graph.claims import Settled, Weights
from graph.moves import Move

MOST_LINKS = 50_000
HEAVIEST = 1_000.0


class KnowledgeKind(StrEnum):
    """What a rule of knowledge does."""

    RELATE = "RELATE"  # links pairs of products
    DERIVE = "DERIVE"  # links pairs of products that a query finds
    MOVE = "MOVE"  # moves products or a category to another category


class Status(StrEnum):
    """How far a rule is: written down, at work in the graph, or taken back."""

    DRAFT = "DRAFT"
    APPLIED = "APPLIED"
    UNDONE = "UNDONE"


@dataclass(frozen=True)
class Knowledge:
    """A rule of knowledge.

    Attributes:
        created, changed: by the shop's clock.
        relation, says: of RELATE and DERIVE: the relation between products, and its wording if it is new.
        weight: of a link, where the query says none.
        pairs: what RELATE links, with the weight of each.
        cypher: what DERIVE asks the graph.
        move: what MOVE does.
        applied: when its links were last changed.
        links: how many links stand in the graph by it.
    """

    id: str
    kind: KnowledgeKind
    created: datetime
    changed: datetime
    status: Status = Status.DRAFT
    author: str | None = None
    note: str | None = None
    relation: str | None = None
    says: str | None = None
    weight: float = 1.0
    pairs: Weights = field(default_factory=dict)
    cypher: str | None = None
    move: Move | None = None
    applied: datetime | None = None
    links: int = 0


@dataclass(frozen=True)
class Effect:
    """What applying, refreshing or undoing a rule did to the graph: links put, weighted anew and taken back."""

    put: int = 0
    changed: int = 0
    taken: int = 0

    @classmethod
    def of(cls, settled: Settled) -> "Effect":
        return cls(len(settled.put), len(settled.changed), len(settled.taken))

"""Business rules as lists follow them: what is pinned, lifted, lowered and blocked.

A rule is kept in the graph (`graph.rules`). All processes learn of it by the change log, as of a product. What orders
a list (PIN, BOOST, BURY) counts in lists of moments since it was written, so that a list that goes on stays as it was
begun; what is blocked is gone at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from api.services.catalogue import BoolArray
from api.services.cursors import question_digest
from gnn.paths import IntArray
from graph import Rule

RuleKind = Literal["PIN", "BOOST", "BURY", "BLOCK"]
KINDS: tuple[str, ...] = get_args(RuleKind)


@dataclass(frozen=True)
class Located:
    """A rule with the positions of the products that it reaches, in order."""

    rule: Rule
    products: IntArray

    @property
    def deviations(self) -> float:
        """What it puts on a score, in deviations of what products score for people."""
        weight = 1.0 if self.rule.weight is None else self.rule.weight
        return -weight if self.rule.kind == "BURY" else weight


@dataclass(frozen=True)
class Rules:
    """All rules of a state of the model, in the order in which they were created."""

    located: tuple[Located, ...] = ()

    @classmethod
    def of(cls, rules: Iterable[Rule], positions: Mapping[str, int]) -> "Rules":
        """The rules of the kinds that are known here.

        Args:
            rules: as the store has them.
            positions: product id -> position in the model.
        """
        return cls(
            tuple(
                Located(rule, np.array(sorted(positions[key] for key in rule.reaches if key in positions), np.intp))
                for rule in rules
                if rule.kind in KINDS
            )
        )

    def ordering(self, as_of: datetime) -> "Rules":
        """Those that order a list of a moment."""
        return Rules(
            tuple(
                found
                for found in self.located
                if found.rule.kind != "BLOCK" and found.rule.changed <= as_of and active_at(found.rule, as_of)
            )
        )

    @property
    def pins(self) -> list[Located]:
        return [found for found in self.located if found.rule.kind == "PIN"]

    @property
    def pinned_products(self) -> IntArray:
        """All that any pin is for."""
        return np.unique(np.concatenate([np.empty(0, np.intp), *(found.products for found in self.pins)]))

    @property
    def weights(self) -> list[Located]:
        """Those that lift and lower."""
        return [found for found in self.located if found.rule.kind in ("BOOST", "BURY")]

    @cached_property
    def digest(self) -> str:
        """Equal for equal rules, empty for none: a list that goes on under other rules would not fit together."""
        if not self.located:
            return ""
        return question_digest([(found.rule.id, found.rule.changed.isoformat()) for found in self.located])

    def blocked(self, moment: datetime, size: int, known: datetime | None = None) -> BoolArray:
        """(N,) products that are blocked at a moment, by all rules or by what was written until `known`."""
        mask = np.zeros(size, bool)
        for found in self.located:
            written = known is None or found.rule.changed <= known
            if found.rule.kind == "BLOCK" and written and active_at(found.rule, moment):
                mask[found.products] = True
        return mask


def kept_out(rules: Iterable[Rule], moment: datetime) -> frozenset[str]:
    """Ids of products that are blocked at a moment, whether a model knows them or not."""
    blocks = (rule for rule in rules if rule.kind == "BLOCK" and active_at(rule, moment))
    return frozenset(product for rule in blocks for product in rule.reaches)


def active_at(rule: Rule, moment: datetime) -> bool:
    """Whether a moment, by the shop's clock, lies between a rule's start and its end."""
    return (rule.start is None or rule.start <= moment) and (rule.end is None or moment < rule.end)

"""Business rules as people write them: checked, kept in the store, listed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from api.services.cursors import Position, question_digest
from api.services.errors import BadInputError, NotFoundError
from api.services.recommendation import Recommender
from api.services.rules import KINDS, RuleKind
from graph import Rule, Store

HEAVIEST, LAST_POSITION, TARGETS_LIMIT = 10.0, 100, 1_000
_LONGEST = {"ruleId": 200, "author": 200, "note": 2_000}
_FIELDS = {"Product": "productIds", "Category": "categoryIds", "Brand": "brandIds"}
_WEIGHED = ("BOOST", "BURY")
_QUESTION = question_digest("rules")


@dataclass(frozen=True)
class RuleDraft:
    """A rule as somebody sent it."""

    rule_id: str
    kind: RuleKind
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    position: int | None = None
    weight: float | None = None
    start: datetime | None = None
    end: datetime | None = None
    author: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class RulePage:
    """A part of all rules, the oldest first."""

    rules: tuple[Rule, ...]
    now: datetime
    start: int
    has_next: bool

    def place(self, number: int) -> Position:
        """What a cursor after one of the rules, by its number on the page, has to say."""
        rule = self.rules[number]
        return Position(rule.created, "", _QUESTION, self.start + number + 1, 0.0, rule.id)


class Rulebook:
    """Writes and lists rules."""

    def __init__(self, store: Store, recommender: Recommender) -> None:
        self._store = store
        self._recommender = recommender

    def write(self, draft: RuleDraft, author: str | None = None) -> Rule:
        """Writes a rule in place of the one that had its id.

        Args:
            draft: the rule.
            author: who is known to write it; None leaves it to the draft to say.

        Raises:
            BadInputError: naming the first mistake with its place.
        """
        rule = self.rule_of(draft, author)
        missing = self._store.upsert_rule(rule)
        if missing:
            label, key = missing[0]
            raise BadInputError(
                f"there is no {label.lower()} {key}", field=f"rule.{_FIELDS[label]}", remedy="give the shop's own keys"
            )
        return next((stored for stored in self._store.rules() if stored.id == rule.id), rule)

    def rule_of(self, draft: RuleDraft, author: str | None = None) -> Rule:
        """The rule that a draft would be, as of now; arguments as of `write`.

        Raises:
            BadInputError: naming the first mistake with its place.
        """
        draft = _checked(draft)
        now = self._recommender.now()
        return Rule(
            id=draft.rule_id,
            kind=draft.kind,
            created=now,
            changed=now,
            author=author or draft.author,
            note=draft.note,
            weight=draft.weight,
            position=draft.position,
            start=draft.start,
            end=draft.end,
            products=draft.products,
            categories=draft.categories,
            brands=draft.brands,
        )

    def delete(self, rule_id: str) -> str:
        """Deletes a rule.

        Raises:
            NotFoundError: there is none of this id.
        """
        if not self._store.delete_rule(rule_id):
            raise NotFoundError(f"there is no rule {rule_id}", field="ruleId")
        return rule_id

    def page(self, first: int, after: Position | None) -> RulePage:
        """Rules from a place on.

        Raises:
            BadInputError: the place is of another list.
        """
        if after is not None and after.question != _QUESTION:
            remedy = "pass a cursor that came with rules"
            raise BadInputError("the cursor belongs to another list", field="after", remedy=remedy)
        rules = [rule for rule in self._store.rules() if rule.kind in KINDS]
        if after is not None:
            rules = [rule for rule in rules if (rule.created, rule.id) > (after.as_of, after.product)]
        start = after.rank if after is not None else 0
        return RulePage(tuple(rules[:first]), self._recommender.now(), start, len(rules) > first)


def _checked(draft: RuleDraft) -> RuleDraft:
    """A draft with its defaults."""
    if not draft.rule_id.strip():
        raise BadInputError("a rule has an id", field="rule.ruleId", remedy="give one of your own, such as its purpose")
    for name, text in (("ruleId", draft.rule_id), ("author", draft.author), ("note", draft.note)):
        if text is not None and len(text) > _LONGEST[name]:
            remedy = f"use at most {_LONGEST[name]:,}"
            raise BadInputError(f"{name} has {len(text):,} characters", field=f"rule.{name}", remedy=remedy)
    _check_targets((*draft.products, *draft.categories, *draft.brands))
    start, end = _moment(draft.start, "start"), _moment(draft.end, "end")
    if start is not None and end is not None and end <= start:
        raise BadInputError("the rule ends before it starts", field="rule.end", remedy="give a later end, or none")
    _check_position(draft)
    return replace(draft, start=start, end=end, weight=_weight(draft))


def _check_targets(targets: Sequence[str]) -> None:
    if not targets:
        raise BadInputError(
            "the rule is for nothing", field="rule", remedy="give productIds, categoryIds or brandIds it is for"
        )
    if len(targets) > TARGETS_LIMIT:
        remedy = f"name at most {TARGETS_LIMIT:,}, or a category or brand that has them all"
        raise BadInputError(f"the rule names {len(targets):,} things", field="rule", remedy=remedy)


def _check_position(draft: RuleDraft) -> None:
    if draft.kind != "PIN":
        if draft.position is not None:
            raise BadInputError(f"{draft.kind} has no position", field="rule.position", remedy="leave it out")
    elif draft.position is None or not 1 <= draft.position <= LAST_POSITION:
        remedy = f"give a place in the list from 1 to {LAST_POSITION}"
        raise BadInputError("PIN needs a position", field="rule.position", remedy=remedy)


def _weight(draft: RuleDraft) -> float | None:
    if draft.kind not in _WEIGHED:
        if draft.weight is not None:
            raise BadInputError(f"{draft.kind} has no weight", field="rule.weight", remedy="leave it out")
        return None
    weight = 1.0 if draft.weight is None else draft.weight
    if not (math.isfinite(weight) and 0 < weight <= HEAVIEST):
        message, remedy = f"a weight is above 0 and at most {HEAVIEST:g}", "leave it out for 1; BURY lowers by it"
        raise BadInputError(message, field="rule.weight", remedy=remedy)
    return weight


def _moment(given: datetime | None, name: str) -> datetime | None:
    if given is None:
        return None
    if given.tzinfo is None:
        remedy = "give it as in 2026-01-31T12:00:00Z"
        raise BadInputError(f"{name} has no time zone", field=f"rule.{name}", remedy=remedy)
    return given.astimezone(UTC)

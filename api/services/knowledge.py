"""What experts know, as they write it: kept, previewed, applied, undone, listed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from api.services.cursors import Position, question_digest
from api.services.errors import BadInputError, NotFoundError
from api.services.live import LiveModel
from api.services.preview import MOST_ASKED, Preview, Previewer, Step
from api.services.refreshing import shop_time
from graph import Rule, Store
from graph.errors import KnowledgeError, NoSuchRule
from graph.knowledge import Effect, Knowledge, Status
from graph.knowledge_checks import mistakes
from schema.errors import OntologyError

_QUESTION = question_digest("knowledge")
_FIELDS = {"id": "ruleId", "move": "toCategoryId"}
T = TypeVar("T")


@dataclass(frozen=True)
class KnowledgePage:
    """A part of all rules of knowledge, the oldest first."""

    rules: tuple[Knowledge, ...]
    start: int
    has_next: bool

    def place(self, number: int) -> Position:
        """What a cursor after one of the rules, by its number on the page, has to say."""
        rule = self.rules[number]
        return Position(rule.created, "", _QUESTION, self.start + number + 1, 0.0, rule.id)


class Expertise:
    """Rules of knowledge over one store."""

    def __init__(self, store: Store, live: LiveModel) -> None:
        self._store = store
        self._previewer = Previewer(store, live)

    def save(self, rule: Knowledge, author: str | None = None) -> Knowledge:
        """Keeps a rule as a draft, in place of the one that had its id.

        Args:
            rule: what it says.
            author: who is known to write it; None leaves it to the rule to say.

        Raises:
            BadInputError: naming the first mistake with its place.
        """
        return _told(lambda: self._store.save_knowledge(self._checked(rule, author)))

    def apply(self, rule: str) -> tuple[Knowledge, Effect]:
        """Puts what a rule says into the graph, which counts from the next request on in every process.

        Raises:
            NotFoundError: there is none of this id.
            BadInputError: it cannot be applied; nothing was written.
        """
        effect = _told(lambda: self._store.apply_knowledge(rule, shop_time(self._store)))
        return self._store.found_knowledge(rule), effect

    def undo(self, rule: str) -> tuple[Knowledge, Effect]:
        """Takes back exactly what a rule put into the graph.

        Raises:
            NotFoundError: there is none of this id.
            BadInputError: it is not applied, or another one builds on it.
        """
        effect = _told(lambda: self._store.undo_knowledge(rule, shop_time(self._store)))
        return self._store.found_knowledge(rule), effect

    def page(self, first: int, after: Position | None) -> KnowledgePage:
        """Rules from a place on.

        Raises:
            BadInputError: the place is of another list.
        """
        if after is not None and after.question != _QUESTION:
            remedy = "pass a cursor that came with knowledge"
            raise BadInputError("the cursor belongs to another list", field="after", remedy=remedy)
        rules = self._store.knowledge()
        if after is not None:
            rules = [rule for rule in rules if (rule.created, rule.id) > (after.as_of, after.product)]
        return KnowledgePage(tuple(rules[:first]), 0 if after is None else after.rank, len(rules) > first)

    def preview(self, rule: Knowledge | str, people: int, seed: int, step: Step) -> Preview:
        """What a rule would change that is not applied, a stored one by its id; nothing is written.

        Args:
            rule: what it says, or its id.
            people, seed, step: as of `Previewer.knowledge`.

        Raises:
            NotFoundError: there is none of this id.
            BadInputError: it could not be applied, or is.
        """
        _check_people(people)
        said = _told(lambda: self._store.found_knowledge(rule)) if isinstance(rule, str) else self._checked(rule)
        if said.status == Status.APPLIED:
            remedy = "undo it first, or preview what it would say by another id"
            raise BadInputError(f"rule {said.id} is applied", field="rule", remedy=remedy)
        return _told(lambda: self._previewer.knowledge(said, people, seed, step))

    def preview_business(self, rule: Rule, people: int, seed: int, step: Step) -> Preview:
        """The same for a business rule, in place of the one of its id."""
        _check_people(people)
        return self._previewer.business(rule, people, seed, step)

    def _checked(self, rule: Knowledge, author: str | None = None) -> Knowledge:
        """A rule without mistakes, of now."""
        wrong = mistakes(self._store.renew_ontology(), rule)
        if wrong:
            field, message = wrong[0]
            raise BadInputError(message, field=f"rule.{_FIELDS.get(field, field)}")
        now = shop_time(self._store)
        return replace(rule, author=author or rule.author, created=now, changed=now)


def _told(work: Callable[[], T]) -> T:
    """The result of some work; what is wrong with a rule is told as a mistake of whoever wrote it."""
    try:
        return work()
    except NoSuchRule as error:
        raise NotFoundError(str(error), field="ruleId") from error
    except (KnowledgeError, OntologyError) as error:
        raise BadInputError(str(error), field="rule") from error


def _check_people(people: int) -> None:
    if not 1 <= people <= MOST_ASKED:
        remedy = f"ask 1 to {MOST_ASKED:,}"
        raise BadInputError(f"people is {people}", field="people", remedy=remedy)

"""Rules of knowledge follow the graph: what they derive, and what has come or come back, as it is now."""

from dataclasses import dataclass
from datetime import UTC, datetime

from graph import Store, StoreReadOnly
from graph.errors import KnowledgeError
from graph.knowledge import Effect, Status


@dataclass(frozen=True)
class Refreshed:
    """What became of the rules that are applied: what each changed, and why some could not be followed."""

    effects: dict[str, Effect]
    problems: dict[str, str]


def refresh(store: Store) -> Refreshed:
    """Lets every applied rule follow the graph as it is now: what it derives, and what has come or come back.

    A rule whose query returns something else by now stays as it is and is told, as do all where nothing can be written.
    """
    effects: dict[str, Effect] = {}
    problems: dict[str, str] = {}
    applied = [rule.id for rule in store.knowledge() if rule.status == Status.APPLIED]
    for rule in applied:
        try:
            effects[rule] = store.apply_knowledge(rule, shop_time(store))
        except (KnowledgeError, StoreReadOnly) as error:
            problems[rule] = str(error)
    return Refreshed(effects, problems)


def shop_time(store: Store) -> datetime:
    """The shop's clock, in whole milliseconds."""
    now = datetime.now(UTC) + store.clock()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)

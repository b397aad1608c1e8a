"""Reasons as sentences. All words that a shopper reads are in the catalogue of their language."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from api.services.interests import Liking, Told, Words
from api.services.viewing import Unit
from schema.ontology import Ontology, Term

DEFAULT_LOCALE = "en"
HELD_BACK = "BOOST+down"
_FOLDER = files("api.services") / "messages"


@dataclass(frozen=True)
class Reason:
    """What a sentence is about.

    Attributes:
        kind: PATH, TEXT, IMAGE, FEATURE, RELATIONS, LATENT, CROWD, RELEVANCE or BOOST.
        value: below zero for a reason against.
        unit: what it starts from; None for what is put on a score.
        title: of the product it starts from, or the name of what is liked.
        term: of a path.
        names: of the nodes in the middle that may be named.
        group: how many people or baskets stand in the middle; None where that is not said.
        resembles: title of the known product that this one resembles and gets it through.
        resembles_start: whether that is the one that it starts from.
        by_paths: whether paths lead from what it starts from to that one, or behaviour as a whole.
    """

    kind: str
    value: float
    unit: Unit | Told | None
    title: str
    term: Term | None = None
    names: tuple[str, ...] = ()
    group: int | None = None
    resembles: str | None = None
    resembles_start: bool = False
    by_paths: bool = True


class Messages(BaseModel):
    """The words of one language. Placeholders: start, title, did, says, names, group, verb, resembles.

    A template is found by the name of a path's term, else by its kind or that of the contribution.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    did: dict[str, str]  # behaviour -> relative clause
    did_often: dict[str, str]  # the same with {times}
    did_other: str
    looking_at: str
    verbs: dict[str, str]
    verb_other: str
    start: str
    templates: dict[str, str]
    against: str
    separator: str
    more: str


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that there is a catalogue for."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml")))


def messages(locale: str) -> Messages:
    """The words of a language; English where there is no catalogue for it."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return _catalogue(language if language in languages() else DEFAULT_LOCALE)


@cache
def _catalogue(language: str) -> Messages:
    return Messages.model_validate(yaml.safe_load((_FOLDER / f"{language}.yaml").read_text(encoding="utf-8")))


def sentence(reason: Reason, ontology: Ontology, locale: str = DEFAULT_LOCALE) -> str:
    """A reason in words."""
    words = messages(locale)
    term = reason.term
    unit = reason.unit
    template = _template(reason, ontology)
    text = _words_for(words, template, term).format(
        start=words.start.format(title=reason.title, did=_did(words, unit)) if isinstance(unit, Unit) else "",
        title=reason.title,
        says=term.says if term else "",
        names=_listed(words, reason.names),
        group=reason.group,
        verb=_verb(words, ontology, term),
        resembles=reason.resembles,
    )
    return text if reason.value >= 0 or template == HELD_BACK else words.against.format(sentence=text)


def _words_for(words: Messages, template: str, term: Term | None) -> str:
    """A template by the name of the term where the language has one, since it may read better than by its kind."""
    kind, _, more = template.partition("+")
    own = (
        None if term is None or kind != term.kind else words.templates.get(f"{term.name}+{more}" if more else term.name)
    )
    return own or words.templates[template]


def _template(reason: Reason, ontology: Ontology) -> str:
    if reason.kind == "BOOST" and reason.value < 0:
        return HELD_BACK
    if isinstance(reason.unit, Words):
        return f"words+{reason.kind}"
    if isinstance(reason.unit, Liking):
        return "liked+names" if reason.names else "liked"
    if reason.resembles is not None:
        how = "is" if reason.resembles_start else "resembles" if reason.by_paths else "learned"
        return f"{how}+{reason.kind}"
    if reason.kind != "PATH" or reason.term is None:
        return reason.kind
    if reason.term.kind == "meeting":
        by = ontology.meetings[reason.term.name].by
        return by if reason.group is None else f"{by}+group"
    if reason.term.kind == "next":
        return "next" if reason.group is None else "next+group"
    named = reason.term.through_nodes and reason.names
    return f"{reason.term.kind}+names" if named else reason.term.kind


def _did(words: Messages, unit: Unit) -> str:
    if unit.behaviour is None:
        return words.looking_at
    if unit.events > 1 and unit.behaviour in words.did_often:
        return words.did_often[unit.behaviour].format(times=unit.events)
    return words.did.get(unit.behaviour) or words.did_other.format(behaviour=unit.behaviour)


def _verb(words: Messages, ontology: Ontology, term: Term | None) -> str:
    if term is None or term.kind != "meeting":
        return ""
    behaviours = ontology.meetings[term.name].behaviours
    return words.verbs.get(behaviours[0], words.verb_other) if len(behaviours) == 1 else words.verb_other


def _listed(words: Messages, names: tuple[str, ...], shown: int = 3) -> str:
    listed = words.separator.join(names[:shown])
    return listed if len(names) <= shown else words.more.format(names=listed, count=len(names) - shown)

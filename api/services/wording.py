"""Reasons as sentences. All words that a shopper reads are in the catalogue of their language."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.services.interests import Liking, Told, Words
from api.services.viewing import Unit
from schema.ontology import Ontology, Term

DEFAULT_LOCALE = "en"


@dataclass(frozen=True)
class Reason:
    """What a sentence is about.

    Attributes:
        kind: PATH, TEXT, IMAGE, FEATURE, RELATIONS, LATENT or CROWD.
        value: below zero for a reason against.
        unit: what it starts from.
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
    unit: Unit | Told
    title: str
    term: Term | None = None
    names: tuple[str, ...] = ()
    group: int | None = None
    resembles: str | None = None
    resembles_start: bool = False
    by_paths: bool = True


@dataclass(frozen=True)
class Messages:
    """The words of one language. Placeholders: start, title, says, names, more, group, verb, resembles."""

    did: Mapping[str, str]  # behaviour -> relative clause
    did_often: Mapping[str, str]  # the same with {times}
    did_other: str
    looking_at: str
    verbs: Mapping[str, str]
    verb_other: str
    start: str
    templates: Mapping[str, str]
    against: str
    more: str


ENGLISH = Messages(
    did={
        "view": "which you viewed",
        "cart": "which you put into your cart",
        "purchase": "which you bought",
        "rating": "which you rated",
    },
    did_often={
        "view": "which you viewed {times} times",
        "cart": "which you put into your cart {times} times",
        "purchase": "which you bought {times} times",
        "rating": "which you rated {times} times",
    },
    did_other="which is in your history ({behaviour})",
    looking_at="which you are looking at",
    verbs={"view": "viewed", "cart": "put into their carts", "purchase": "bought", "rating": "rated"},
    verb_other="chose",
    start="“{title}”, {did}",
    templates={
        "self": "This is {start}.",
        "user": "Other shoppers {verb} both this and {start}.",
        "user+group": "{group} shoppers {verb} both this and {start}.",
        "basket": "Others had this in one basket with {start}.",
        "basket+group": "This was in {group} baskets together with {start}.",
        "session": "Others {verb} this on the same visit as {start}.",
        "session+group": "On {group} visits, others {verb} both this and {start}.",
        "next": "Other shoppers chose this right after {start}.",
        "next+group": "{group} shoppers chose this right after {start}.",
        "shared": "This {says} {start}.",
        "shared+names": "This {says} {start}: {names}.",
        "common": "What {says} {start}, {says} this as well.",
        "common+names": "What {says} {start}, {says} this as well: {names}.",
        "forward": "{start}, {says} this.",
        "reverse": "This {says} {start}.",
        "liked": "Because you like {title}.",
        "liked+names": "Because you like {title}, which includes {names}.",
        "words+TEXT": "Your words resemble its description.",
        "words+IMAGE": "Your words fit its picture.",
        "words+FEATURE": "Your words fit it.",
        "words+LATENT": "Your words fit what shoppers choose along with this; no single path shows it.",
        "TEXT": "This is described in similar words as {start}.",
        "IMAGE": "This looks similar to {start}.",
        "FEATURE": "This is alike to {start}.",
        "RELATIONS": "This is of the same kind as {start}.",
        "resembles+TEXT": "Its description resembles that of “{resembles}”, which goes with {start}.",
        "resembles+IMAGE": "Its picture resembles that of “{resembles}”, which goes with {start}.",
        "resembles+FEATURE": "It is alike to “{resembles}”, which goes with {start}.",
        "resembles+RELATIONS": "It is of the same kind as “{resembles}”, which goes with {start}.",
        "learned+TEXT": "Its description resembles that of “{resembles}”, which behaviour as a whole links to {start}.",
        "learned+IMAGE": "Its picture resembles that of “{resembles}”, which behaviour as a whole links to {start}.",
        "learned+FEATURE": "It is alike to “{resembles}”, which behaviour as a whole links to {start}.",
        "learned+RELATIONS": "It is of the same kind as “{resembles}”, which behaviour as a whole links to {start}.",
        "is+TEXT": "Its description resembles that of {start}.",
        "is+IMAGE": "Its picture resembles that of {start}.",
        "is+FEATURE": "It is alike to {start}.",
        "is+RELATIONS": "It is of the same kind as {start}.",
        "LATENT": "Shoppers' behaviour as a whole links this to {start}; no single path shows it.",
        # Of either sign: it may be taken off because everybody chooses the two anyway.
        "CROWD": "Taken together, what everybody chooses along with {start}, bears on this; no single path shows it.",
    },
    against="Speaks against it: {sentence}",
    more="{names} and {count} more",
)

_CATALOGUE: dict[str, Messages] = {"en": ENGLISH}


def messages(locale: str) -> Messages:
    """The words of a language; English where there is no catalogue for it."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return _CATALOGUE.get(language, _CATALOGUE[DEFAULT_LOCALE])


def sentence(reason: Reason, ontology: Ontology, locale: str = DEFAULT_LOCALE) -> str:
    """A reason in words."""
    words = messages(locale)
    term = reason.term
    unit = reason.unit
    text = words.templates[_template(reason, ontology)].format(
        start=words.start.format(title=reason.title, did=_did(words, unit)) if isinstance(unit, Unit) else "",
        title=reason.title,
        says=term.says if term else "",
        names=_listed(words, reason.names),
        group=reason.group,
        verb=_verb(words, ontology, term),
        resembles=reason.resembles,
    )
    return text if reason.value >= 0 else words.against.format(sentence=text)


def _template(reason: Reason, ontology: Ontology) -> str:
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
    listed = ", ".join(names[:shown])
    return listed if len(names) <= shown else words.more.format(names=listed, count=len(names) - shown)

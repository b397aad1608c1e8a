from datetime import UTC, datetime
from typing import get_args

import pytest

from api.services.interests import Liking, Words
from api.services.viewing import Unit
from api.services.wording import ENGLISH, Reason, messages, sentence
from gnn.explain import Kind
from schema import Ontology, Term, default_ontology
from schema.ontology import parse_ontology

ONTOLOGY = default_ontology()
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def term(name: str, ontology: Ontology = ONTOLOGY) -> Term:
    return next(term for term in ontology.terms if term.name == name)


def said(name: str | None, behaviour: str | None = "purchase", events: int = 1, **more: object) -> str:
    values = {"kind": "PATH", "value": 1.0, "title": "Red mug", "unit": Unit("p1", behaviour, events, WHEN)} | more
    return sentence(Reason(term=term(name) if name else None, **values), ONTOLOGY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (said("CO_BUYER", group=12), "12 shoppers bought both this and “Red mug”, which you bought."),
        (said("CO_BUYER"), "Other shoppers bought both this and “Red mug”, which you bought."),
        (said("SAME_BASKET", group=7), "This was in 7 baskets together with “Red mug”, which you bought."),
        (said("SAME_BASKET", "view"), "Others had this in one basket with “Red mug”, which you viewed."),
        (
            said("IN_CATEGORY", names=("Mugs", "Gifts")),
            "This is in the same category as “Red mug”, which you bought: Mugs, Gifts.",
        ),
        (
            said("HAS_FEATURE", names=("a", "b", "c", "d", "e")),
            "This shares a feature with “Red mug”, which you bought: a, b, c and 2 more.",
        ),
        (said("NEXT_PRODUCT", group=6), "6 shoppers chose this right after “Red mug”, which you bought."),
        (said("NEXT_PRODUCT"), "Other shoppers chose this right after “Red mug”, which you bought."),
        (
            said("SUBSTITUTES_SHARED", names=("Lamp",)),
            "This can take the place of the same products as “Red mug”, which you bought: Lamp.",
        ),
        (
            said("COMPLEMENTS_COMMON", names=("Lamp", "Vase")),
            "What goes with “Red mug”, which you bought, goes with this as well: Lamp, Vase.",
        ),
        (said("COMPLEMENTS_COMMON"), "What goes with “Red mug”, which you bought, goes with this as well."),
        (said("MADE_BY"), "This is of the same brand as “Red mug”, which you bought."),
        (said("COMPLEMENTS", "cart", 3), "“Red mug”, which you put into your cart 3 times, goes with this."),
        (said("COMPLEMENTS_REVERSE"), "This goes with “Red mug”, which you bought."),
        (said("SAME_PRODUCT", events=2), "This is “Red mug”, which you bought 2 times."),
        (said(None, None, kind="TEXT"), "This is described in similar words as “Red mug”, which you are looking at."),
        (
            said(None, kind="CROWD"),
            "Taken together, what everybody chooses along with “Red mug”, which you bought, bears on this; "
            "no single path shows it.",
        ),
        (
            said(None, kind="CROWD", value=-1.0),
            "Speaks against it: Taken together, what everybody chooses along with “Red mug”, which you bought, "
            "bears on this; no single path shows it.",
        ),
        (said(None, kind="IMAGE"), "This looks similar to “Red mug”, which you bought."),
        (said(None, "wish", kind="IMAGE"), "This looks similar to “Red mug”, which is in your history (wish)."),
        (said("MADE_BY", unit=Liking("MADE_BY", "b"), title="Acme"), "Because you like Acme."),
        (
            said("IN_CATEGORY", unit=Liking("IN_CATEGORY", "c"), title="Home", names=("Mugs",)),
            "Because you like Home, which includes Mugs.",
        ),
        (said(None, kind="TEXT", unit=Words("a {gift}")), "Your words resemble its description."),
        (said(None, kind="IMAGE", unit=Words("a gift")), "Your words fit its picture."),
        (
            said(None, kind="LATENT", unit=Words("a gift"), value=-1.0),
            "Speaks against it: Your words fit what shoppers choose along with this; no single path shows it.",
        ),
        (
            said("MADE_BY", value=-0.5),
            "Speaks against it: This is of the same brand as “Red mug”, which you bought.",
        ),
    ],
)
def test_a_reason_reads_as_a_sentence(text: str, expected: str) -> None:
    assert text == expected


def test_a_title_may_hold_braces_and_percent_signs() -> None:
    assert "“{0} 100 % {title}”" in said("MADE_BY", title="{0} 100 % {title}")


def test_every_kind_of_path_and_contribution_has_words() -> None:
    own = {"meetings": {"SAME_VISIT": {"by": "session", "behaviours": ["view", "cart"], "says": "was seen with"}}}
    ontology = parse_ontology(own, where="test")
    unit = Unit("p1", "view", 1, WHEN)
    for found in ontology.terms:
        for group in (None, 9):
            text = sentence(Reason("PATH", 1.0, unit, "Mug", found, group=group), ontology)
            assert text.endswith(".")
            assert "Mug" in text
    for kind in get_args(Kind):
        if kind == "PATH":
            continue
        assert "Mug" in sentence(Reason(kind, 1.0, unit, "Mug"), ontology)
    for kind in ("TEXT", "IMAGE", "FEATURE", "RELATIONS"):
        through = sentence(Reason(kind, 1.0, unit, "Mug", resembles="Cup"), ontology)
        assert "Mug" in through and "Cup" in through
        learned = sentence(Reason(kind, 1.0, unit, "Mug", resembles="Cup", by_paths=False), ontology)
        assert "Mug" in learned and "Cup" in learned and learned != through
        itself = sentence(Reason(kind, 1.0, unit, "Mug", resembles="Mug", resembles_start=True), ontology)
        assert itself.count("Mug") == 1


def test_a_language_without_a_catalogue_gets_english() -> None:
    assert messages("en-GB") is messages("tlh") is ENGLISH

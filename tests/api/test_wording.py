from datetime import UTC, datetime
from string import Formatter
from typing import Any, get_args

import pytest

from api.services.interests import Liking, Words
from api.services.viewing import Extra, Unit
from api.services.wording import Reason, languages, messages, sentence
from gnn.explain import Kind
from schema import Ontology, Term, default_ontology
from schema.ontology import parse_ontology

ONTOLOGY = default_ontology()
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def term(name: str, ontology: Ontology = ONTOLOGY) -> Term:
    return next(term for term in ontology.terms if term.name == name)


def said(
    name: str | None, behaviour: str | None = "purchase", events: int = 1, locale: str = "en", **more: object
) -> str:
    values = {"kind": "PATH", "value": 1.0, "title": "Red mug", "unit": Unit("p1", behaviour, events, WHEN)} | more
    return sentence(Reason(term=term(name) if name else None, **values), ONTOLOGY, locale)  # type: ignore[arg-type]


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


@pytest.mark.parametrize("locale", languages())
def test_every_kind_of_path_and_contribution_has_words(locale: str) -> None:
    own = {"meetings": {"SAME_VISIT": {"by": "session", "behaviours": ["view", "cart"], "says": "was seen with"}}}
    ontology = parse_ontology(own, where="test")
    unit = Unit("p1", "view", 1, WHEN)

    def said(*values: Any, **more: Any) -> str:
        text = sentence(Reason(*values, **more), ontology, locale)
        assert text.endswith((".", "。"))
        assert "{" not in text
        return text

    for found in ontology.terms:
        for group in (None, 9):
            assert "Mug" in said("PATH", 1.0, unit, "Mug", found, group=group)
        if found.through_nodes:
            assert "Cup" in said("PATH", 1.0, unit, "Mug", found, names=("Cup",))
    for kind in get_args(Kind):
        if kind == "PATH":
            continue
        assert "Mug" in said(kind, 1.0, unit, "Mug")
    for kind in ("TEXT", "IMAGE", "FEATURE", "RELATIONS"):
        through = said(kind, 1.0, unit, "Mug", resembles="Cup")
        assert "Mug" in through and "Cup" in through
        learned = said(kind, 1.0, unit, "Mug", resembles="Cup", by_paths=False)
        assert "Mug" in learned and "Cup" in learned and learned != through
        itself = said(kind, 1.0, unit, "Mug", resembles="Mug", resembles_start=True)
        assert "Mug" in itself and itself != through
    for extra in get_args(Extra.__annotations__["kind"]):
        assert said(extra, 1.0, None, "") != said(extra, -1.0, None, "")


@pytest.mark.parametrize("locale", languages())
def test_a_language_has_every_template_with_its_placeholders(locale: str) -> None:
    english, words = messages("en"), messages(locale)
    assert set(english.templates) <= set(words.templates)
    terms = {f"{term.name}{more}": f"{term.kind}{more}" for term in ONTOLOGY.terms for more in ("", "+names")}
    for name, template in words.templates.items():
        wanted = placeholders(english.templates[name if name in english.templates else terms[name]])
        given = placeholders(template)
        assert given <= wanted | {"verb"}, name
        assert wanted - given <= {"says", "verb"}, name
    for section in ("did", "did_often", "verbs"):
        assert getattr(words, section).keys() == getattr(english, section).keys()


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (said("CO_BUYER", group=12, locale="zh"), "有12位顾客既购买了本商品，也购买了您购买过的“Red mug”。"),
        (said("MADE_BY", names=("Acme",), locale="zh"), "本商品与您购买过的“Red mug”是同一品牌：Acme。"),
        (said("COMPLEMENTS", "view", 3, locale="zh-CN"), "您浏览过3次的“Red mug”适合与本商品搭配。"),
        (
            said("HAS_FEATURE", names=("a", "b", "c", "d"), locale="zh_TW"),
            "本商品与您购买过的“Red mug”有相同的特点：a、b、c以及另外1项。",
        ),
        (
            said(None, None, kind="TEXT", value=-1, locale="zh"),
            "不利因素：本商品的文字描述与您正在查看的“Red mug”相近。",
        ),
        (said(None, kind="BOOST", unit=None), "The shop puts this forward at the moment."),
        (said(None, kind="BOOST", unit=None, value=-1.0), "The shop holds this back at the moment."),
        (said(None, kind="RELEVANCE", unit=None, locale="zh"), "本商品符合您的搜索。"),
    ],
)
def test_a_reason_reads_as_a_sentence_in_any_language(text: str, expected: str) -> None:
    assert text == expected


def test_a_language_without_a_catalogue_gets_english() -> None:
    for locale in ("en-GB", "tlh", "", "../en"):
        assert messages(locale) is messages("en")


def test_a_relation_of_the_shops_own_is_said_in_its_own_words() -> None:
    own = {"nodes": {"Material": {}}, "relations": {"MADE_OF": {"from": "Product", "to": "Material", "says": "is of"}}}
    ontology = parse_ontology(own, where="test")
    reason = Reason("PATH", 1.0, Unit("p1", "view", 1, WHEN), "Mug", term("MADE_OF", ontology), names=("oak",))
    assert sentence(reason, ontology, "zh") == "本商品与您浏览过的“Mug”相关联（is of）：oak。"

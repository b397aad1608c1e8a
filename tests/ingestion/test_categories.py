import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.categories import OTHER, category_of, derive_categories, singular, slug, words_of
from ingestion.rules import CategoryRule

RULE = CategoryRule.model_validate(
    {
        "from": "title",
        "tree": {
            "Kitchen": {"Mugs & cups": ["mug", "egg cup"], "Boxes": ["box"], "Unused": ["ladle"]},
            "Home": {"Frames": ["photo frame", "frame"], "Pictures": ["photo"], "Decorations": ["decoration"]},
        },
        "motifs": {"Decorations": ["heart", "star"]},
    }
)


def _category(title: str) -> str:
    return derive_categories({"p": title}, RULE).of["p"]


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("RED MUG", "mugs-cups"),
        ("SET OF 6 MUGS", "mugs-cups"),
        ("MUG IN BOX", "mugs-cups"),
        ("BOX WITH MUG AND FRAME", "boxes"),
        ("SILVER PHOTO FRAME", "frames"),
        ("FRAME PHOTO", "pictures"),
        ("HEART MUG", "mugs-cups"),
        ("MUG HEARTS", "mugs-cups"),
        ("GLASS HEART", "decorations"),
        ("THING FOR MUGS", "mugs-cups"),
        ("CUP", OTHER),
        ("EGG CUPS, BLUE", "mugs-cups"),
        ("", OTHER),
        ("12", OTHER),
    ],
)
def test_the_last_word_that_names_a_thing_decides(title: str, category: str) -> None:
    assert _category(title) == category


def test_only_categories_in_use_and_their_parents_are_made_parents_first() -> None:
    derived = derive_categories({"1": "MUG", "2": "STAR", "3": "?"}, RULE)
    assert [(c.id, c.name, c.parent) for c in derived.categories] == [
        ("kitchen", "Kitchen", None),
        ("home", "Home", None),
        ("other", "Everything else", None),
        ("mugs-cups", "Mugs & cups", "kitchen"),
        ("decorations", "Decorations", "home"),
    ]


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("mugs", "mug"), ("boxes", "box"), ("dishes", "dish"), ("candies", "candy"), ("glasses", "glass"),
        ("glass", "glass"), ("bus", "bus"), ("frames", "frame"), ("matches", "match"), ("gas", "gas"),
    ],
)  # fmt: skip
def test_plurals_become_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_ids_are_readable() -> None:
    assert slug("Jugs, pots & jars") == "jugs-pots-jars"


@given(st.text(), st.text())
def test_every_title_has_a_category_whatever_it_is_and_whoever_asks(title: str, other: str) -> None:
    known = {"mugs-cups", "boxes", "frames", "pictures", "decorations", OTHER}
    assert _category(title) in known
    assert derive_categories({"b": other, "a": title}, RULE).of["a"] == _category(title)
    assert category_of(f"mug with {other}", {words_of("mug"): "mugs"}, {}) == "mugs"

"""Categories from the titles of products, for a shop that has none.

The mapping lists a tree of two levels: departments, and in each its categories with the words that name
such things. The rule, which needs nothing but the title:

1. A title's words are its runs of letters, in small letters and singular; `-` and `'` part words.
2. What follows "with", "in", "for" and the like only describes the thing: the part before it counts
   first, the whole title where that part names nothing.
3. The listed word, or words in a row, that end last name the thing ("photo frame", not "photo"); of
   two with the same end, the longer.
4. Words that often only decorate ("heart", "flower") are listed under `motifs` and asked last.
5. A product that names nothing listed belongs to the category `other`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ingestion.rules import CategoryRule

OTHER = "other"
_WORD = re.compile(r"[a-z]+")
_CUTS = frozenset(("with", "in", "on", "for", "from", "to", "by", "without"))

Phrases = Mapping[tuple[str, ...], str]
"""Words in a row and the category that they name."""


@dataclass(frozen=True)
class Category:
    """A category with a readable id and, on the second level, its parent."""

    id: str
    name: str
    parent: str | None


@dataclass(frozen=True)
class Categories:
    """Categories, parents before children, and the one of each product."""

    categories: tuple[Category, ...]
    of: Mapping[str, str]


def derive_categories(titles: Mapping[str, str], rule: CategoryRule) -> Categories:
    """Sorts products into the tree of a mapping by their titles; see the module for the rule.

    Args:
        titles: product id -> title.
    """
    named, motifs = _phrases(rule.tree), _phrases({"": rule.motifs})
    of = {product: category_of(title, named, motifs) for product, title in titles.items()}
    used = set(of.values())
    return Categories(tuple(_used(rule, used)), of)


def category_of(title: str, named: Phrases, motifs: Phrases) -> str:
    """The category that a title names."""
    words = words_of(title)
    cut = next((k for k, word in enumerate(words) if word in _CUTS and k > 0), len(words))
    for part, phrases in ((words[:cut], named), (words, named), (words[:cut], motifs), (words, motifs)):
        if found := _last(part, phrases):
            return found
    return OTHER


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text as the rule sees them: small letters, singular."""
    return tuple(singular(word) for word in _WORD.findall(text.lower()))


def singular(word: str) -> str:
    """The word without its plural ending, by the regular rules of English."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def slug(name: str) -> str:
    """A readable id: small letters and digits, parted by `-`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _phrases(tree: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Phrases:
    return {
        words_of(phrase): slug(leaf)
        for leaves in tree.values()
        for leaf, phrases in leaves.items()
        for phrase in phrases
    }


def _last(words: tuple[str, ...], phrases: Phrases) -> str | None:
    longest = max(map(len, phrases), default=0)
    for end in range(len(words), 0, -1):
        for start in range(max(end - longest, 0), end):
            if found := phrases.get(words[start:end]):
                return found
    return None


def _used(rule: CategoryRule, used: set[str]) -> Iterator[Category]:
    departments = {name: [leaf for leaf in leaves if slug(leaf) in used] for name, leaves in rule.tree.items()}
    yield from (Category(slug(name), name, None) for name, leaves in departments.items() if leaves)
    if OTHER in used:
        yield Category(OTHER, "Everything else", None)
    for name, leaves in departments.items():
        yield from (Category(slug(leaf), leaf, slug(name)) for leaf in leaves)

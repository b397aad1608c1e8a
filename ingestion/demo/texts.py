"""Titles and descriptions of the demo shop's products; they say nothing that is not so."""

from dataclasses import dataclass

from ingestion.demo.words import Words


@dataclass(frozen=True)
class Design:
    """A product apart from its colour; positions into the lists of `Words`, names where words are needed."""

    place: int
    brand: int
    style: str
    material: str
    size: str
    series: str
    level: float


def title(words: Words, design: Design, colour: str) -> str:
    """In the wording that the brand keeps to."""
    packed = words.places[design.place].leaf.pack is not None
    pattern = words.packed if packed else words.patterns[design.brand % len(words.patterns)]
    return f"{pattern.format(**_fillings(words, design, colour))}, {design.size}"


def description(words: Words, design: Design, colour: str) -> str:
    """What it is, what it is made of, what it is good for, how it looks."""
    opening = words.openings[design.brand % len(words.openings)].format(**_fillings(words, design, colour))
    return " ".join(
        [opening, words.materials[design.material], words.places[design.place].leaf.use, words.styles[design.style]]
    )


def _fillings(words: Words, design: Design, colour: str) -> dict[str, str]:
    leaf = words.places[design.place].leaf
    one = leaf.noun if leaf.plural else f"{_article(leaf.noun)} {leaf.noun}"
    coloured = f"{colour} {leaf.noun}" if leaf.plural else f"{_article(colour)} {colour} {leaf.noun}"
    in_pack = f"{one} in {_article(colour)} {colour} {leaf.pack}"
    return {
        "brand": words.brands[design.brand],
        "series": design.series,
        "material": design.material,
        "colour": colour,
        "noun": leaf.noun,
        "pack": leaf.pack or "",
        "one": in_pack if leaf.pack else coloured,
        "one_in_colour": in_pack if leaf.pack else f"{one} in {colour}",
    }


def _article(word: str) -> str:
    return "an" if word[0].lower() in "aeiou" else "a"

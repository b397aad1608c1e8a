"""The demo shop's products: designs of brands, each in some colours, worded, priced and related.

**Shapes**: N products in the order of their kinds (leaves of the category tree), B brands.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ingestion.demo.fitting import FloatArray, IntArray, Looks, draw_complements, draw_substitutes
from ingestion.demo.texts import Design, description, title
from ingestion.demo.words import Words


@dataclass(frozen=True)
class Catalogue:
    """Products as columns.

    Attributes:
        looks: kind, brand, style and colour as positions into the lists of `Words`.
        material: its name.
        complements: (N, K) products that go with it; rows are filled up with `fitting.NONE`.
        substitutes: (N, 2) likewise, products that can take its place.
    """

    looks: Looks
    material: list[str]
    price: FloatArray
    titles: list[str]
    descriptions: list[str]
    complements: IntArray
    substitutes: IntArray

    def __len__(self) -> int:
        return len(self.titles)


@dataclass(frozen=True)
class _Brands:
    """What brands stand for: (B, departments) where they sell, (B, 2) their styles, (B,) their price level."""

    sells: NDArray[np.bool_]
    styles: IntArray
    level: FloatArray


def draw_catalogue(words: Words, rng: Generator, count: int) -> Catalogue:
    """A catalogue of `count` products."""
    brands = _draw_brands(words, rng)
    sizes = rng.multinomial(count, rng.dirichlet(np.full(len(words.places), 12.0)))
    designs: list[Design] = []
    colours: list[int] = []
    of: list[int] = []  # the design of each product
    for place, size in enumerate(sizes):
        for design, some in _draw_designs(words, brands, rng, place, int(size)):
            of += [len(designs)] * len(some)
            colours += some
            designs.append(design)
    return _assemble(words, rng, [designs[i] for i in of], np.array(colours, dtype=int), np.array(of, dtype=int))


def _draw_brands(words: Words, rng: Generator) -> _Brands:
    count, departments = len(words.brands), len(words.departments)
    sells = np.zeros((count, departments), bool)
    sells[np.arange(count), np.arange(count) % departments] = True  # no department is without brands
    sells[np.arange(count), rng.integers(departments, size=count)] = True
    styles = rng.permuted(np.tile(np.arange(len(words.styles)), (count, 1)), axis=1)[:, :2]
    return _Brands(sells, styles, rng.normal(0, 0.35, count))


def _draw_designs(
    words: Words, brands: _Brands, rng: Generator, place: int, count: int
) -> list[tuple[Design, list[int]]]:
    """Designs of one kind with their colours, `count` products in all."""
    leaf = words.places[place].leaf
    allowed = [list(words.colours).index(name) for name in leaf.colours or words.colours]
    series = rng.permutation(np.array(words.series))
    drawn: list[tuple[Design, list[int]]] = []
    while count > 0:
        wanted = min(1 + int(rng.poisson(1.3)), len(allowed), count)
        drawn.append(
            (
                _draw_design(words, brands, rng, place, _name(series, len(drawn))),
                rng.choice(allowed, wanted, replace=False).tolist(),
            )
        )
        count -= wanted
    return drawn


def _name(series: NDArray[np.str_], number: int) -> str:
    """No two designs of a kind have the same name."""
    turn, name = divmod(number, len(series))
    return f"{series[name]} {turn + 1}" if turn else str(series[name])


def _draw_design(words: Words, brands: _Brands, rng: Generator, place: int, series: str) -> Design:
    leaf = words.places[place].leaf
    brand = int(rng.choice(np.flatnonzero(brands.sells[:, words.places[place].number])))
    return Design(
        place=place,
        brand=brand,
        style=list(words.styles)[brands.styles[brand, int(rng.random() < 0.3)]],
        material=leaf.materials[rng.integers(len(leaf.materials))],
        size=leaf.sizes[rng.integers(len(leaf.sizes))],
        series=series,
        level=float(brands.level[brand] + rng.normal(0, 0.25)),
    )


def _assemble(words: Words, rng: Generator, designs: list[Design], colours: IntArray, of: IntArray) -> Catalogue:
    names, styles = list(words.colours), list(words.styles)
    looks = Looks(
        leaf=np.array([design.place for design in designs], dtype=int),
        design=of,
        style=np.array([styles.index(design.style) for design in designs], dtype=int),
        brand=np.array([design.brand for design in designs], dtype=int),
        colour=colours,
        level=np.array([design.level for design in designs]),
    )
    coloured = [(design, names[colour]) for design, colour in zip(designs, colours, strict=True)]
    return Catalogue(
        looks=looks,
        material=[design.material for design in designs],
        price=_prices(words, looks),
        titles=[title(words, design, colour) for design, colour in coloured],
        descriptions=[description(words, design, colour) for design, colour in coloured],
        complements=draw_complements(words, looks, rng),
        substitutes=draw_substitutes(looks, rng),
    )


def _prices(words: Words, looks: Looks) -> FloatArray:
    """By the price level around the middle of the kind's range, within it, ending in 50 or 90 cents."""
    low, high = np.array([place.leaf.price for place in words.places]).T
    price = np.sqrt(low * high)[looks.leaf] * np.exp(looks.level)
    price = np.floor(np.clip(price, low[looks.leaf], high[looks.leaf] - 1))
    return np.asarray(price + np.where(looks.design % 3 == 0, 0.5, 0.9))

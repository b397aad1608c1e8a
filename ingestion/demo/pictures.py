"""The demo shop's product pictures: simple drawings in the product's colour and style.

A drawing is painted once for each kind of product and style, as a map of roles (body, shade, metal, …).
A picture is then that map looked up in the palette of a colour, which is why thousands take seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 160

_SCALE = 2  # painted larger and reduced, for smooth edges
_SIDE = SIZE * _SCALE
_GROUND = 0.9

Colour = tuple[int, int, int]
Roles = NDArray[np.uint8]
"""(side, side) positions in `_ROLES`."""

_FIXED: dict[str, Colour] = {
    "ink": (48, 46, 52),
    "paper": (252, 250, 245),
    "wood": (176, 128, 82),
    "metal": (196, 202, 208),
    "steel": (150, 158, 168),
    "glow": (250, 206, 104),
    "green": (88, 142, 92),
    "rose": (226, 120, 128),
    "sky": (120, 178, 214),
}
_ROLES = ("backdrop", "disc", "shadow", "main", "dark", "light", "pattern", *_FIXED)

# One soft tint for each department, so that a shelf of pictures shows where it belongs.
_TINTS: tuple[Colour, ...] = (
    (247, 232, 218),
    (231, 235, 246),
    (224, 240, 240),
    (229, 241, 222),
    (250, 240, 208),
    (246, 226, 232),
    (236, 228, 246),
    (232, 232, 228),
)


@dataclass(frozen=True)
class Picture:
    """What decides a picture: kind of product, its department, style, colour, and whether it is turned."""

    kind: str
    department: int
    style: str
    colour: Colour
    turned: bool


def paint(picture: Picture) -> Image.Image:
    """The picture of a product, SIZE x SIZE."""
    roles = _drawing(picture.kind, picture.style)
    if picture.turned:
        roles = roles[:, ::-1]
    indexed = Image.fromarray(roles)
    indexed.putpalette(_palette(picture).tobytes())
    return indexed.convert("RGB").reduce(_SCALE)


def kinds() -> list[str]:
    """The kinds of products that there are drawings of."""
    return list(_drawings())


@cache
def _drawings() -> dict[str, list[str]]:
    text = (files("ingestion.demo") / "pictures.yaml").read_text(encoding="utf-8")
    drawings: dict[str, list[str]] = yaml.safe_load(text)
    return drawings


@cache
def _drawing(kind: str, style: str) -> Roles:
    canvas = Image.new("L", (_SIDE, _SIDE), _ROLES.index("backdrop"))
    pen = ImageDraw.Draw(canvas)
    pen.ellipse(_scaled([4, 4, 96, 96]), fill=_ROLES.index("disc"))
    pen.ellipse(_scaled([16, 84, 84, 95]), fill=_ROLES.index("shadow"))
    for step in _drawings()[kind]:
        _draw(pen, step)
    roles = np.array(canvas)
    main = roles == _ROLES.index("main")
    roles[main & _pattern(style)] = _ROLES.index("pattern")
    return roles


def _draw(pen: ImageDraw.ImageDraw, step: str) -> None:
    shape, role, *numbers = step.split()
    fill = _ROLES.index(role)
    values = [float(number) for number in numbers]
    match shape:
        case "rect":
            pen.rounded_rectangle(_scaled(values[:4]), radius=values[4] * _SIDE / 100 * _GROUND, fill=fill)
        case "ellipse":
            pen.ellipse(_scaled(values), fill=fill)
        case "poly":
            pen.polygon(_scaled(values), fill=fill)
        case "blob":
            pen.polygon(_scaled(_smooth(values, closed=True)), fill=fill)
        case "line" | "curve":
            points = _smooth(values[1:], closed=False) if shape == "curve" else values[1:]
            pen.line(_scaled(points), fill=fill, width=_width(values[0]), joint="curve")
        case "arc":
            pen.arc(_scaled(values[1:5]), values[5], values[6], fill=fill, width=_width(values[0]))
        case _:
            raise ValueError(f"pictures.yaml: no shape {shape} in {step!r}")


def _scaled(values: Sequence[float]) -> list[float]:
    """From the field of 100 to pixels, with a margin around."""
    margin = (1 - _GROUND) / 2 * _SIDE
    return [margin + value / 100 * _GROUND * _SIDE for value in values]


def _width(value: float) -> int:
    return max(1, round(value / 100 * _GROUND * _SIDE))


def _smooth(values: Sequence[float], *, closed: bool) -> list[float]:
    """A Catmull-Rom curve through points, eight steps between two of them."""
    points = np.array(values).reshape(-1, 2)
    ends = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    p = np.concatenate([ends[0], points, ends[1]])
    t = np.linspace(0, 1, 8, endpoint=False)[:, None, None]
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat: list[float] = curve.transpose(1, 0, 2).reshape(-1, 2).ravel().tolist()
    return flat if closed else [*flat, *points[-1].tolist()]


@cache
def _pattern(style: str) -> NDArray[np.bool_]:
    """(side, side) where the pattern of a style shows on the body of a product."""
    y, x = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    speckles = np.random.default_rng(5).random((_SIDE // 4, _SIDE // 4)) < 0.07
    patterns = {
        "Nordic": np.zeros_like(x, bool),
        "Rustic": np.kron(speckles, np.ones((4, 4), bool)),
        "Modern": y > 0.62,
        "Vintage": ((x * 18 % 1 - 0.5) ** 2 + ((y * 18 + (x * 18 // 1 % 2) / 2) % 1 - 0.5) ** 2) < 0.05,
        "Bohemian": np.abs((y * 12 % 1) - np.abs(x * 12 % 1 - 0.5)) < 0.16,
        "Classic": x * 20 % 1 < 0.3,
        "Playful": ((x * 7 % 1 - 0.5) ** 2 + ((y * 7 + (x * 7 // 1 % 2) / 2) % 1 - 0.5) ** 2) < 0.09,
        "Industrial": (y * 9 % 1 < 0.16),
    }
    return np.asarray(patterns[style])


def _palette(picture: Picture) -> NDArray[np.uint8]:
    """(roles, 3)."""
    tint, main = np.array(_TINTS[picture.department % len(_TINTS)]), np.array(picture.colour)
    dark, light = main * 0.74, main + (255 - main) * 0.42
    pattern = main * 0.86 if main.mean() > 140 else main + (255 - main) * 0.2
    moods = [tint, tint + (255 - tint) * 0.55, tint * 0.86, main, dark, light, pattern]
    return np.array([*moods, *_FIXED.values()]).round().astype(np.uint8)

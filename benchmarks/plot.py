"""Line plots as SVG text: panels side by side over one legend, readable on light and dark pages.

Lines differ in colour and in dashes, so that they can be told apart without colour as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 440, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 44, 50
LEGEND_ROW, LEGEND_COLUMN = 22, 220
TICKS = 5
# With fewer powers of ten, twos and fives are told as well.
FEW_DECADES = 3
# Colours for light pages and for dark ones, after Okabe and Ito; further lines begin again.
COLOURS = (
    ("#0072b2", "#56b4e9"),
    ("#c05500", "#f0a04b"),
    ("#00805c", "#2fc79a"),
    ("#a0468a", "#dd92c6"),
    ("#8a6d00", "#e6cf4a"),
    ("#5b6472", "#aab2c0"),
    ("#b3261e", "#f2857c"),
)
DASHES = ("", "7 3", "2 3", "9 3 2 3", "", "5 5", "1 4")


@dataclass(frozen=True)
class Line:
    """Points from left to right, (P,) each; numbers that are not finite are left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float]

    def points(self) -> list[tuple[float, float]]:
        """Those that can be drawn."""
        pairs = zip(self.x, self.y, strict=True)
        return [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]


@dataclass(frozen=True)
class Panel:
    """One pair of axes; a linear y axis begins at 0, so that heights compare."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log: bool = False


@dataclass(frozen=True)
class _Axis:
    """From numbers to pixels: `low` at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: Sequence[float]

    def place(self, value: float) -> float:
        low, high, at = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)


def svg(panels: Sequence[Panel], description: str) -> str:
    """The panels as a picture.

    Args:
        panels: a line has the same colour in each of them.
        description: what the picture shows, for those who cannot see it.
    """
    names = list(dict.fromkeys(line.name for panel in panels for line in panel.lines))
    width = WIDTH * len(panels)
    columns = max(1, (width - LEFT) // LEGEND_COLUMN)
    height = HEIGHT + LEGEND_ROW * math.ceil(len(names) / columns) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" aria-label="{escape(description)}">',
        _style(len(names)),
        f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>',
        *(
            f'<g transform="translate({WIDTH * number} 0)">{_panel(panel, names)}</g>'
            for number, panel in enumerate(panels)
        ),
        *(
            _legend(
                number, name, LEFT + LEGEND_COLUMN * (number % columns), HEIGHT + 8 + LEGEND_ROW * (number // columns)
            )
            for number, name in enumerate(names)
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style(lines: int) -> str:
    """The card is drawn, so that it can be read where a page is dark and the reader's system is light."""
    light, dark = (
        "".join(f".c{n}{{color:{COLOURS[n % len(COLOURS)][shade]}}}" for n in range(lines)) for shade in (0, 1)
    )
    return (
        f"<style>.card{{fill:#fff;stroke:#c8ccd4}}.t{{fill:#1d2430}}.s{{fill:#5b6472}}.grid{{stroke:#e4e7ec}}{light}"
        "@media(prefers-color-scheme:dark){.card{fill:#161b22;stroke:#3a424e}.t{fill:#e8ebf0}.s{fill:#a4adba}"
        f".grid{{stroke:#2b323c}}{dark}}}</style>"
    )


def _panel(panel: Panel, names: Sequence[str]) -> str:
    points = [point for line in panel.lines for point in line.points()]
    parts = [f'<text class="t" x="{LEFT}" y="24" font-size="14" font-weight="600">{escape(panel.title)}</text>']
    if not points:
        return "".join([*parts, f'<text class="s" x="{LEFT}" y="{TOP + 20}">nothing was measured</text>'])
    x = _axis([x for x, _ in points], LEFT, WIDTH - RIGHT, log=panel.log)
    y = _axis([y for _, y in points], HEIGHT - BOTTOM, TOP, log=panel.log, from_zero=True)
    parts += [_across(tick, y.place(tick)) for tick in y.ticks]
    parts += [_below(tick, x.place(tick)) for tick in x.ticks]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="s" text-anchor="middle" x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 14}">'
        f"{escape(panel.x_label)}</text>"
        f'<text class="s" text-anchor="middle" transform="translate(14 {middle:g}) rotate(-90)">'
        f"{escape(panel.y_label)}</text>"
    )
    parts += [_line(line, names.index(line.name), x, y) for line in panel.lines if line.points()]
    return "\n".join(parts)


def _line(line: Line, number: int, x: _Axis, y: _Axis) -> str:
    places = [(x.place(a), y.place(b)) for a, b in line.points()]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.4" fill="currentColor"/>' for a, b in places)
    return f'<g class="c{number}"><polyline points="{path}" {_pen(number)}/>{dots}</g>'


def _legend(number: int, name: str, x: float, y: float) -> str:
    return (
        f'<g class="c{number}"><path d="M{x:g} {y:g} h26" {_pen(number)}/></g>'
        f'<text class="t" x="{x + 34:g}" y="{y + 4:g}">{escape(name)}</text>'
    )


def _pen(number: int) -> str:
    return f'fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="{DASHES[number % len(DASHES)]}"'


def _across(tick: float, y: float) -> str:
    return (
        f'<path class="grid" d="M{LEFT} {y:.1f} H{WIDTH - RIGHT}"/>'
        f'<text class="s" text-anchor="end" x="{LEFT - 6}" y="{y + 4:.1f}">{shortened(tick)}</text>'
    )


def _below(tick: float, x: float) -> str:
    return f'<text class="s" text-anchor="middle" x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}">{shortened(tick)}</text>'


def _axis(values: Sequence[float], start: float, end: float, *, log: bool, from_zero: bool = False) -> _Axis:
    low, high = min(values), max(values)
    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        decades = range(first, max(last, first + 1) + 1)
        between = (1, 2, 5) if len(decades) <= FEW_DECADES else (1,)
        ticks = [factor * 10.0**n for n in decades for factor in between if factor * 10.0**n <= 10.0 ** decades[-1]]
        return _Axis(10.0 ** decades[0], 10.0 ** decades[-1], start, end, True, ticks)
    low = min(low, 0.0) if from_zero else low
    high = high if high > low else low + 1
    step = _step((high - low) / TICKS)
    if from_zero:
        low, high = step * math.floor(low / step), step * math.ceil(high / step)
    return _Axis(
        low, high, start, end, False, [step * n for n in range(math.ceil(low / step), round(high / step + 0.5))]
    )


def _step(wanted: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (or their tenths) that is at least what is wanted."""
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted * (1 - 1e-9))


def shortened(number: float) -> str:
    """1,000,000 as 1M; what is below a thousand with as many digits as it needs."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:g}{letter}"
    return f"{number:.4g}"

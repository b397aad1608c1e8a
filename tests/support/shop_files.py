"""A small shop as a person would bring it: CSV files, pictures and a mapping. Seeded, with planted tastes."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2026, 1, 1, tzinfo=UTC)
THEMES = ("tea", "coffee", "garden", "paper", "candle")

MAPPING = """format: 1
name: corner-shop
clock: data
images: pictures
sources:
  - path: products.csv
    columns: {id: {}, title: {}, price: {type: float}, category: {}, picture: {}}
    clean:
      - positive: {column: price}
    nodes:
      - {type: Product, id: id, properties: {title: title, price: price, currency: {constant: EUR}, image: picture}}
      - {type: Category, id: category, properties: {name: category}}
    relations:
      - {name: IN_CATEGORY, source: id, target: category}
  - path: events.csv
    columns: {id: {}, user: {}, product: {}, action: {}, time: {type: datetime}, basket: {}}
    events:
      - {id: id, user: user, product: product, behaviour: action, time: time, basket: basket}
"""


def write_shop(folder: Path, *, products: int = 100, users: int = 80, events: int = 3000, seed: int = 3) -> Path:
    """Writes the files of a shop and returns the path of its mapping."""
    rng = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    (folder / "pictures" / "p0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    titles = [f"{THEMES[n % len(THEMES)]} thing number {n}" for n in range(products)]
    _write(
        folder / "products.csv",
        ["id", "title", "price", "category", "picture"],
        [
            [f"p{n}", titles[n], 1 + n / 10, THEMES[n % len(THEMES)], f"p{n}.png" if n == 0 else ""]
            for n in range(products)
        ]
        + [["broken", "costs nothing", 0, "tea", ""]],
    )
    _write(
        folder / "events.csv",
        ["id", "user", "product", "action", "time", "basket"],
        _events(rng, products, users, events),
    )
    mapping = folder / "shop.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    return mapping


def _events(rng: np.random.Generator, products: int, users: int, events: int) -> list[list[object]]:
    rows: list[list[object]] = []
    for number in range(events):
        user = int(rng.integers(users))
        # Most of what a user does stays within the theme that they like.
        theme = user % len(THEMES) if rng.random() < 0.8 else int(rng.integers(len(THEMES)))
        product = theme + len(THEMES) * int(rng.integers(products // len(THEMES)))
        action = "purchase" if rng.random() < 0.5 else "view"
        when = START + timedelta(minutes=number * 60 * 24 * 120 / events)
        basket = f"b{user}-{when:%j}" if action == "purchase" else ""
        rows.append([f"e{number}", f"u{user}", f"p{product}", action, when.isoformat(), basket])
    return rows


def _write(file: Path, header: list[str], rows: list[list[object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])

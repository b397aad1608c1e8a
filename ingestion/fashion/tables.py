"""The fashion shop's files: real products and simulated events, as the rows that a shop would export."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ingestion.demo.tables import user_id, write_table
from ingestion.demo.visits import PURCHASE, Events
from ingestion.fashion.photographed import KINDS, TITLE, Photographed

_ATTRIBUTES = {"baseColour": "colour", "usage": "usage", "season": "season", "gender": "gender"}
"""What tastes are planted for beside the type: in the file, but not in the mapping, and so not in the graph."""


def write_tables(folder: Path, products: Photographed, events: Events) -> None:
    """All files of the shop but its pictures and its mapping."""
    write_table(folder / "categories.csv", ("id", "name", "parent"), _categories(products))
    header = ("product_id", "title", "picture", "category_id", *_ATTRIBUTES.values())
    write_table(folder / "products.csv", header, _products(products))
    header = ("event_id", "time", "action", "product_id", "user_id", "session_id", "basket_id", "quantity")
    write_table(folder / "events.csv", header, _events(products, events))


def picture_name(product: str) -> str:
    """A product's photograph, in the folder of pictures."""
    return f"{product}.jpg"


def _categories(products: Photographed) -> Iterator[tuple[str, str, str]]:
    """Each kind once, named by the way to it, since names return on other branches."""
    found: dict[str, tuple[str, str]] = {}
    for way in products.rows.select(KINDS).unique(maintain_order=True).rows():
        for depth in range(1, len(way) + 1):
            found[_category(way[:depth])] = (way[depth - 1], _category(way[: depth - 1]))
    return ((key, name, parent) for key, (name, parent) in found.items())


def _category(way: tuple[str, ...]) -> str:
    return "/".join(name.lower().replace(" ", "-") for name in way)


def _products(products: Photographed) -> Iterator[tuple[str, ...]]:
    ways = products.rows.select(KINDS).rows()
    attributes = products.rows.select(list(_ATTRIBUTES)).rows()
    columns = (products.column("id"), products.column(TITLE), ways, attributes)
    for key, title, way, values in zip(*columns, strict=True):
        yield key, title, picture_name(key), _category(way), *values


def _events(products: Photographed, events: Events) -> Iterator[tuple[object, ...]]:
    ids = products.column("id")
    columns = (events.session, events.user, events.product, events.behaviour, events.time)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (session, user, product, behaviour, time) in enumerate(rows, start=1):
        bought = behaviour == PURCHASE
        yield (
            f"E{number:07d}",
            datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="seconds"),
            "purchase" if bought else "view",
            ids[product],
            user_id(user),
            f"S{session + 1:06d}",
            f"B{session + 1:06d}" if bought else "",
            1 if bought else "",
        )

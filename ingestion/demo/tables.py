"""The demo shop's files: what was drawn, as the rows that a real shop would export."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ingestion.demo.catalogue import Catalogue
from ingestion.demo.fitting import NONE, IntArray
from ingestion.demo.tastes import COUNTRIES, Shoppers
from ingestion.demo.visits import NOBODY, Events
from ingestion.demo.words import Words, slug

_BEHAVIOURS = ("view", "cart", "purchase")


def write_tables(folder: Path, words: Words, catalogue: Catalogue, shoppers: Shoppers, events: Events) -> None:
    """All files of the shop but its pictures and its mapping."""
    write_table(folder / "categories.csv", ("id", "name", "parent"), _categories(words))
    write_table(folder / "features.csv", ("id", "name", "value"), _features(words))
    header = (
        *("product_id", "title", "description", "price", "picture"),
        *("brand_id", "brand_name", "category_id", "features"),
    )
    write_table(folder / "products.csv", header, _products(words, catalogue))
    write_table(folder / "goes_with.csv", ("product", "goes_with"), _pairs(catalogue.complements))
    write_table(folder / "instead_of.csv", ("product", "alternative"), _pairs(catalogue.substitutes))
    users = ((user_id(user), COUNTRIES[country]) for user, country in enumerate(shoppers.country))
    write_table(folder / "users.csv", ("user_id", "country"), users)
    lines = (json.dumps(event, separators=(",", ":")) + "\n" for event in _events(events))
    with (folder / "events.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(lines)


def product_id(product: int) -> str:
    """How a product is called in the files."""
    return f"P{product + 1:05d}"


def user_id(user: int) -> str:
    """How a shopper is called in the files."""
    return f"U{user + 1:05d}"


def picture_name(product: int) -> str:
    """A product's picture, in the folder of pictures."""
    return f"{product_id(product)}.png"


def write_table(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as a CSV file."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _categories(words: Words) -> Iterator[tuple[str, str, str]]:
    for department, groups in words.departments.items():
        yield slug(department), department, ""
        for group, leaves in groups.items():
            yield slug(group), group, slug(department)
            yield from ((slug(leaf), leaf, slug(group)) for leaf in leaves)


def _features(words: Words) -> Iterator[tuple[str, str, str]]:
    for name, values in (("colour", words.colours), ("style", words.styles)):
        yield from ((_feature(name, value), name, value) for value in values)
    used = {(place.leaf.attribute, value) for place in words.places for value in place.leaf.materials}
    yield from ((_feature(name, value), name, value) for name, value in sorted(used))


def _feature(name: str, value: str) -> str:
    return f"{name}-{slug(value)}"


def _products(words: Words, catalogue: Catalogue) -> Iterator[tuple[object, ...]]:
    colours, styles, looks = list(words.colours), list(words.styles), catalogue.looks
    for product in range(len(catalogue)):
        place, brand = words.places[looks.leaf[product]], words.brands[looks.brand[product]]
        features = (
            _feature("colour", colours[looks.colour[product]]),
            _feature("style", styles[looks.style[product]]),
            _feature(place.leaf.attribute, catalogue.material[product]),
        )
        yield (
            product_id(product),
            catalogue.titles[product],
            catalogue.descriptions[product],
            f"{catalogue.price[product]:.2f}",
            picture_name(product),
            slug(brand),
            brand,
            slug(place.name),
            "|".join(features),
        )


def _pairs(ends: IntArray) -> Iterator[tuple[str, str]]:
    for product, others in enumerate(ends.tolist()):
        yield from ((product_id(product), product_id(other)) for other in others if other != NONE)


def _events(events: Events) -> Iterator[dict[str, object]]:
    """What does not apply is null: the user who did not log in, the basket of a view."""
    columns = (events.session, events.user, events.product, events.behaviour, events.time, events.quantity)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (session, user, product, behaviour, time, quantity) in enumerate(rows, start=1):
        yield {
            "event_id": f"E{number:07d}",
            "time": datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="seconds"),
            "action": _BEHAVIOURS[behaviour],
            "product_id": product_id(product),
            "session_id": f"S{session + 1:06d}",
            "user_id": None if user == NOBODY else user_id(user),
            "quantity": quantity or None,
            "basket_id": f"B{session + 1:06d}" if quantity else None,
        }

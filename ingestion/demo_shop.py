"""A believable shop out of nothing: products, pictures, shoppers with tastes, half a year of events.

Written as the files that a real shop would export, with a mapping, so that the demo goes the same way
as any other data. Everything is drawn from one seeded generator: the same seed, the same bytes.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np

from ingestion.demo.catalogue import Catalogue, draw_catalogue
from ingestion.demo.pictures import Picture, paint
from ingestion.demo.tables import picture_name, write_tables
from ingestion.demo.tastes import draw_shoppers
from ingestion.demo.visits import draw_events
from ingestion.demo.words import Words, words
from schema.errors import PathrecError
from schema.files import replacing_folder
from schema.progress import Report, silent

MAPPING = "mapping.yaml"
PICTURES = "pictures"

_THREADS = 4  # Pillow works outside the interpreter's lock, and files wait for the disk
_PIECE = 100


class DemoShopError(PathrecError):
    """A shop of this size cannot be made."""


def generate(
    folder: Path,
    *,
    seed: int = 7,
    products: int = 2000,
    users: int = 2000,
    events: int = 60000,
    report: Report = silent,
) -> Path:
    """Writes a shop into a folder, whole or not at all, and returns the path of its mapping.

    Raises:
        DemoShopError: a number below one.
        WriteError: the folder cannot be written, or is something other than a demo shop.
    """
    for name, number in (("products", products), ("users", users), ("events", events)):
        if number < 1:
            raise DemoShopError(f"a demo shop cannot have {number} {name}; ask for one or more")
    report("shop", 0, products)
    rng = np.random.default_rng(seed)
    vocabulary = words()
    catalogue = draw_catalogue(vocabulary, rng, products)
    shoppers = draw_shoppers(vocabulary, catalogue, rng, users)
    happened = draw_events(vocabulary, catalogue, shoppers, rng, events)
    with replacing_folder(folder, marker=MAPPING) as aside:
        write_tables(aside, vocabulary, catalogue, shoppers, happened)
        _write_pictures(aside / PICTURES, vocabulary, catalogue, report)
        mapping = files("ingestion.demo") / MAPPING
        (aside / MAPPING).write_bytes(mapping.read_bytes())
    return folder / MAPPING


def _write_pictures(folder: Path, vocabulary: Words, catalogue: Catalogue, report: Report) -> None:
    folder.mkdir()
    pictures = list(_pictures(vocabulary, catalogue))

    def write(product: int) -> None:
        paint(pictures[product]).save(folder / picture_name(product), compress_level=3)

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, _ in enumerate(pool.map(write, range(len(pictures))), start=1):
            if done % _PIECE == 0 or done == len(pictures):
                report("shop", done, len(pictures))


def _pictures(vocabulary: Words, catalogue: Catalogue) -> Iterator[Picture]:
    colours, styles, looks = list(vocabulary.colours.values()), list(vocabulary.styles), catalogue.looks
    for product in range(len(catalogue)):
        place = vocabulary.places[looks.leaf[product]]
        yield Picture(
            kind=place.name,
            department=place.number,
            style=styles[looks.style[product]],
            colour=colours[looks.colour[product]],
            turned=bool(looks.design[product] % 2),
        )

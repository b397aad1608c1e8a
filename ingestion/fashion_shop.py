"""A fashion shop for measuring: real products and photographs, simulated shoppers with planted tastes.

Nobody bought anything here. A figure measured on this shop says how well a recommender finds what
`ingestion.fashion.tastes` planted: preferences for types, colours and styles, and for looks that only
the photograph shows. Say so wherever such a figure is shown.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np

from ingestion.fashion.photographed import Photographed, read_photographed
from ingestion.fashion.tables import picture_name, write_tables
from ingestion.fashion.tastes import draw_tastes
from ingestion.fashion.visits import draw_events
from schema.errors import PathrecError
from schema.files import replacing_folder

MAPPING = "mapping.yaml"
PICTURES = "images"


class FashionShopError(PathrecError):
    """A shop of this size cannot be made."""


def generate(data: Path, folder: Path, *, seed: int = 0, products: int | None = None, users: int = 3000) -> Path:
    """Writes a shop into a folder, whole or not at all, and returns the path of its mapping.

    Args:
        data: folder of the catalogue, with `catalogue.csv.gz` and `images.npz`.
        folder: where the shop goes.
        seed: the same seed gives the same bytes.
        products: a random sample of this size; the whole catalogue if None.
        users: simulated shoppers, with about ten visits each.

    Raises:
        FashionShopError: a number below one.
        PhotographedError: the catalogue is incomplete or something else.
        WriteError: the folder cannot be written, or is something other than such a shop.
    """
    for name, number in (("products", products), ("users", users)):
        if number is not None and number < 1:
            raise FashionShopError(f"a fashion shop cannot have {number} {name}; ask for one or more")
    rng = np.random.default_rng(seed)
    catalogue = read_photographed(data, products, rng)
    events = draw_events(draw_tastes(catalogue, rng, users), rng)
    with replacing_folder(folder, marker=MAPPING) as aside:
        write_tables(aside, catalogue, events)
        _write_pictures(aside / PICTURES, catalogue)
        mapping = files("ingestion").joinpath("mappings", "fashion.yaml")
        (aside / MAPPING).write_bytes(mapping.read_bytes())
    return folder / MAPPING


def _write_pictures(folder: Path, catalogue: Photographed) -> None:
    folder.mkdir()
    for product, content in zip(catalogue.column("id"), catalogue.pictures, strict=True):
        (folder / picture_name(product)).write_bytes(content)

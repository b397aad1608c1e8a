"""A catalogue of fashion in the form of the public one, small enough to know by heart."""

import gzip
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HEADER = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
TYPES = {"Tshirts": ("Apparel", "Topwear"), "Jeans": ("Apparel", "Bottomwear"), "Watches": ("Accessories", "Watches")}
COLOURS = {"Red": (200, 30, 30), "Blue": (30, 30, 200)}
GENDERS = ("Men", "Women", "Unisex")
SEASONS = ("Summer", "Fall")
SHADES = range(4)


def write_catalogue(folder: Path) -> list[str]:
    """Writes 144 products, one for each way to combine what they can be, and returns their rows."""
    rows, pictures = [], []
    for number, (kind, colour, gender, season, shade) in enumerate(
        product(TYPES, COLOURS, GENDERS, SEASONS, SHADES), start=1
    ):
        title = f"Acme {gender} {colour} {kind} {number}"
        rows.append(f"{number},{gender},{','.join(TYPES[kind])},{kind},{colour},{season},2012,Casual,{title}")
        pictures.append(picture(COLOURS[colour], 20 * shade, list(TYPES).index(kind)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalogue.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, *rows]).encode()))
    offsets = np.cumsum([0, *map(len, pictures)])
    buffer = np.frombuffer(b"".join(pictures), np.uint8)
    np.savez(folder / "images.npz", ids=np.arange(1, len(rows) + 1, dtype=np.int32), off=offsets, buf=buffer)
    return rows


def picture(colour: tuple[int, int, int], shade: int, shape: int) -> bytes:
    """A photograph of one thing in front of white, as a JPEG file."""
    image = Image.new("RGB", (60, 80), "white")
    red, green, blue = (min(part + shade, 255) for part in colour)
    ImageDraw.Draw(image).rectangle((10, 10 + 15 * shape, 50, 70), fill=(red, green, blue))
    file = BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()

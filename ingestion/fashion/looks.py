"""What a photograph shows and a title does not say: measures of the product in front of its white background.

**Shapes**: N products, M measures.
"""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ingestion.demo.fitting import FloatArray, IntArray

MEASURES = ("lightness", "red against green", "yellow against blue", "contrast", "busyness", "size")

_BACKGROUND = 240  # a grey value from here on is the white behind a product


def measured(pictures: Sequence[bytes], colours: IntArray) -> FloatArray:
    """What sets each picture apart from those of products of the same colour.

    The mean of the colour that the catalogue names is taken off, so that names of colours do not tell it.

    Args:
        pictures: N image files.
        colours: (N,) numbers of the catalogue's colours.

    Returns:
        (N, M), each measure with mean 0 and standard deviation 1.
    """
    found = np.array([_measures(content) for content in pictures])
    sums = np.stack([np.bincount(colours, weights=measure) for measure in found.T], axis=1)
    own = found - (sums / np.maximum(np.bincount(colours), 1)[:, None])[colours]
    return np.asarray(own / np.maximum(own.std(axis=0), 1e-9))


def _measures(content: bytes) -> FloatArray:
    with Image.open(BytesIO(content)) as picture:
        pixels = np.asarray(picture.convert("RGB"), np.float64)  # (h, w, 3)
    grey = pixels.mean(axis=2)
    product = grey < _BACKGROUND
    if not product.any():
        product = np.ones_like(product)
    red, green, blue = pixels[product].mean(axis=0)
    return np.array(
        [
            grey[product].mean(),
            red - green,
            (red + green) / 2 - blue,
            grey[product].std(),
            _edges(grey)[product].mean(),
            product.mean(),
        ]
    )


def _edges(grey: FloatArray) -> NDArray[np.float64]:
    """(h, w) how much brightness changes from each pixel to the next."""
    across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    return np.asarray(across + down)

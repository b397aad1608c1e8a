"""Pictures from untrusted bytes: what can be decoded safely, and why the rest cannot.

A file of some kilobytes can claim to be gigabytes of pixels; so the size that its header states is looked at before
anything is decoded.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from schema.errors import PathrecError

MOST_BYTES = 20 * 2**20
MOST_PIXELS = 50_000_000
"""A photo of the largest cameras in use; a decompression bomb has more."""


class PictureError(PathrecError):
    """A picture that cannot be used.

    Attributes:
        reason: one of missing, too_large, no_picture, too_many_pixels, animated, damaged; of one from the web also
            bad_address, private, unreachable, refused, redirected, too_slow.
    """

    def __init__(self, reason: str, explanation: str) -> None:
        super().__init__(explanation)
        self.reason = reason


@dataclass(frozen=True)
class Seen:
    """Vectors of pictures, and why some have none.

    Shapes:
        matrix: (n, d) float32, rows of length 1; zero where a picture cannot be used.
        problems: row -> why.
    """

    matrix: NDArray[np.float32]
    problems: dict[int, PictureError]


def open_picture(content: bytes, least_side: int) -> Image.Image:
    """A picture as RGB, turned upright, what is transparent in it on white.

    Args:
        content: the file.
        least_side: pixels that are wanted at least at each side; of a larger JPEG only so many are decoded.

    Raises:
        PictureError: no picture, too large, with more than one frame, or damaged.
    """
    picture = _opened(content)
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_many(f"{picture.width:,} x {picture.height:,} pixels")
    # Some cameras put a preview behind the picture; that does not move.
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        raise PictureError("animated", "moves; give a still picture")
    try:
        picture.draft("RGB", (least_side, least_side))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode == "RGB":
            return upright
        if not upright.has_transparency_data:
            return upright.convert("RGB")
        ground = Image.new("RGBA", upright.size, "white")
        return Image.alpha_composite(ground, upright.convert("RGBA")).convert("RGB")
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        raise PictureError("damaged", f"cannot be decoded to its end ({error}); give the whole file") from error


def _opened(content: bytes) -> Image.Image:
    if len(content) > MOST_BYTES:
        raise too_large()
    try:
        return Image.open(BytesIO(content))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many("a decompression bomb") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise PictureError("no_picture", "is not a picture of a kind that can be read (JPEG, PNG, WebP, …)") from error


def too_large() -> PictureError:
    """Why a large file is not read."""
    return PictureError("too_large", f"has more than {MOST_BYTES // 2**20} MiB; shrink it")


def _too_many(what: str) -> PictureError:
    return PictureError("too_many_pixels", f"{what}, {MOST_PIXELS:,} pixels are decoded at most; shrink it")

"""Pictures to vectors with any transformers vision model; by default the packaged EfficientNet-Lite0.

**Shapes**: b pictures of a batch, h and w their sides, d the model's width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import AutoImageProcessor

from ingestion.encoders.cores import on_cores
from ingestion.encoders.efficientnet import SIDE, EfficientNetLite0
from ingestion.encoders.model_folder import find_vision_model
from ingestion.encoders.pictures import PictureError, Seen, open_picture
from ingestion.encoders.transformer import at_length_one, open_model, precision
from schema.progress import Report, silent

_BATCH = {"cpu": 8, "cuda": 128}


@dataclass(frozen=True)
class Network:
    """How a model sees.

    Attributes:
        prepare: a picture -> (3, h, w) float32, as the network was trained.
        features: (b, 3, h, w) -> (b, d).
        side: pixels that a picture should have at each side at least.
    """

    prepare: Callable[[Image.Image], NDArray[np.float32]]
    features: Callable[[Tensor], Tensor]
    side: int


def load_image_encoder(model: str | None = None, *, device: str | None = None) -> "ImageEncoder":
    """An encoder ready for use.

    Args:
        model: a transformers folder or a Hugging Face id; the packaged EfficientNet-Lite0 if None.
        device: "cpu" or "cuda"; the GPU if there is one.

    Raises:
        EncoderError: the model cannot be had or opened; the message says what would do.
    """
    found = find_vision_model(model)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network = _packaged(found.weights, place) if model is None else _of_transformers(found.weights, place)
    blank = network.prepare(Image.new("RGB", (network.side, network.side), "white"))
    with torch.inference_mode():
        width = network.features(torch.from_numpy(blank[None]).to(place)).shape[1]
    return ImageEncoder(found.name, found.version, width, network, place)


@dataclass(frozen=True)
class ImageEncoder:
    """A vision model. Vectors have length 1."""

    name: str
    version: str
    width: int
    network: Network = field(repr=False)
    device: torch.device

    def encode(self, contents: Sequence[bytes], report: Report = silent) -> Seen:
        """Vectors of the pictures in some files, in their order."""
        matrix = np.zeros((len(contents), self.width), np.float32)
        problems: dict[int, PictureError] = {}
        size = _BATCH[self.device.type]
        batches = [range(at, min(at + size, len(contents))) for at in range(0, len(contents), size)]

        def opened(rows: range) -> list[NDArray[np.float32] | PictureError]:
            return [self._opened(contents[row]) for row in rows]

        def seen(rows: range) -> tuple[list[NDArray[np.float32] | PictureError], NDArray[np.float32]]:
            found = opened(rows)
            return found, self._vectors(found)

        if self.device.type == "cpu":
            # One batch alone has all cores within it.
            results = on_cores(seen, batches) if len(batches) > 1 else map(seen, batches)
        else:  # one network, fed by all cores
            results = ((found, self._vectors(found)) for found in on_cores(opened, batches))
        for rows, (found, vectors) in zip(batches, results, strict=True):
            problems |= {row: one for row, one in zip(rows, found, strict=True) if isinstance(one, PictureError)}
            matrix[[row for row in rows if row not in problems]] = vectors
            report("encode", rows.stop, len(contents))
        return Seen(matrix, problems)

    def _opened(self, content: bytes) -> NDArray[np.float32] | PictureError:
        try:
            return self.network.prepare(open_picture(content, self.network.side))
        except PictureError as error:
            return error

    def _vectors(self, found: Sequence[NDArray[np.float32] | PictureError]) -> NDArray[np.float32]:
        usable = [one for one in found if not isinstance(one, PictureError)]
        if not usable:
            return np.zeros((0, self.width), np.float32)
        with torch.inference_mode():
            return at_length_one(self.network.features(torch.from_numpy(np.stack(usable)).to(self.device)))


def _packaged(weights: Path, place: torch.device) -> Network:
    # Only tensors are read: the file is a pickle, which could run code.
    network = EfficientNetLite0.of(torch.load(weights, map_location="cpu", weights_only=True))
    return Network(_whole, network.to(memory_format=torch.channels_last).to(place), SIDE)


def _whole(picture: Image.Image) -> NDArray[np.float32]:
    """The whole picture in a white square: what is cut off at the sides of a product may be what tells it apart."""
    side = max(picture.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    pixels = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    prepared = pixels.astype(np.float32, order="C")
    prepared -= 127
    prepared *= 1 / 128  # exact, as it is a power of two
    return prepared


def _of_transformers(folder: Path, place: torch.device) -> Network:
    processor, network, pooled = open_model(folder, AutoImageProcessor)
    model: Any = torch.nn.Module.to(network, place, precision(network, place))

    def prepare(picture: Image.Image) -> NDArray[np.float32]:
        return np.asarray(processor(images=[picture], return_tensors="np")["pixel_values"][0], np.float32)

    def features(pictures: Tensor) -> Tensor:
        pixels = pictures.to(model.dtype)
        if hasattr(model, "get_image_features"):  # of two towers, as CLIP and SigLIP are, the one that sees
            found = model.get_image_features(pixel_values=pixels)
            vectors: Tensor = found if isinstance(found, Tensor) else found.pooler_output
            return vectors
        found = model(pixel_values=pixels)
        if pooled and found.get("pooler_output") is not None:
            return torch.flatten(found.pooler_output, 1)
        last: Tensor = found.last_hidden_state
        return last[:, 0] if last.dim() == 3 else last.mean((2, 3))

    return Network(prepare, features, _side(processor.size))


def _side(size: object) -> int:
    """The largest side that a processor wants pictures to have."""
    stated = size.values() if isinstance(size, dict) else vars(size).values()
    return max((int(side) for side in stated if side), default=SIDE)

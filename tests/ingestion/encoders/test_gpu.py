"""The encoders on a GPU, in half precision; needs a GPU."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ingestion.encoders.text import load_text_encoder
from ingestion.encoders.vision import load_image_encoder
from tests.support.tiny_models import write_tiny_bert, write_tiny_vit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def pictures() -> list[bytes]:
    files = []
    for turned in range(0, 300, 2):  # more than a batch
        file = BytesIO()
        Image.linear_gradient("L").rotate(turned).save(file, "JPEG")
        files.append(file.getvalue())
    return [*files, b"hello"]


@pytest.mark.parametrize("packaged", [True, False])
def test_texts_have_the_vectors_of_a_cpu_within_half_precision(packaged: bool, tmp_path: Path) -> None:
    model = None if packaged else str(write_tiny_bert(tmp_path))
    texts = [f"{'blue ' * (row % 30)}cup {row}" for row in range(300)] + [""]
    vectors = load_text_encoder(model, device="cuda").encode(texts)
    np.testing.assert_allclose(vectors, load_text_encoder(model, device="cpu").encode(texts), atol=1e-2)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("packaged", [True, False])
def test_pictures_have_the_vectors_of_a_cpu_within_half_precision(packaged: bool, tmp_path: Path) -> None:
    model = None if packaged else str(write_tiny_vit(tmp_path))
    encoder = load_image_encoder(model, device="cuda")
    seen, expected = encoder.encode(pictures()), load_image_encoder(model, device="cpu").encode(pictures())
    assert set(seen.problems) == set(expected.problems) == {150}
    np.testing.assert_allclose(seen.matrix, expected.matrix, atol=1e-2)


def test_networks_of_transformers_are_held_in_half_precision(tmp_path: Path) -> None:
    encoder = load_text_encoder(str(write_tiny_bert(tmp_path)), device="cuda")
    assert {weight.dtype for weight in encoder.network.parameters()} == {torch.float16}

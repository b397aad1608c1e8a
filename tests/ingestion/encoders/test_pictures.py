from collections.abc import Sequence
from io import BytesIO

import pytest
from PIL import Image

from ingestion.encoders import pictures
from ingestion.encoders.pictures import PictureError, open_picture


def written(picture: Image.Image, form: str = "PNG", more: Sequence[Image.Image] = (), **options: object) -> bytes:
    file = BytesIO()
    frames = {"save_all": True, "append_images": list(more)} if more else {}
    picture.save(file, form, **frames, **options)
    return file.getvalue()


def reason(content: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        open_picture(content, 224)
    return caught.value.reason


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_usual_pictures_are_read_as_rgb(form: str, mode: str) -> None:
    picture = open_picture(written(Image.new(mode, (30, 20), "white"), form), 224)
    assert (picture.mode, picture.size) == ("RGB", (30, 20))
    assert min(picture.getpixel((3, 3))) > 250


def test_what_is_transparent_is_white() -> None:
    picture = open_picture(written(Image.new("RGBA", (9, 9), (255, 0, 0, 0))), 224)
    assert picture.getpixel((4, 4)) == (255, 255, 255)
    palette = Image.new("P", (9, 9))
    assert open_picture(written(palette, transparency=0), 224).getpixel((4, 4)) == (255, 255, 255)


def test_a_photo_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: a quarter to the left
    assert open_picture(written(Image.new("RGB", (30, 20)), "JPEG", exif=exif), 224).size == (20, 30)


def test_a_large_jpeg_is_decoded_no_larger_than_wanted() -> None:
    picture = open_picture(written(Image.new("RGB", (4000, 3000)), "JPEG"), 224)
    assert 224 <= min(picture.size) < 1000


def test_what_is_no_picture_is_refused() -> None:
    for content in (b"", b"hello", b"<svg/>", b"\x89PNG\r\n\x1a\n"):
        assert reason(content) == "no_picture"


def test_a_picture_that_moves_is_refused() -> None:
    red, blue = Image.new("RGB", (9, 9), "red"), Image.new("RGB", (9, 9), "blue")
    assert reason(written(red, "GIF", [blue])) == "animated"
    assert reason(written(red, "WEBP", [blue])) == "animated"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_without_its_end_is_refused(form: str) -> None:
    noise = Image.effect_noise((200, 200), 90)
    content = written(noise, form)
    assert reason(content[: len(content) // 2]) == "damaged"


@pytest.mark.parametrize("side", [8_000, 30_000, 60_000])
def test_more_pixels_than_a_camera_takes_are_refused_before_they_are_decoded(side: int) -> None:
    header = b"BM" + (54).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    header += (40).to_bytes(4, "little") + side.to_bytes(4, "little") * 2 + (1).to_bytes(2, "little")
    header += (24).to_bytes(2, "little") + bytes(24)
    assert reason(header) == "too_many_pixels"


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", 50)
    assert reason(written(Image.new("RGB", (90, 90)))) == "too_large"

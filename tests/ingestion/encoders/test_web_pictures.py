from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.encoders.picture_source import ShopPictures, shop_pictures
from ingestion.encoders.pictures import PictureError
from tests.support.picture_server import Page, PictureServer, serving


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with serving({"/a.png": Page((b"a picture\nof two lines",), headers={"ETag": '"1"'})}) as server:
        yield server


@pytest.fixture
def source(tmp_path: Path) -> Iterator[ShopPictures]:
    with shop_pictures(tmp_path / "images", tmp_path / "cache", allow_private=True) as source:
        yield source


def kept(tmp_path: Path) -> list[Path]:
    return [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]


def test_a_second_run_is_sent_nothing_that_has_not_changed(
    source: ShopPictures, server: PictureServer, tmp_path: Path
) -> None:
    first = source.read(f"{server.url}/a.png")
    with shop_pictures(tmp_path, tmp_path / "cache", allow_private=True) as another:
        assert another.read(f"{server.url}/a.png") == first == b"a picture\nof two lines"
    assert [headers.get("if-none-match") for _, headers in server.asked] == [None, '"1"']
    server.pages["/a.png"] = Page((b"another",))
    assert source.read(f"{server.url}/a.png") == b"another"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_fails_for_the_moment_takes_no_picture_away(
    source: ShopPictures, server: PictureServer, status: int
) -> None:
    first = source.read(f"{server.url}/a.png")
    server.pages["/a.png"] = Page(status=status)
    assert source.read(f"{server.url}/a.png") == first


def test_a_picture_that_is_gone_is_gone_here_too(source: ShopPictures, server: PictureServer, tmp_path: Path) -> None:
    source.read(f"{server.url}/a.png")
    assert len(kept(tmp_path)) == 1
    del server.pages["/a.png"]
    with pytest.raises(PictureError, match="not there any more"):
        source.read(f"{server.url}/a.png")
    assert kept(tmp_path) == []


def test_a_damaged_file_of_the_cache_is_fetched_again(
    source: ShopPictures, server: PictureServer, tmp_path: Path
) -> None:
    first = source.read(f"{server.url}/a.png")
    kept(tmp_path)[0].write_bytes(b"{}")
    assert source.read(f"{server.url}/a.png") == first


def test_what_is_kept_needs_the_permission_again(source: ShopPictures, server: PictureServer, tmp_path: Path) -> None:
    source.read(f"{server.url}/a.png")
    with shop_pictures(tmp_path, tmp_path / "cache") as strict, pytest.raises(PictureError, match="private network"):
        strict.read(f"{server.url}/a.png")


def test_an_address_is_never_a_file(source: ShopPictures, tmp_path: Path) -> None:
    (tmp_path / "images" / "file:").mkdir(parents=True)
    (tmp_path / "images" / "file:" / "a.png").write_bytes(b"a")
    with pytest.raises(PictureError, match="only http and https"):
        source.read("file://a.png")

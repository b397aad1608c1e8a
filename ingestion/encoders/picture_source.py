"""Where a shop's pictures are: in its folder, or at an address of the web."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingestion.encoders.downloads import Downloads
from ingestion.encoders.pictures import MOST_BYTES, PictureError, too_large
from ingestion.encoders.web_pictures import WebPictures


class PictureSource(Protocol):
    """Anything that has pictures by name; asked by several threads at once."""

    def read(self, name: str) -> bytes:
        """The file of a picture.

        Raises:
            PictureError: it cannot be had, is too large, or may not be read.
        """


@dataclass(frozen=True)
class PictureFolder:
    """Pictures as files."""

    folder: Path

    def read(self, name: str) -> bytes:
        """The file of that name; names and links that lead out of the folder count as missing."""
        with suppress(OSError, ValueError):
            root, file = self.folder.resolve(), (self.folder / name).resolve()
            if file.is_relative_to(root) and file.is_file():
                if file.stat().st_size > MOST_BYTES:
                    raise too_large()
                return file.read_bytes()
        raise PictureError("missing", f"is not in {self.folder}")


@dataclass(frozen=True)
class ShopPictures:
    """A shop's own files, and what its products name by an address."""

    files: PictureFolder
    web: WebPictures

    def read(self, name: str) -> bytes:
        """The picture that a product names; see `PictureSource`."""
        return self.web.read(name) if "://" in name else self.files.read(name)


@contextmanager
def shop_pictures(folder: Path, cache: Path, *, allow_private: bool = False) -> Iterator[ShopPictures]:
    """A shop's pictures, for as long as the block lasts.

    Args:
        folder: its files.
        cache: what was downloaded is kept in its folder `pictures`.
        allow_private: whether addresses may lead to machines that are not on the public internet.
    """
    with Downloads(allow_private=allow_private) as downloads:
        yield ShopPictures(PictureFolder(folder), WebPictures(downloads, cache / "pictures"))

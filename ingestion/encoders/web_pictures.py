"""Pictures from the web, kept in a folder, so that one that has not changed is not sent again."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ingestion.encoders.downloads import Downloaded, Downloads
from ingestion.encoders.pictures import PictureError
from schema.files import replacing_file

# What may be over in a moment: until then, the picture that is kept is as good as any.
_PASSING = {"unreachable", "too_slow"}


@dataclass(frozen=True)
class WebPictures:
    """Pictures by their addresses. The server is asked each time whether they changed; safe to share."""

    downloads: Downloads
    folder: Path

    def read(self, address: str) -> bytes:
        """The picture at an address; the one that is kept, where the server does not answer for the moment.

        Raises:
            PictureError: it cannot be had, or may not be.
            WriteError: no space to keep it, or no right to.
        """
        file = self._file(address)
        known = _kept(file)
        try:
            found = self.downloads.fetch(address, known)
        except PictureError as error:
            if known and error.reason in _PASSING:
                return known.content
            file.unlink(missing_ok=True)
            raise
        if found is not known:
            _keep(file, address, found)
        return found.content

    def _file(self, address: str) -> Path:
        name = hashlib.sha256(address.encode(errors="surrogatepass")).hexdigest()
        return self.folder / name[:2] / name


def _kept(file: Path) -> Downloaded | None:
    """A line that says what the server calls it, then the picture."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        head, _, content = file.read_bytes().partition(b"\n")
        told = json.loads(head)
        return Downloaded(content, told["etag"], told["modified"])
    return None


def _keep(file: Path, address: str, found: Downloaded) -> None:
    told = {"address": address, "etag": found.etag, "modified": found.modified}
    with replacing_file(file) as aside:
        aside.write_bytes(json.dumps(told).encode() + b"\n" + found.content)

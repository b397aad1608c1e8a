"""Many pictures in one NumPy archive: `ids`, `off` and `buf`, picture k being the bytes `buf[off[k]:off[k + 1]]`.

An archive that is not compressed, as `numpy.savez` writes it, is read where it lies: no more of it is in memory than
the pictures that are asked for.
"""

import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ingestion.encoders.pictures import MOST_BYTES, PictureError, too_large
from schema.errors import PathrecError

_PARTS = ("ids", "off", "buf")
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a member of a zip file; the lengths of its name and of what follows
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class ArchiveError(PathrecError):
    """An archive of pictures is damaged or not one."""


@dataclass(frozen=True)
class PictureArchive:
    """Pictures by id; a `PictureSource`.

    Shapes:
        offsets: K + 1, where each picture begins in `content`, and the end.
    """

    path: Path
    positions: dict[str, int] = field(repr=False)
    offsets: NDArray[np.int64] = field(repr=False)
    content: NDArray[np.uint8] = field(repr=False)

    def read(self, name: str) -> bytes:
        """The picture of an id; a suffix as in 15970.jpg may be left out in the archive.

        Raises:
            PictureError: not in the archive, or too large.
        """
        at = self.positions.get(name, self.positions.get(name.rpartition(".")[0]))
        if at is None:
            raise PictureError("missing", f"is not in {self.path}")
        start, end = self.offsets[at : at + 2]
        if end - start > MOST_BYTES:
            raise too_large()
        return self.content[start:end].tobytes()


def open_archive(path: Path) -> PictureArchive:
    """An archive, looked at but not read.

    Raises:
        ArchiveError: it is missing, damaged, or its arrays do not fit each other.
    """
    try:
        with zipfile.ZipFile(path) as members:
            ids, offsets, content = (_array(path, members, f"{name}.npy") for name in _PARTS)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, EOFError, struct.error) as error:
        raise ArchiveError(
            f"{path}: cannot be read as an archive of pictures ({error}); "
            "write it with numpy.savez(path, ids=…, off=…, buf=…)"
        ) from error
    problem = _problem(ids, offsets, content)
    if problem:
        raise ArchiveError(f"{path}: {problem}; picture k must be buf[off[k]:off[k + 1]]. Write it again")
    return PictureArchive(path, {str(key): at for at, key in enumerate(ids)}, offsets.astype(np.int64), content)


def _array(path: Path, members: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """An array of the archive, mapped into memory unless it is compressed."""
    member = members.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED:
        with members.open(member) as packed:
            return np.asarray(npy.read_array(packed, allow_pickle=False))
    with path.open("rb") as file:
        file.seek(member.header_offset)
        file.seek(sum(_LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))), 1)
        shape, _, kind = _READERS[npy.read_magic(file)](file)
        if kind.hasobject:
            raise ValueError(f"{name} holds Python objects, which are not read")
        if not all(shape):
            return np.zeros(shape, kind)  # nothing to map
        return np.memmap(path, kind, "r", file.tell(), shape)


def _problem(ids: NDArray[Any], offsets: NDArray[Any], content: NDArray[Any]) -> str | None:
    if ids.ndim != 1 or ids.dtype.kind not in "iuU":
        return f"ids are {ids.dtype} of shape {ids.shape}, not a row of whole numbers or texts"
    if offsets.dtype.kind not in "iu" or offsets.shape != (len(ids) + 1,):
        return f"off is {offsets.dtype} of shape {offsets.shape}, not {len(ids) + 1} whole numbers"
    if content.dtype != np.uint8 or content.ndim != 1:
        return f"buf is {content.dtype} of shape {content.shape}, not a row of bytes (uint8)"
    if offsets[0] < 0 or offsets[-1] > len(content) or np.any(offsets[1:] < offsets[:-1]):
        return "off does not ascend from the begin of buf to its end"
    if len(np.unique(ids)) < len(ids):
        return "an id is there twice"
    return None

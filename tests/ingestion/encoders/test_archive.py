from pathlib import Path

import numpy as np
import pytest

from ingestion.encoders import archive
from ingestion.encoders.archive import ArchiveError, open_archive
from ingestion.encoders.pictures import PictureError

CONTENTS = (b"first", b"", b"the third")


def parts(ids: object = (7, 8, 9)) -> dict[str, np.ndarray]:
    off = np.cumsum([0, *map(len, CONTENTS)])
    return {"ids": np.array(ids), "off": off, "buf": np.frombuffer(b"".join(CONTENTS), np.uint8)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "images.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("ids", [(7, 8, 9), ("7", "8", "9")])
def test_pictures_are_read_by_their_ids(path: Path, save: object, ids: object) -> None:
    save(path, **parts(ids))
    pictures = open_archive(path)
    assert tuple(pictures.read(name) for name in ("7", "8", "9")) == CONTENTS
    assert pictures.read("9.jpg") == b"the third"


def test_an_archive_that_is_not_compressed_stays_on_the_disk(path: Path) -> None:
    np.savez(path, **parts())
    assert isinstance(open_archive(path).content, np.memmap)


def test_an_id_that_is_not_there_is_missing(path: Path) -> None:
    np.savez(path, **parts())
    for name in ("10", "", "../7", "x.7"):
        with pytest.raises(PictureError) as caught:
            open_archive(path).read(name)
        assert caught.value.reason == "missing"


def test_a_picture_that_is_too_large_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 5)
    np.savez(path, **parts())
    pictures = open_archive(path)
    assert pictures.read("7") == b"first"
    with pytest.raises(PictureError, match="MiB"):
        pictures.read("9")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ids": np.array(["a", "b", "a"])}, "twice"),
        ({"ids": np.array([1.0, 2.0, 3.0])}, "ids are float64"),
        ({"ids": np.array(["a", "b", object()], object)}, "Python objects"),
        ({"off": np.array([0, 5, 5])}, "not 4 whole numbers"),
        ({"off": np.array([0, 9, 5, 14])}, "does not ascend"),
        ({"off": np.array([0, 5, 5, 15])}, "does not ascend"),
        ({"off": np.array([-1, 5, 5, 14])}, "does not ascend"),
        ({"buf": np.zeros(14, np.int32)}, "not a row of bytes"),
    ],
)
def test_arrays_that_do_not_fit_are_named(path: Path, changed: dict[str, np.ndarray], message: str) -> None:
    np.savez(path, allow_pickle=True, **(parts() | changed))
    with pytest.raises(ArchiveError, match=rf"images\.npz.*{message}"):
        open_archive(path)


def test_a_damaged_or_missing_archive_is_named_with_the_remedy(path: Path) -> None:
    with pytest.raises(ArchiveError, match="No such file"):
        open_archive(path)
    np.savez(path, ids=np.array([1]))
    with pytest.raises(ArchiveError, match=r"off\.npy.*write it with numpy\.savez"):
        open_archive(path)
    np.savez(path, **parts())
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArchiveError, match="cannot be read as an archive"):
        open_archive(path)


def test_an_archive_without_pictures_has_none(path: Path) -> None:
    np.savez(path, ids=np.array([], int), off=np.array([0]), buf=np.array([], np.uint8))
    with pytest.raises(PictureError):
        open_archive(path).read("7")

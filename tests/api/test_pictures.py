from pathlib import Path

import numpy as np
import pytest

from api.pictures import copy_pictures, unpack_pictures
from ingestion.encoders.archive import open_archive
from schema.files import WriteError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "small").mkdir(parents=True)
    (folder / "a.png").write_bytes(b"a")
    (folder / "small" / "b.png").write_bytes(b"b")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return folder


def test_named_pictures_are_copied_with_their_folders(source: Path, tmp_path: Path) -> None:
    assert copy_pictures(source, ["a.png", "small/b.png", "missing.png", "https://x/y.png"], tmp_path / "target") == 2
    assert (tmp_path / "target" / "a.png").read_bytes() == b"a"
    assert (tmp_path / "target" / "small" / "b.png").read_bytes() == b"b"


def test_only_changed_pictures_are_copied_again(source: Path, tmp_path: Path) -> None:
    names = ["a.png", "small/b.png"]
    copy_pictures(source, names, tmp_path / "target")
    assert copy_pictures(source, names, tmp_path / "target") == 0
    (source / "a.png").write_bytes(b"another")
    assert copy_pictures(source, names, tmp_path / "target") == 1
    assert (tmp_path / "target" / "a.png").read_bytes() == b"another"


@pytest.mark.parametrize("name", ["../secret.png", "small/../../secret.png", "link.png", "a\0b.png", "small"])
def test_a_name_never_reaches_another_folder(source: Path, tmp_path: Path, name: str) -> None:
    (source / "link.png").symlink_to(tmp_path / "secret.png")
    assert copy_pictures(source, [name, str(tmp_path / "secret.png")], tmp_path / "target") == 0
    assert not (tmp_path / "target").exists()


def test_a_target_that_cannot_be_written_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("", encoding="utf-8")
    with pytest.raises(WriteError, match=r"a\.png: cannot be written"):
        copy_pictures(source, ["a.png"], tmp_path / "target")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "images.npz"
    content = np.frombuffer(b"onethree", np.uint8)
    np.savez(path, ids=np.array(["1", "../2", "3"]), off=np.array([0, 3, 3, 8]), buf=content)
    return path


def test_an_archive_is_unpacked_once_and_what_it_lacks_left_out(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "home" / "images"
    names = ["1", "3.jpg", "4", "../2", "https://x/y.png"]
    assert unpack_pictures(open_archive(archive), names, target) == 2
    assert (target / "1").read_bytes() == b"one" and (target / "3.jpg").read_bytes() == b"three"
    assert not (target.parent / "2").exists()
    assert unpack_pictures(open_archive(archive), names, target) == 0
    (target / "1").write_bytes(b"two")
    assert unpack_pictures(open_archive(archive), names, target) == 1

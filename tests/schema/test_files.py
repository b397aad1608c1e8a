import resource

import pytest

from schema.files import WriteError, replacing_file, replacing_folder, sha256


def test_a_folder_appears_complete_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "folder"
    with pytest.raises(RuntimeError), replacing_folder(target, marker="m") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert not target.exists()
    assert list(target.parent.iterdir()) == []
    with replacing_folder(target, marker="m") as folder:
        (folder / "m").write_text("whole")
    assert [f.name for f in target.iterdir()] == ["m"]
    assert list(target.parent.iterdir()) == [target]


def test_an_old_folder_stays_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "t"
    with replacing_folder(target, marker="m") as folder:
        (folder / "m").write_text("old")
    with pytest.raises(RuntimeError), replacing_folder(target, marker="m") as folder:
        (folder / "m").write_text("new")
        raise RuntimeError
    assert (target / "m").read_text() == "old"
    with replacing_folder(target, marker="m") as folder:
        (folder / "m").write_text("new")
    assert (target / "m").read_text() == "new"


def test_a_foreign_folder_or_file_is_never_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("mine", "file"):
        with pytest.raises(WriteError, match="not one of ours"), replacing_folder(tmp_path / name, marker="m"):
            pass
    assert (tmp_path / "mine" / "diary").exists()


def test_a_file_is_replaced_whole(tmp_path):
    target = tmp_path / "f"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing_file(target) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    with replacing_file(target) as aside:
        aside.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "f").write_text("a file where a folder should be")
    with pytest.raises(WriteError, match="cannot be written"), replacing_folder(tmp_path / "f" / "x", marker="m"):
        pass
    with pytest.raises(WriteError, match="cannot be written"), replacing_file(tmp_path / "f" / "x"):
        pass


def test_a_disk_without_space_leaves_nothing_behind(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(WriteError, match="free some space"), replacing_folder(tmp_path / "t", marker="m") as folder:
            (folder / "m").write_bytes(b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

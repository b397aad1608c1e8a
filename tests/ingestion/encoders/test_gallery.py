from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ingestion.encoders import gallery, picture_source
from ingestion.encoders.cache import EmbeddingCache
from ingestion.encoders.gallery import Hung, Named, encode_gallery
from ingestion.encoders.picture_source import PictureFolder, shop_pictures
from ingestion.encoders.pictures import PictureError, Seen
from schema.progress import Report, silent


class Counting:
    """An encoder that sees the first letters of a file, and notes what it was asked."""

    version, width = "v1", 3

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def encode(self, contents: Sequence[bytes], report: Report = silent) -> Seen:
        self.asked += contents
        matrix = np.array([list(content[:3].ljust(3, b"\1")) for content in contents], np.float32)
        problems = {row: PictureError("damaged", "no") for row, c in enumerate(contents) if c.startswith(b"bad")}
        return Seen(matrix, problems)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "images"
    (place / "more").mkdir(parents=True)
    for name, content in {"a.png": b"aaa", "b.png": b"bbb", "more/c.png": b"ccc", "bad.png": b"bad"}.items():
        (place / name).write_bytes(content)
    (tmp_path / "secret.png").write_bytes(b"sss")
    (place / "link.png").symlink_to(tmp_path / "secret.png")
    return place


def hang(encoder: Counting, folder: Path, *pictures: str | None, report: Report = silent) -> list[Hung]:
    named = [Named(f"n{row}", picture) for row, picture in enumerate(pictures)]
    cache = EmbeddingCache(folder.parent / "cache")
    return list(encode_gallery(encoder, named, PictureFolder(folder), cache, report))


def test_each_node_has_the_vector_of_its_picture(folder: Path) -> None:
    (hung,) = hang(Counting(), folder, "more/c.png", None, "a.png", "")
    assert hung.matrix.tolist() == [list(b"ccc"), [0, 0, 0], list(b"aaa"), [0, 0, 0]]
    assert hung.hashes[1] == hung.hashes[3] not in (hung.hashes[0], hung.hashes[2])
    assert not hung.rejected


def test_what_cannot_be_used_has_a_reason_and_the_hash_of_no_picture(folder: Path) -> None:
    pictures = ["bad.png", "gone.png", "../secret.png", "link.png", "x\0y", "more", None]
    (hung,) = hang(Counting(), folder, *pictures)
    reasons = [hung.rejected[row].reason for row in range(6)]
    assert reasons == ["damaged", "missing", "missing", "missing", "missing", "missing"]
    assert 6 not in hung.rejected
    assert len(set(hung.hashes)) == 1
    assert not hung.matrix.any()


def test_a_second_run_encodes_only_what_is_new_and_equal_pictures_once(folder: Path) -> None:
    hang(Counting(), folder, "a.png", "b.png")
    encoder = Counting()
    (folder / "b.png").write_bytes(b"new")
    (folder / "same.png").write_bytes(b"new")
    (hung,) = hang(encoder, folder, "a.png", "b.png", "same.png")
    assert encoder.asked == [b"new"]
    assert hung.matrix.tolist() == [list(b"aaa"), list(b"new"), list(b"new")]


def test_many_pictures_come_some_at_a_time_and_few_files_are_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "BATCH", 2)
    monkeypatch.setattr(gallery, "READ", 1)
    encoder, told, most = Counting(), [], 0
    original = encoder.encode

    def encode(contents: Sequence[bytes], report: Report = silent) -> Seen:
        nonlocal most
        most = max(most, len(contents))
        return original(contents, report)

    monkeypatch.setattr(encoder, "encode", encode)
    hung = hang(encoder, folder, "a.png", "b.png", "more/c.png", report=lambda stage, done, total: told.append(done))
    assert [len(one.named) for one in hung] == [2, 1]
    assert told == [2, 3]
    assert most == 1


def test_files_and_addresses_stand_side_by_side(folder: Path) -> None:
    named = [Named("here", "a.png"), Named("there", "http://10.0.0.1/b.png")]
    cache = EmbeddingCache(folder.parent / "cache")
    with shop_pictures(folder, folder.parent / "cache") as source:
        (hung,) = encode_gallery(Counting(), named, source, cache)
    assert hung.matrix.tolist() == [list(b"aaa"), [0, 0, 0]]
    assert hung.rejected[1].reason == "private"


def test_a_picture_that_is_too_large_is_not_even_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_source, "MOST_BYTES", 2)
    encoder = Counting()
    (hung,) = hang(encoder, folder, "a.png")
    assert hung.rejected[0].reason == "too_large"
    assert encoder.asked == []

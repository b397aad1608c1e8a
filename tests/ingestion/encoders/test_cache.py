from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from ingestion.encoders.cache import BATCH, CacheError, EmbeddingCache, FloatArray, content_hash, encode_cached
from schema.progress import Report, silent

TEXTS = [f"product {i}" for i in range(1300)]


class Counting:
    """An encoder that notes what it was asked, and may break off."""

    width = 4

    def __init__(self, version: str = "v1", *, breaks_after: int | None = None) -> None:
        self.version = version
        self.encoded: list[str] = []
        self.breaks_after = breaks_after

    def encode(self, texts: Sequence[str], report: Report = silent) -> FloatArray:
        if self.breaks_after is not None and len(self.encoded) >= self.breaks_after:
            raise KeyboardInterrupt
        self.encoded += texts
        report("encode", len(texts), len(texts))
        return np.array([[hash_of(self.version, text, i) for i in range(4)] for text in texts], np.float32)


def hash_of(version: str, text: str, i: int) -> int:
    return int(content_hash(version, text)[i], 16)


def test_a_second_run_encodes_nothing_and_gives_the_same(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    first, hashes = encode_cached(Counting(), TEXTS, cache)
    second = Counting()
    matrix, again = encode_cached(second, TEXTS, EmbeddingCache(tmp_path))
    assert second.encoded == []
    assert again == hashes and np.array_equal(matrix, first)
    assert np.array_equal(first, Counting().encode(TEXTS))


def test_only_what_is_new_is_encoded_and_equal_texts_once(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    encode_cached(Counting(), TEXTS, cache)
    encoder = Counting()
    matrix, hashes = encode_cached(encoder, ["new", *TEXTS[:5], "new"], cache)
    assert encoder.encoded == ["new"]
    assert hashes[0] == hashes[-1] and np.array_equal(matrix[0], matrix[-1])


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    broken = Counting(breaks_after=2 * BATCH)
    with pytest.raises(KeyboardInterrupt):
        encode_cached(broken, TEXTS, EmbeddingCache(tmp_path))
    rest = Counting()
    matrix, _ = encode_cached(rest, TEXTS, EmbeddingCache(tmp_path))
    assert len(broken.encoded) == 2 * BATCH
    assert sorted(broken.encoded + rest.encoded) == sorted(TEXTS)
    assert np.array_equal(matrix, Counting().encode(TEXTS))


def test_a_changed_model_encodes_anew_and_leaves_the_old_vectors(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    _, old = encode_cached(Counting("v1"), TEXTS[:9], cache)
    changed = Counting("v2")
    matrix, new = encode_cached(changed, TEXTS[:9], cache)
    assert sorted(changed.encoded) == sorted(TEXTS[:9])
    assert not set(old) & set(new)
    assert np.array_equal(matrix, Counting("v2").encode(TEXTS[:9]))
    assert len(cache.get("v1", old)) == 9


def test_no_texts_give_an_empty_matrix(tmp_path: Path) -> None:
    matrix, hashes = encode_cached(Counting(), [], EmbeddingCache(tmp_path))
    assert matrix.shape == (0, 4) and hashes == []


def test_progress_counts_what_was_there_already(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    encode_cached(Counting(), TEXTS[:300], cache)
    news: list[tuple[str, int, int]] = []
    encode_cached(Counting(), TEXTS, cache, lambda *step: news.append(step))
    assert news[0] == ("encode", 300, 1300) and news[-1] == ("encode", 1300, 1300)


def write_some(folder: Path, start: int) -> None:
    for i in range(start, start + 100):
        EmbeddingCache(folder).put("v1", {f"key {i}": np.full(4, i, np.float32)})


def test_several_processes_write_at_the_same_time(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        for writer in [pool.submit(write_some, tmp_path, start) for start in (0, 50, 100)]:
            writer.result()
    found = EmbeddingCache(tmp_path).get("v1", [f"key {i}" for i in range(200)])
    assert {key: float(vector[0]) for key, vector in found.items()} == {f"key {i}": float(i) for i in range(200)}


def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path).path("v1").write_bytes(b"this is no database" * 100)
    with pytest.raises(CacheError, match=r"v1\.sqlite.*may be deleted"):
        encode_cached(Counting(), TEXTS[:3], EmbeddingCache(tmp_path))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="name a folder you may write to"):
        EmbeddingCache(tmp_path / "file" / "cache").put("v1", {})

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.services.checks import checked_first
from api.services.cursors import Cursors, Position, key_of, load_key, question_digest
from api.services.errors import BadInputError

CURSORS = Cursors(key_of(b"secret"))
positions = st.builds(
    Position,
    as_of=st.integers(0, 4_000_000_000_000).map(
        lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    ),
    model_version=st.text(max_size=20),
    question=st.text(max_size=20),
    rank=st.integers(1, 10**9),
    score=st.floats(allow_nan=False),
    product=st.text(max_size=50),
)


@given(positions)
def test_a_cursor_reads_back_exactly(position: Position) -> None:
    assert CURSORS.read(CURSORS.write(position)) == position


@given(positions, st.integers(0, 10**6), st.integers(1, 255))
def test_a_cursor_with_any_byte_changed_is_refused(position: Position, place: int, flip: int) -> None:
    cursor = bytearray(CURSORS.write(position).encode())
    cursor[place % (len(cursor) - 1)] ^= flip
    with pytest.raises(BadInputError):
        CURSORS.read(cursor.decode("latin-1"))


@given(st.text())
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        CURSORS.read(text)
    assert caught.value.field == "after"
    assert caught.value.remedy


@given(positions)
def test_a_cursor_of_another_shop_is_refused(position: Position) -> None:
    with pytest.raises(BadInputError):
        CURSORS.read(Cursors(key_of(b"other")).write(position))


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    file = tmp_path / "home" / "secret"
    threads = [threading.Thread(target=lambda: keys.append(load_key(file))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in file.parent.iterdir()] == ["secret"]


def test_equal_questions_have_equal_digests() -> None:
    assert question_digest("u", ("a", "b")) == question_digest("u", ("a", "b"))
    assert question_digest("u", ("a", "b")) != question_digest("u", ("a,b",))


@pytest.mark.parametrize("first", [0, -1, 101, 10**9])
def test_a_page_size_out_of_bounds_is_refused(first: int) -> None:
    with pytest.raises(BadInputError, match="1 to 100"):
        checked_first(first, 20)


def test_no_page_size_means_the_default() -> None:
    assert checked_first(None, 20) == 20
    assert checked_first(100, 20) == 100

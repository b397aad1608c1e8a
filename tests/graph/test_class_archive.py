import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from graph import Query, connect
from graph.class_archive import LOCK, ClassArchive, archive_for, make
from graph.embedded import SERVER, lock_file, read_running, try_lock

HEAP = ["2g"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the archives of a user who has not had an engine yet."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield cache / "pathrec" / "classes"


@pytest.fixture(scope="module")
def made(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that the first engine leaves behind."""
    read_by_an_engine(tmp_path_factory.mktemp("first"))
    assert eventually(lambda: bool(archives(cache)) and not list(cache.glob("*.classes")))
    [archive] = archives(cache)
    return archive


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for one test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pathrec" / "classes"


def read_by_an_engine(folder: Path) -> set[str]:
    """Files that a fresh engine, which answers, has in its memory; it has ended afterwards."""
    with connect(f"embedded:{folder}") as store:
        assert store.read(Query("RETURN 1 AS one")) == [{"one": 1}]
        running = read_running(folder)
        assert running is not None
        read = {part.path for part in psutil.Process(running.pid).memory_maps()}
    with lock_file(folder / SERVER) as server:
        assert eventually(lambda: try_lock(server, fcntl.LOCK_SH))
    return read


def archives(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsa"))


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def file_for(files: list[Path], options: list[str] = HEAP) -> Path:
    archive = archive_for(files, options)
    assert archive is not None
    return archive.file


def test_engines_after_the_first_read_what_it_left(made: Path, tmp_path: Path) -> None:
    before = made.stat()
    assert before.st_mode & 0o077 == 0
    assert str(made) in read_by_an_engine(tmp_path)
    assert (made.stat().st_ino, made.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_damaged_archive_stops_no_engine_and_does_not_stay(made: Path, tmp_path: Path) -> None:
    whole = made.read_bytes()
    made.write_bytes(whole[:100_000])
    try:
        assert str(made) not in read_by_an_engine(tmp_path)
        assert not made.exists()
    finally:
        made.write_bytes(whole)
        made.chmod(0o600)


def test_a_cache_that_cannot_be_written_to_stops_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert read_by_an_engine(tmp_path / "graph")


def test_a_folder_that_others_may_write_to_is_not_trusted(own_cache: Path) -> None:
    own_cache.mkdir(parents=True)
    own_cache.chmod(0o777)
    assert archive_for([], HEAP) is None


def test_another_version_and_other_options_have_another_archive(own_cache: Path, tmp_path: Path) -> None:
    jar = tmp_path / "engine.jar"
    jar.write_text("classes")
    first = file_for([jar])
    assert file_for([jar]) == first
    assert file_for([jar], ["4g"]) != first
    jar.write_text("newer classes")
    assert file_for([jar]) != first
    assert first.parent == own_cache


@pytest.mark.parametrize("said", ["-Xshare:off", "-XX:SharedArchiveFile=/mine.jsa", "-XX:AOTCache=/mine.aot"])
def test_what_java_is_told_elsewhere_holds(own_cache: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", said)
    assert archive_for([], HEAP) is None


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of classes that an engine was killed in the middle of."""
    (tmp_path / "engine.classes").write_text("java/lang/Object\njava/la")
    return tmp_path / "engine.classes"


@pytest.fixture
def java(tmp_path: Path) -> list[str]:
    """A Java that makes an archive of the list itself."""
    (tmp_path / "java").write_text('#!/bin/sh\ncp "${2#*=}" "${3#*=}"\n')
    (tmp_path / "java").chmod(0o700)
    return [str(tmp_path / "java")]


def test_an_archive_is_made_of_whole_lines(tmp_path: Path, listed: Path, java: list[str]) -> None:
    make(tmp_path / "a.jsa", listed, java)
    assert (tmp_path / "a.jsa").read_text() == "java/lang/Object\n"
    assert not listed.exists()


def test_while_one_process_makes_archives_no_other_does(tmp_path: Path, listed: Path, java: list[str]) -> None:
    with lock_file(tmp_path / LOCK) as lock:
        assert try_lock(lock, fcntl.LOCK_EX)
        make(tmp_path / "a.jsa", listed, java)
    assert archives(tmp_path) == []
    assert not listed.exists()


def test_an_archive_that_cannot_be_made_leaves_nothing(tmp_path: Path, listed: Path) -> None:
    make(tmp_path / "a.jsa", listed, ["/bin/false"])
    assert archives(tmp_path) == []
    assert {file.name for file in tmp_path.iterdir()} == {LOCK}


def test_the_newest_archives_are_kept_and_nothing_of_what_was_killed(
    tmp_path: Path, listed: Path, java: list[str]
) -> None:
    for left in ("b.17.classes", ".b.jsa.xyz"):
        (tmp_path / left).touch()
    for age, name in enumerate("bcd"):
        (tmp_path / f"{name}.jsa").touch()
        os.utime(tmp_path / f"{name}.jsa", (1000 - age, 1000 - age))
    make(tmp_path / "a.jsa", listed, java)
    assert {file.name for file in tmp_path.iterdir()} == {"a.jsa", "b.jsa", "c.jsa", "java", LOCK}


def test_an_archive_that_java_read_stays(tmp_path: Path) -> None:
    archive = ClassArchive(tmp_path / "a.jsa")
    archive.file.touch()
    archive.drop_if_refused("mixed mode, sharing")
    assert archive.file.exists()
    archive.drop_if_refused("mixed mode")
    assert not archive.file.exists()

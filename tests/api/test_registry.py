import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from api import registry
from gnn.artifact import ArtifactError, load_artifact
from schema.errors import PathrecError

MakeArtifact = Callable[..., Path]

PUBLISH = """
import sys
from pathlib import Path
from api import registry

for artifact in sys.argv[2:]:
    registry.publish(Path(sys.argv[1]), Path(artifact))
"""


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def visible(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} - {".lock"}


def test_nothing_is_served_before_something_was_published(tmp_path: Path) -> None:
    assert registry.served(tmp_path) is None
    assert registry.published(tmp_path) == []


def test_a_published_model_is_served_from_a_copy(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    artifact = make_artifact("first")
    assert registry.publish(tmp_path, artifact) == "first"
    folder = registry.served(tmp_path)
    assert folder == tmp_path / "models" / "first"
    assert content(folder) == content(artifact)
    assert load_artifact(folder).manifest.model_version == "first"


def test_publishing_the_served_model_again_changes_no_history(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    registry.publish(tmp_path, make_artifact("first"))
    registry.publish(tmp_path, make_artifact("second"))
    before = registry.read_served(tmp_path)
    registry.publish(tmp_path, make_artifact("second"))
    registry.publish(tmp_path, tmp_path / "models" / "second")
    assert registry.read_served(tmp_path) == before == registry.Served(current="second", previous=("first",))


def test_rollback_serves_what_was_served_before(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    for version in ("first", "second", "third"):
        registry.publish(tmp_path, make_artifact(version))
    assert registry.rollback(tmp_path) == "second"
    assert registry.read_served(tmp_path) == registry.Served(current="second", previous=("first",))
    assert registry.rollback(tmp_path) == "first"
    with pytest.raises(registry.RegistryError, match="no model was served before"):
        registry.rollback(tmp_path)
    assert registry.served(tmp_path) == tmp_path / "models" / "first"


def test_a_model_that_was_rolled_away_from_can_be_published_again(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    registry.publish(tmp_path, make_artifact("first"))
    registry.publish(tmp_path, make_artifact("second"))
    registry.rollback(tmp_path)
    registry.publish(tmp_path, tmp_path / "models" / "second")
    assert registry.read_served(tmp_path) == registry.Served(current="second", previous=("first",))


def test_the_last_five_models_are_kept_and_the_served_one_among_them(
    tmp_path: Path, make_artifact: MakeArtifact
) -> None:
    for number in range(8):
        registry.publish(tmp_path, make_artifact(f"v{number}"))
        assert (tmp_path / "models" / f"v{number}").is_dir()
    assert visible(tmp_path / "models") == {"served.json", "v3", "v4", "v5", "v6", "v7"}
    registry.publish(tmp_path, tmp_path / "models" / "v3")
    assert visible(tmp_path / "models") == {"served.json", "v3", "v4", "v5", "v6", "v7"}


def test_an_unknown_artifact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no artifact here"):
        registry.publish(tmp_path / "home", tmp_path / "nowhere")
    assert not (tmp_path / "home").exists()


def test_a_corrupt_artifact_is_refused_and_nothing_changes(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    registry.publish(tmp_path, make_artifact("good"))
    before = content(tmp_path / "models")
    bad = make_artifact("bad")
    (bad / "products.parquet").write_bytes(b"not parquet")
    with pytest.raises(ArtifactError, match=r"products\.parquet: is missing or damaged"):
        registry.publish(tmp_path, bad)
    assert content(tmp_path / "models") == before


def test_a_version_that_would_leave_the_folder_is_refused(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    with pytest.raises(registry.RegistryError, match="cannot name a folder"):
        registry.publish(tmp_path, make_artifact("../elsewhere", "odd"))
    assert not (tmp_path / "models").exists()


def test_a_damaged_pointer_is_named(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    registry.publish(tmp_path, make_artifact("first"))
    (tmp_path / "models" / "served.json").write_text("{", encoding="utf-8")
    with pytest.raises(registry.RegistryError, match=r"served\.json"):
        registry.served(tmp_path)


def test_rolling_back_to_a_damaged_model_changes_nothing(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    registry.publish(tmp_path, make_artifact("first"))
    registry.publish(tmp_path, make_artifact("second"))
    (tmp_path / "models" / "first" / "products.parquet").unlink()
    with pytest.raises(ArtifactError):
        registry.rollback(tmp_path)
    assert registry.served(tmp_path) == tmp_path / "models" / "second"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    artifact = make_artifact("first")
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    with pytest.raises(PathrecError, match="cannot be written"):
        registry.publish(home, artifact)
    assert list(home.iterdir()) == []


def test_a_home_that_is_a_file_is_named(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    home = tmp_path / "home"
    home.write_text("", encoding="utf-8")
    with pytest.raises(PathrecError, match="cannot be written"):
        registry.publish(home, make_artifact("first"))


def test_readers_see_the_old_or_the_new_model_while_others_publish(tmp_path: Path, make_artifact: MakeArtifact) -> None:
    artifacts = [make_artifact(f"v{number}") for number in range(4)]
    registry.publish(tmp_path, artifacts[0])
    over, seen = threading.Event(), set()

    def watch() -> None:
        while not over.is_set():
            pointer = registry.read_served(tmp_path)
            assert pointer is not None
            seen.add(pointer.current)

    reader = threading.Thread(target=watch)
    reader.start()
    commands = [[sys.executable, "-c", PUBLISH, str(tmp_path), *map(str, artifacts[start:])] for start in (0, 2)]
    processes = [subprocess.Popen(command) for command in commands]
    assert [process.wait(60) for process in processes] == [0, 0]
    over.set()
    reader.join()
    assert seen <= {"v0", "v1", "v2", "v3"}
    final = registry.read_served(tmp_path)
    assert final is not None
    assert {final.current, *final.previous} == {"v0", "v1", "v2", "v3"}
    assert all(load_artifact(folder) for folder in registry.published(tmp_path))

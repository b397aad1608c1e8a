import socket
import time
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from schema import remote
from schema.errors import SnapshotError
from schema.remote import RemoteError, snapshot_folder, upload
from schema.snapshot import MANIFEST, open_snapshot
from tests.support.small_shop import SmallShop


@pytest.fixture(params=["s3", "gcs", "memory"])
def address(request: pytest.FixtureRequest) -> str:
    """A place of its own in an object store."""
    bucket = "memory:/" if request.param == "memory" else request.getfixturevalue(f"{request.param}_bucket")
    return f"{bucket}/{uuid4().hex}"


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    SmallShop(products=3, users=2, events=[(0, 1, "purchase", 1, None)]).write(tmp_path / "snapshot")
    return tmp_path / "snapshot"


def test_a_snapshot_comes_back_from_object_storage_as_it_was(snapshot: Path, address: str) -> None:
    upload(snapshot, address, marker=MANIFEST)
    upload(snapshot, address, marker=MANIFEST)  # again over itself
    with snapshot_folder(address) as folder:
        assert open_snapshot(folder).manifest == open_snapshot(snapshot).manifest
    assert not folder.exists()


def test_without_its_manifest_it_is_no_snapshot(snapshot: Path, address: str) -> None:
    (snapshot / MANIFEST).unlink()
    upload(snapshot, address, marker=MANIFEST)  # what an upload that was cut off leaves
    with pytest.raises(SnapshotError, match="no snapshot here"), snapshot_folder(address):
        pass


def test_the_manifest_is_gone_while_files_are_replaced_and_comes_last(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"memory://{uuid4().hex}"
    files = fsspec.filesystem("memory")
    upload(snapshot, address, marker=MANIFEST)
    seen: list[tuple[str, bool]] = []
    put = remote._Store.put

    def watched(store: remote._Store, source: Path, name: str) -> None:
        seen.append((name, files.exists(f"{address}/{MANIFEST}")))
        put(store, source, name)

    monkeypatch.setattr(remote._Store, "put", watched)
    upload(snapshot, address, marker=MANIFEST)
    assert seen[-1][0] == MANIFEST
    assert not any(whole for _, whole in seen)


def test_what_is_not_ours_is_left_alone(snapshot: Path, address: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    upload(tmp_path / "notes.txt", f"{address}/notes.txt")
    with pytest.raises(RemoteError, match="not one of ours"):
        upload(snapshot, address, marker=MANIFEST)


def test_a_manifest_cannot_name_files_outside(snapshot: Path, address: str) -> None:
    text = (snapshot / MANIFEST).read_text(encoding="utf-8")
    (snapshot / MANIFEST).write_text(text.replace("events.parquet", "../../events.parquet"), encoding="utf-8")
    upload(snapshot, address, marker=MANIFEST)
    with pytest.raises(SnapshotError, match="not in the folder"), snapshot_folder(address):
        pass


def test_a_store_that_says_nothing_is_given_up(snapshot: Path, monkeypatch: pytest.MonkeyPatch, s3_login: None) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(remote, "ATTEMPTS", 2)
        began = time.monotonic()
        with pytest.raises(RemoteError, match=r"s3://shop/a: the object store does not do what it should .*Timeout"):
            upload(snapshot, "s3://shop/a", marker=MANIFEST, seconds=1)
        with pytest.raises(RemoteError, match="Timeout"), snapshot_folder("s3://shop/a", seconds=1):
            pass
        assert time.monotonic() - began < 30


def test_a_bucket_that_is_not_there_is_named(snapshot: Path, s3_bucket: str) -> None:
    with pytest.raises(RemoteError, match=r"s3://nobodys/a: .*bucket"):
        upload(snapshot, "s3://nobodys/a", marker=MANIFEST)


def test_googles_too_is_named(snapshot: Path, gcs_bucket: str) -> None:
    with pytest.raises(RemoteError, match=r"gs://nobodys/a: the object store"):
        upload(snapshot, "gs://nobodys/a", marker=MANIFEST, seconds=1)


def test_an_unknown_kind_of_store_is_named() -> None:
    with pytest.raises(RemoteError, match="known here"), snapshot_folder("nowhere://a"):
        pass

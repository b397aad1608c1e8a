"""Folders in object storage: `s3://bucket/path`, `gs://…`, or whatever fsspec knows.

An object store cannot rename, so the file that shows a folder to be whole (its marker) is written last and taken away
first: who looks for it never finds a folder that is half there. The clients of S3 and Google Cloud are those of
pyarrow, with deadlines; others are packages that fsspec finds.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.arrow import ArrowFSWrapper
from pydantic import ValidationError

from schema.errors import PathrecError, SnapshotError
from schema.snapshot import MANIFEST, SnapshotManifest

T = TypeVar("T")

SECONDS = 30.0
"""How long a store may say nothing before that counts as no answer."""
ATTEMPTS = 3
_PAUSE = 0.5


class RemoteError(PathrecError):
    """An object store does not answer, refuses, or is none that is known here."""


def is_remote(address: str) -> bool:
    """Whether an address is one of an object store, not of this machine."""
    return "://" in address and urlsplit(address).scheme != "file"


def local_path(address: str) -> Path:
    """The path of an address on this machine, with or without `file://`."""
    return Path(urlsplit(address).path if "://" in address else address)


def upload(source: Path, address: str, *, marker: str | None = None, seconds: float = SECONDS) -> None:
    """Puts a file or a folder into object storage.

    Args:
        source: what to put there.
        address: where; a folder that is there already must have the marker.
        marker: of a folder, the file that shows it to be whole.
        seconds: as of `SECONDS`.

    Raises:
        RemoteError: the store does not answer or refuses; nothing new can be seen there then.
    """
    store = _Store(address, seconds)
    if marker is None:
        store.put(source, "")
        return
    if not store.there(marker) and store.anything():
        raise RemoteError(f"{address}: holds something that is not one of ours (no {marker}); name another place")
    store.remove(marker)
    names = sorted(str(file.relative_to(source)) for file in source.rglob("*") if file.is_file())
    for name in sorted(names, key=lambda name: name == marker):
        store.put(source / name, name)


@contextmanager
def snapshot_folder(address: str, *, seconds: float = SECONDS) -> Iterator[Path]:
    """The folder of a snapshot: where it is, or a copy of one in object storage that lives as long as the block.

    Raises:
        RemoteError: the store does not answer or refuses.
        SnapshotError: there is no whole snapshot.
    """
    if not is_remote(address):
        yield local_path(address)
        return
    with tempfile.TemporaryDirectory(prefix="pathrec-") as name:
        folder = Path(name)
        _download(_Store(address, seconds), folder)
        yield folder


def _download(store: "_Store", folder: Path) -> None:
    if not store.there(MANIFEST):
        raise SnapshotError(f"{store.address}: no snapshot here; make one with `pathrec export {store.address}`")
    store.get(MANIFEST, folder / MANIFEST)
    try:
        manifest = SnapshotManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except ValidationError as error:
        raise SnapshotError(
            f"{store.address}/{MANIFEST}: not a manifest of format 1: {error.errors()[0]['msg']}; export it again"
        ) from error
    for name in manifest.files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise SnapshotError(
                f"{store.address}/{MANIFEST}: names {name}, which is not in the folder; export it again"
            )
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        store.get(name, folder / name)


class _Store:
    """One place in an object store, whose every call is tried a few times and ends."""

    def __init__(self, address: str, seconds: float) -> None:
        self.address = address.rstrip("/")
        self._files, self._root = self._opened(seconds)

    def put(self, source: Path, name: str) -> None:
        """A file at a name; it is there when all of it is."""

        def write() -> None:
            with source.open("rb") as reader, self._files.open(self._at(name), "wb") as writer:
                shutil.copyfileobj(reader, writer, 2**22)

        self._tried(write)

    def get(self, name: str, target: Path) -> None:
        """A file to this machine."""
        if not self._tried(lambda: self._got(name, target)):
            raise SnapshotError(f"{self.address}/{name}: is missing from the snapshot; export it again")

    def there(self, name: str) -> bool:
        """Whether there is a file of a name."""

        def look() -> bool:
            # fsspec's own isfile takes a store that does not answer for one without the file.
            try:
                return bool(self._files.info(self._at(name))["type"] == "file")
            except FileNotFoundError:
                return False

        return self._tried(look)

    def anything(self) -> bool:
        """Whether there is any file."""
        return bool(self._tried(lambda: self._files.find(self._root, maxdepth=2)))

    def remove(self, name: str) -> None:
        """Takes a file away if it is there."""
        if self.there(name):
            self._tried(lambda: self._files.rm_file(self._at(name)))

    def _got(self, name: str, target: Path) -> bool:
        try:
            self._files.get_file(self._at(name), str(target))
        except FileNotFoundError:
            return False
        return True

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _tried(self, work: Callable[[], T]) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return work()
            except (OSError, TimeoutError) as error:
                failure = error
                if isinstance(error, PermissionError) or attempt == ATTEMPTS - 1:
                    break
                time.sleep(_PAUSE * 2**attempt)
        reason = str(failure).splitlines()[0][:300] or type(failure).__name__
        raise RemoteError(
            f"{self.address}: the object store does not do what it should ({reason}); see that it can be reached, "
            "that the bucket is there and the login may use it, and run this again"
        ) from failure

    def _opened(self, seconds: float) -> tuple[Any, str]:
        scheme = urlsplit(self.address).scheme
        try:
            if scheme in ("s3", "s3a"):
                return ArrowFSWrapper(_s3(seconds)), self.address.split("://", 1)[1]
            if scheme in ("gs", "gcs"):
                return ArrowFSWrapper(_gcs(seconds)), self.address.split("://", 1)[1]
            files, root = fsspec.core.url_to_fs(self.address)
        except (ValueError, ImportError, OSError) as error:
            raise RemoteError(
                f"{self.address}: no object store that is known here ({error}); give s3://…, gs://…, or install the "
                f"package with which fsspec reaches {scheme}://"
            ) from error
        return files, str(root)


def _s3(seconds: float) -> Any:
    """Amazon's, or one like it at `AWS_ENDPOINT_URL`; login and region as every AWS tool takes them."""
    from pyarrow import fs

    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    where = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme} if endpoint.netloc else {}
    return fs.S3FileSystem(
        region=region or ("us-east-1" if where else None),
        connect_timeout=seconds,
        request_timeout=seconds,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
        **where,
    )


def _gcs(seconds: float) -> Any:
    """Google's, or what stands in for it at `STORAGE_EMULATOR_HOST`, which asks for no login."""
    from pyarrow import fs

    host = os.environ.get("STORAGE_EMULATOR_HOST", "")
    endpoint = urlsplit(host if "://" in host or not host else f"http://{host}")
    where = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme, "anonymous": True} if host else {}
    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=seconds), **where)

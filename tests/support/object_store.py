"""Servers on loopback that speak S3, and as Google Cloud Storage does."""

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def _s3_address() -> Iterator[str]:
    from moto.server import ThreadedMotoServer
    from pyarrow import fs

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    login = {"access_key": "key", "secret_key": "secret", "region": "us-east-1"}
    files = fs.S3FileSystem(endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True, **login)
    files.create_dir("shop")
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login of the environment, as AWS tools take it."""
    for name, value in (("ACCESS_KEY_ID", "key"), ("SECRET_ACCESS_KEY", "secret"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)


@pytest.fixture
def s3_bucket(_s3_address: str, monkeypatch: pytest.MonkeyPatch, s3_login: None) -> str:
    """Address of a bucket on a server that the environment names."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", _s3_address)
    return "s3://shop"


@pytest.fixture(scope="session")
def _gcs_address() -> Iterator[str]:
    from gcp_storage_emulator.server import create_server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="shop")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def gcs_bucket(_gcs_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of a bucket on a server that the environment names."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", _gcs_address)
    return "gs://shop"

"""A server that speaks S3 on loopback."""

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

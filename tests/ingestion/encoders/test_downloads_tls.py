"""Downloads over TLS: the pinned address is connected to, the name is what the certificate is asked for."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.encoders import addresses, downloads
from ingestion.encoders.downloads import Downloads
from ingestion.encoders.pictures import PictureError

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of shop.example, good for a day."""
    file = tmp_path_factory.mktemp("tls") / "shop.pem"
    names = ["-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example", "-days", "1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, *names, "-keyout", file, "-out", file.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )
    return file


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], int]]:
    """A server on loopback that every name leads to: what names it was asked for, and its port."""
    names: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    context.sni_callback = lambda _, name, __: names.append(name)
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:  # closed: the test is over
                return
            with plain:
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        names.append(connection.recv(4096).decode().split("\r\n")[1])
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
                except OSError:  # the client does not trust us
                    continue

    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listening.getsockname())]

    trusting = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    monkeypatch.setattr(downloads, "_trusting", lambda: trusting)
    monkeypatch.setattr(addresses.anyio, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    thread = threading.Thread(target=answer)
    thread.start()
    yield names, listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_the_certificate_is_that_of_the_name(server: tuple[list[str], int]) -> None:
    asked, port = server
    with Downloads() as client:
        assert client.fetch(f"https://shop.example:{port}/a.png").content == b"x"
        assert asked == ["shop.example", f"Host: shop.example:{port}"]
        with pytest.raises(PictureError) as caught:
            client.fetch(f"https://other.example:{port}/a.png")
    assert caught.value.reason == "unreachable" and "certificate" in str(caught.value).lower()

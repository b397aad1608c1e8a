import socket
import time
from collections.abc import Iterator

import httpcore
import pytest

from ingestion.encoders import addresses, downloads
from ingestion.encoders.downloads import MOST_REDIRECTS, Downloads
from ingestion.encoders.pictures import PictureError
from tests.support.picture_server import Page, PictureServer, serving


@pytest.fixture
def server() -> Iterator[PictureServer]:
    with serving({"/a.png": Page((b"a picture",), headers={"ETag": '"1"'})}) as server:
        yield server


@pytest.fixture(scope="module")
def trusting() -> Iterator[Downloads]:
    """That may reach this machine."""
    with Downloads(allow_private=True) as downloads:
        yield downloads


@pytest.fixture(scope="module")
def strict() -> Iterator[Downloads]:
    with Downloads() as downloads:
        yield downloads


def reason(downloads: Downloads, address: str) -> str:
    with pytest.raises(PictureError) as caught:
        downloads.fetch(address)
    return caught.value.reason


def test_a_picture_is_fetched_as_it_is(trusting: Downloads, server: PictureServer) -> None:
    found = trusting.fetch(f"{server.url}/a.png")
    assert (found.content, found.etag, found.modified) == (b"a picture", '"1"', None)
    ((path, headers),) = server.asked
    assert path == "/a.png" and headers["host"] == server.url.removeprefix("http://")
    assert headers["accept-encoding"] == "identity"


def test_what_has_not_changed_is_not_sent_again(trusting: Downloads, server: PictureServer) -> None:
    known = trusting.fetch(f"{server.url}/a.png")
    assert trusting.fetch(f"{server.url}/a.png", known) is known
    server.pages["/a.png"] = Page((b"another",), headers={"ETag": '"2"', "Last-Modified": "today"})
    changed = trusting.fetch(f"{server.url}/a.png", known)
    assert (changed.content, changed.etag, changed.modified) == (b"another", '"2"', "today")


def test_without_an_etag_the_date_is_asked_about(trusting: Downloads, server: PictureServer) -> None:
    server.pages["/b.png"] = Page((b"b",), headers={"Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"})
    known = trusting.fetch(f"{server.url}/b.png")
    trusting.fetch(f"{server.url}/b.png", known)
    assert server.asked[-1][1]["if-modified-since"] == known.modified


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, "missing"),
        (410, "missing"),
        (403, "refused"),
        (500, "unreachable"),
        (429, "unreachable"),
        (204, "refused"),
        (206, "refused"),
        (304, "refused"),
        (302, "refused"),
    ],
)
def test_a_status_other_than_ok_is_a_reason(
    trusting: Downloads, server: PictureServer, status: int, expected: str
) -> None:
    server.pages["/x"] = Page(status=status)
    assert reason(trusting, f"{server.url}/x") == expected


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/a.png",
        "file:///etc/passwd",
        "http://",
        "https:///a.png",
        "http://user:secret@example.org/a.png",
        "http://user@example.org/a.png",
        "http://exa mple.org:x/",
        "http://[::1/a.png",
    ],
)
def test_other_kinds_of_addresses_are_refused(strict: Downloads, address: str) -> None:
    assert reason(strict, address) == "bad_address"


def test_private_machines_are_refused_however_they_are_named(strict: Downloads, server: PictureServer) -> None:
    port = server.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0"):  # noqa: S104
        assert reason(strict, f"http://{host}:{port}/a.png") == "private", host
    assert server.asked == []


def test_a_name_that_means_another_machine_the_next_time_gains_nothing(
    strict: Downloads, server: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name server that first gives a public address, then this machine's: the classic rebinding.
    answers = iter(["198.41.0.4", "127.0.0.1", "127.0.0.1"])
    looked_up: list[str] = []
    connected: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        looked_up.append(next(answers))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (looked_up[-1], port))]

    async def connect_tcp(network: object, host: str, *_: object) -> None:
        connected.append(host)
        raise httpcore.ConnectError("nobody there")

    monkeypatch.setattr(addresses.anyio, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    assert reason(strict, "http://rebinding.example/a.png") == "unreachable"
    assert (looked_up, connected) == (["198.41.0.4"], ["198.41.0.4"])
    assert reason(strict, "http://rebinding.example/a.png") == "private"
    assert connected == ["198.41.0.4"]


def test_a_host_with_one_private_address_among_public_ones_is_refused(
    strict: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("198.41.0.4", "10.0.0.1")]

    monkeypatch.setattr(addresses.anyio, "getaddrinfo", getaddrinfo)
    assert reason(strict, "http://both.example/a.png") == "private"


def test_a_host_that_is_not_known_or_does_not_answer_is_unreachable(trusting: Downloads) -> None:
    assert reason(trusting, "http://no-such-host.invalid/a.png") == "unreachable"
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        assert reason(trusting, f"http://127.0.0.1:{taken.getsockname()[1]}/a.png") == "unreachable"


def test_redirects_are_followed_to_their_end(trusting: Downloads, server: PictureServer) -> None:
    server.pages["/old"] = Page(status=301, headers={"Location": "/moved/a.png"})
    server.pages["/moved/a.png"] = Page(status=307, headers={"Location": f"{server.url}/a.png"})
    assert trusting.fetch(f"{server.url}/old").content == b"a picture"


def test_endless_redirects_are_not(trusting: Downloads, server: PictureServer) -> None:
    server.pages["/loop"] = Page(status=302, headers={"Location": "/loop"})
    assert reason(trusting, f"{server.url}/loop") == "redirected"
    assert len(server.asked) == MOST_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/", "http://a:b@example.org/"])
def test_a_redirect_leads_to_nothing_that_is_not_fetched(
    trusting: Downloads, server: PictureServer, target: str
) -> None:
    server.pages["/away"] = Page(status=302, headers={"Location": target})
    assert reason(trusting, f"{server.url}/away") == "bad_address"


def test_a_redirect_to_a_private_machine_is_refused(
    strict: Downloads, server: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first machine counts as public, by the name of it; where it sends us does not.
    public = addresses.is_public
    server.pages["/away"] = Page(status=302, headers={"Location": "http://10.0.0.1/a.png"})
    monkeypatch.setattr(addresses, "is_public", lambda address: str(address) == "127.0.0.1" or public(address))
    assert reason(strict, f"{server.url}/away") == "private"
    assert [path for path, _ in server.asked] == ["/away"]


def test_a_file_that_says_to_be_too_large_is_not_fetched(
    trusting: Downloads, server: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_BYTES", 1000)
    server.pages["/large"] = Page((b"x" * 1001,))
    assert reason(trusting, f"{server.url}/large") == "too_large"


def test_a_file_without_an_honest_length_is_read_no_further_than_allowed(
    trusting: Downloads, server: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_BYTES", 1000)
    endless = tuple(b"%x\r\n" % 500 + b"x" * 500 + b"\r\n" for _ in range(1000))
    server.pages["/endless"] = Page(endless, headers={"Transfer-Encoding": "chunked", "Content-Length": "9"})
    assert reason(trusting, f"{server.url}/endless") == "too_large"


def test_a_file_that_breaks_off_is_unreachable(trusting: Downloads, server: PictureServer) -> None:
    server.pages["/half"] = Page((b"half",), headers={"Content-Length": "8"})
    assert reason(trusting, f"{server.url}/half") == "unreachable"


def test_a_server_that_drips_is_given_up_after_the_whole_time(
    trusting: Downloads, server: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_SECONDS", 0.5)
    server.pages["/drip"] = Page((b"x",) * 100, pause=0.1)
    began = time.monotonic()
    assert reason(trusting, f"{server.url}/drip") == "too_slow"
    assert time.monotonic() - began < 2


def test_a_server_that_drips_its_headers_is_given_up_too(trusting: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MOST_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        assert reason(trusting, f"http://127.0.0.1:{silent.getsockname()[1]}/a.png") == "too_slow"


def test_what_is_no_http_is_unreachable(trusting: Downloads) -> None:
    assert reason(trusting, "https://127.0.0.1:9/a.png") == "unreachable"

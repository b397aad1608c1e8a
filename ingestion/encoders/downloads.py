"""Pictures at http(s) addresses: within limits of size, time and redirects, and only from public machines."""

import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import anyio
import httpcore
import httpx
from anyio.from_thread import start_blocking_portal

from ingestion.encoders.addresses import CheckedNetwork
from ingestion.encoders.pictures import MOST_BYTES, PictureError, too_large

MOST_SECONDS = 30.0
"""For a whole download: looking up the host, connecting, redirects, the last byte."""
MOST_REDIRECTS = 5
TOGETHER = 8
"""Downloads at the same time."""

_ASKED = {"User-Agent": "pathrec", "Accept": "image/*, */*;q=0.1", "Accept-Encoding": "identity"}
_MOVED = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_LATER = {408, 425, 429}


@dataclass(frozen=True)
class Downloaded:
    """What an address had, and what the server calls this state of it (the headers ETag and Last-Modified)."""

    content: bytes
    etag: str | None
    modified: str | None


class Downloads:
    """Fetches pictures; safe to use from several threads. Used as a context, which ends its connections."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._context = ExitStack()
        self._portal = self._context.enter_context(start_blocking_portal())
        pool = httpcore.AsyncConnectionPool(
            ssl_context=_trusting(),
            max_connections=TOGETHER,
            keepalive_expiry=5,
            network_backend=CheckedNetwork(allow_private=allow_private),
        )
        self._pool = self._context.enter_context(self._portal.wrap_async_context_manager(pool))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def fetch(self, address: str, known: Downloaded | None = None) -> Downloaded:
        """The picture at an address; `known` itself where that has not changed.

        Raises:
            PictureError: it cannot be had, or may not be.
        """
        return self._portal.call(self._in_time, address, known)

    async def _in_time(self, address: str, known: Downloaded | None) -> Downloaded:
        try:
            with anyio.fail_after(MOST_SECONDS):
                return await self._follow(_checked(address), known)
        except TimeoutError as error:
            raise PictureError("too_slow", f"was not here after {MOST_SECONDS:g} s; try again later") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise PictureError("unreachable", f"cannot be fetched ({error!r}); try again later") from error

    async def _follow(self, url: httpx.URL, known: Downloaded | None) -> Downloaded:
        for _ in range(MOST_REDIRECTS + 1):
            found = await self._ask(url, known)
            if isinstance(found, Downloaded):
                return found
            url = found
        raise PictureError(
            "redirected", f"is redirected more than {MOST_REDIRECTS} times; give the address where it is"
        )

    async def _ask(self, url: httpx.URL, known: Downloaded | None) -> Downloaded | httpx.URL:
        """What is there, or where else to ask."""
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = {"Host": url.netloc.decode("ascii"), **_ASKED, **_conditions(known)}
        async with self._pool.stream("GET", target, headers=list(headers.items())) as response:
            told = httpx.Headers(response.headers)
            if known and response.status == HTTPStatus.NOT_MODIFIED:
                return known
            if response.status in _MOVED and "location" in told:
                return _checked(told["location"], url)
            if response.status != HTTPStatus.OK:
                raise _refused(response.status)
            return Downloaded(await _content(response, told), told.get("etag"), told.get("last-modified"))


def _trusting() -> ssl.SSLContext:
    context: ssl.SSLContext = httpx.create_ssl_context()
    return context


def _checked(address: str, base: httpx.URL | None = None) -> httpx.URL:
    """An address, seen from another if it is relative, of the kind that is fetched."""
    try:
        url = httpx.URL(address) if base is None else base.join(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise PictureError("bad_address", f"is not an address ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise PictureError("bad_address", f"leads to {url.scheme or 'nowhere'}; only http and https are fetched")
    if url.userinfo:
        raise PictureError("bad_address", "carries a name or a password; give an address without")
    return url


def _conditions(known: Downloaded | None) -> dict[str, str]:
    """Asks for the picture only if it is another than the one that is known."""
    if known and known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.modified} if known and known.modified else {}


async def _content(response: httpcore.Response, told: httpx.Headers) -> bytes:
    """The body, read no further than is allowed, whatever length was announced."""
    announced = told.get("content-length", "")
    if announced.isdigit() and int(announced) > MOST_BYTES:
        raise too_large()
    content = bytearray()
    async for piece in response.aiter_stream():
        content += piece
        if len(content) > MOST_BYTES:
            raise too_large()
    return bytes(content)


def _refused(status: int) -> PictureError:
    if status in _GONE:
        return PictureError("missing", f"is not there any more (status {status})")
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PictureError("unreachable", f"the server cannot give it now (status {status}); try again later")
    return PictureError("refused", f"the server does not give it (status {status}); make it public")

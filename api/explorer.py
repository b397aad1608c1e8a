"""The web explorer: one page at `/` and what it is made of under `/web/<version>/`, all of it in this package.

Nothing of it is fetched from elsewhere, and browsers are told to refuse what would be. Its addresses are relative,
so that a proxy may serve it behind a path prefix. The version stands for the content of all parts: a browser keeps what
it has of one for good, and asks each time for the page alone, which names the version.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

from api.packing import WORTH, accepts_gzip, packed

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "vary": "accept-encoding",
}
# Asked for each time, and answered with 304 while it is the same: a new version is there at once.
_ASK_AGAIN = "no-cache"
_FOR_GOOD = "public, max-age=31536000, immutable"
_PAGE = "index.html"
_BEST = 9


@dataclass(frozen=True)
class Part:
    """A file of the page, as it is and packed; `tag` is that of its content."""

    content: bytes
    packed: bytes | None  # where that is smaller by enough
    type: str
    tag: str


def router() -> APIRouter:
    """The routes `/` and `/web/<version>/<name>`."""
    routes = APIRouter()
    sources = _sources()
    version = _version(sources)
    page_part = _part(_PAGE, sources.pop(_PAGE).replace(b'"web/', f'"web/{version}/'.encode()))
    parts = {name: _part(name, content) for name, content in sources.items()}

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def page(request: Request) -> Response:
        return _response(page_part, request, _ASK_AGAIN)

    @routes.api_route("/web/{asked}/{name}", methods=["GET", "HEAD"])
    async def part(asked: str, name: str, request: Request) -> Response:
        if name not in parts:
            raise HTTPException(404, "the page has no such part")
        # While versions change, a page of one process may ask another for a part that this one has not got any more.
        return _response(parts[name], request, _FOR_GOOD if asked == version else _ASK_AGAIN)

    return routes


def _sources() -> dict[str, bytes]:
    """Every file of the page by its name."""
    found = [file for file in files("api").joinpath("web").iterdir() if file.name.rpartition(".")[2] in _TYPES]
    return {file.name: file.read_bytes() for file in found}


def _version(sources: dict[str, bytes]) -> str:
    """What changes with any of them."""
    return _digest(b"".join(name.encode() + sha256(content).digest() for name, content in sorted(sources.items())))[:12]


def _part(name: str, content: bytes) -> Part:
    smaller = packed(content, _BEST) if len(content) >= WORTH else None
    return Part(content, smaller, _TYPES[name.rpartition(".")[2]], _digest(content))


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]


def _response(part: Part, request: Request, cache: str) -> Response:
    pack = part.packed is not None and accepts_gzip(request.headers.get("accept-encoding", ""))
    # The same part in two codings is two representations, which a strong tag has to tell apart.
    tag = f'"{part.tag}{"-gzip" if pack else ""}"'
    headers = {**_HEADERS, "cache-control": cache, "etag": tag}
    known = request.headers.get("if-none-match", "")
    # A proxy that packs answers marks their tags as weak.
    if tag in [each.strip().removeprefix("W/") for each in known.split(",")]:
        return Response(status_code=304, headers=headers)
    if pack:
        return Response(part.packed, media_type=part.type, headers={**headers, "content-encoding": "gzip"})
    return Response(part.content, media_type=part.type, headers=headers)

"""The web explorer: one page at `/` and what it is made of under `/web/`, all of it in this package.

Nothing of it is fetched from elsewhere, and browsers are told to refuse what would be. Its addresses are relative,
so that a proxy may serve it behind a path prefix.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

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
    # Asked for each time, and answered with 304 while it is the same: a new version is there at once.
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PAGE = "index.html"


@dataclass(frozen=True)
class Part:
    """A file of the page."""

    content: bytes
    type: str
    tag: str


def router() -> APIRouter:
    """The routes `/` and `/web/<name>`."""
    routes = APIRouter()
    parts = _parts()

    @routes.api_route("/", methods=["GET", "HEAD"])
    def page(request: Request) -> Response:
        return _response(parts[_PAGE], request)

    @routes.api_route("/web/{name}", methods=["GET", "HEAD"])
    def part(name: str, request: Request) -> Response:
        if name not in parts:
            raise HTTPException(404, "the page has no such part")
        return _response(parts[name], request)

    return routes


def _parts() -> dict[str, Part]:
    """Every file of the page by its name."""
    found = [file for file in files("api").joinpath("web").iterdir() if file.name.rpartition(".")[2] in _TYPES]
    return {file.name: _part(file.name, file.read_bytes()) for file in found}


def _part(name: str, content: bytes) -> Part:
    return Part(content, _TYPES[name.rpartition(".")[2]], f'"{sha256(content).hexdigest()[:32]}"')


def _response(part: Part, request: Request) -> Response:
    headers = {**_HEADERS, "etag": part.tag}
    known = request.headers.get("if-none-match", "")
    # A proxy that packs answers marks their tags as weak.
    if part.tag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(part.content, media_type=part.type, headers=headers)

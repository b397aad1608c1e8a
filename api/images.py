"""The shop's pictures, served from one folder and from nowhere else."""

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
}
# A picture that changes under the same name is seen after an hour; its ETag saves the bytes until then.
_CACHE = "public, max-age=3600"


def router(folder: Path) -> APIRouter:
    """The route `/images/<name>`."""
    routes = APIRouter()

    @routes.get("/images/{name:path}", response_class=FileResponse)
    def image(name: str) -> FileResponse:
        file = find_image(folder, name)
        if file is None:
            raise HTTPException(404, "no such picture")
        headers = {"cache-control": _CACHE, "x-content-type-options": "nosniff"}
        return FileResponse(file, media_type=_TYPES[file.suffix.lower()], headers=headers)

    return routes


def find_image(folder: Path, name: str) -> Path | None:
    """The file of a picture; None if there is none of that name inside the folder."""
    if "\0" in name:
        return None
    root = folder.resolve()
    file = (root / name).resolve()  # also follows links, which may not lead out of the folder
    inside = file.is_relative_to(root) and file.suffix.lower() in _TYPES
    return file if inside and file.is_file() else None

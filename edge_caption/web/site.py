"""The page's own files: HTML, styles, scripts. They are read once, so no path of a request ever reaches the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("static")

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def routes() -> list[Route]:
    """Return a route for each file; index.html is at the root."""
    files = sorted(FOLDER.iterdir())
    return [_route(file) for file in files if file.suffix in TYPES]


def _route(file: Path) -> Route:
    data = file.read_bytes()
    headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()[:16]}"', "Cache-Control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=TYPES[file.suffix], headers=headers)

    return Route("/" if file.name == "index.html" else f"/{file.name}", answer)

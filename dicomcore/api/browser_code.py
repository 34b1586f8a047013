"""A program that a page loads into the browser by itself, because it is too large to be sent along each time."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Its name holds its version."""


def route(program: Path) -> Route:
    """Where a JavaScript module is: ``/code/`` and its name."""

    def send(_: Request) -> FileResponse:
        return FileResponse(program, media_type="text/javascript", headers=FOR_GOOD)

    return Route(f"/code/{program.name}", send, methods=["GET"])

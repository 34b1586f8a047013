"""The API's own description: GET /api/openapi.json, and GET /api/docs to read and try it, for those signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any

from fastapi import APIRouter, FastAPI, Response, Security
from fastapi.security import HTTPBearer

from dicomcore.api.problems import MEDIA_TYPE

TITLE = "DICOM Viewer Pro"
ABOUT = """\
Scan folders, import them into the archive, prove that nothing was lost, and look at what is there: the same calls that
the pages make.

Send a token with each request: `Authorization: Bearer dvp_…`. An admin makes one on the page Users, or with
`python3 run.py token create`. A token may do what its user may; one with the scope “read” changes nothing.

Errors are problem documents (RFC 9457) whose `detail` says what to do. Long lists come in pages: `next` is the address
of the next one, or null. A program may send 600 requests a minute of 1 MB each.
"""
BEARER = HTTPBearer(
    scheme_name="token", bearerFormat="dvp_…", auto_error=False, description="A token: dvp_ and 43 more letters."
)
SEND_A_TOKEN = Security(BEARER)
"""For the description alone: who calls is found in ``asking``."""

USUAL = (400, 401, 403, 413, 422, 429, 500, 503)
"""What any route may answer."""

DETAIL = "What happened and what to do."
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "success"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": DETAIL},
        "success": {"type": "boolean", "const": False},
    },
}

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DICOM Viewer Pro: REST API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
START = """const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", validatorUrl: null, persistAuthorization: false,
  displayRequestDuration: true, docExpansion: "list", defaultModelsExpandDepth: 0,
});
"""
ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

router = APIRouter(include_in_schema=False)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of a route: the errors that it has besides the ``USUAL`` ones."""
    return {status: _error(status) for status in statuses}


def _error(status: int) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": title, "status": status, "detail": DETAIL, "success": False}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


def describe(api: FastAPI) -> None:
    """From now on the description tells errors as they are: problem documents."""
    own = api.openapi

    def openapi() -> dict[str, Any]:
        described = own()
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = PROBLEM
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return described

    api.openapi = openapi  # type: ignore[method-assign]


@router.get("/docs")
def docs() -> Response:
    """The description to read and to try. All that it is made of comes from here."""
    return Response(PAGE, media_type="text/html")


@router.get("/docs/start.js")
def start() -> Response:
    return Response(START, media_type="text/javascript")


def _serve(name: str, media_type: str) -> Callable[[], Response]:
    def asset() -> Response:
        return Response(_content(name), media_type=media_type, headers={"Cache-Control": "private, max-age=86400"})

    return asset


@cache
def _content(name: str) -> bytes:
    return (resources.files("fastapi_swagger") / "resources" / name).read_bytes()


for _name, _media_type in ASSETS.items():
    router.add_api_route(f"/docs/{_name}", _serve(_name, _media_type))
